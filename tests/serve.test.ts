// loop serve through the front door: it says where it serves, answers, says what it was denied and what went wrong,
// and ends in order when it is interrupted.
import { beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { homeFor, root, Said, soon } from "./home.ts";

const home = homeFor("serve");
const plain = join(home.folder, "hello");
const served = join(home.folder, "served");

/** A server and what it has said so far. */
const serving = async (cwd: string, ...flags: string[]) => {
  const child = home.spawn(cwd, "serve", "--addr", "127.0.0.1:0", ...flags);
  const [out, err] = [new Said(child.stdout), new Said(child.stderr)];
  const found = () => /http:\/\/127\.0\.0\.1:\d+\//.exec(out.text + err.text)?.[0];
  await soon(
    () => found() !== undefined || child.exitCode !== null,
    () => `It never served: ${err.text}`,
  );
  const url = found()!;
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`, { keepalive: false });
    return { status: response.status, body: await response.text() };
  };
  return {
    out,
    err,
    get,
    url,
    pid: child.pid,
    async stop(signal: NodeJS.Signals = "SIGINT") {
      child.kill(signal);
      const code = await child.exited;
      await Promise.all([out.whole, err.whole]);
      return code;
    },
  };
};

beforeAll(async () => {
  cpSync(join(root, "benchmarks/http"), plain, { recursive: true });
  cpSync(join(root, "tests/fixtures/served"), served, { recursive: true });
  writeFileSync(join(served, "some.txt"), "kept");
  for (const folder of [plain, served]) expect((await home.loop(folder, "build")).code).toBe(0);
}, 120_000);
test.each([[[]], [["--per-request"]], [["--trailers"]]])(
  "a server with %p answers until it is interrupted",
  async (flags) => {
    const server = await serving(plain, ...flags);
    for (let turn = 0; turn < 3; turn++) expect((await server.get("")).body).toBe("Hello, world\n");
    expect(await server.stop()).toBe(0);
    expect(server.err.text).toMatch(/^Serving .*hello-http\.wasm at http:\/\/127\.0\.0\.1:\d+\/\n$/);
  },
  30_000,
);
test("what it is denied is said once, with the flag that grants it", async () => {
  const server = await serving(served);
  for (let turn = 0; turn < 3; turn++) expect((await server.get("denied")).body).toBe("HTTP-request-denied");
  expect(await server.stop("SIGTERM")).toBe(0);
  const [, ...told] = server.err.text.split("\n");
  expect(told.filter((line) => line.includes("was denied what it was not granted"))).toHaveLength(1);
  expect(server.err.text).toMatch(/hint: loop serve .*served\.wasm --allow-net=example\.com:443/);
}, 30_000);

test("a trap is status 500 and a report with its code, and the next request is served", async () => {
  const server = await serving(served);
  expect((await server.get("trap")).status).toBe(500);
  expect(await server.get("")).toEqual({ status: 200, body: "Hello" });
  expect(await server.stop()).toBe(0);
  expect(server.err.text).toMatch(
    /\nerror\[LK0304\]: .*served\.wasm trapped in .*#handle: .*Trapped on purpose/,
  );
  expect(server.out.text).toBe("on its standard output\n");
}, 30_000);

test("an audit says at the end what was used, as a table or in a file", async () => {
  const table = await serving(served, "--dir", ".::/d", "--audit");
  for (let turn = 0; turn < 2; turn++) expect((await table.get("file")).body).toBe("kept");
  expect(await table.stop()).toBe(0);
  expect(table.err.text).toMatch(/CAPABILITY +ACTION +TARGET +TIMES +BYTES\n/);
  expect(table.err.text).toMatch(/files +read +\/d\/some\.txt +2 +8\n/);

  const lines = await serving(served, "--dir", ".::/d", "--audit=used.jsonl");
  await lines.get("file");
  expect(await lines.stop()).toBe(0);
  const uses = readFileSync(join(served, "used.jsonl"), "utf8").trim().split("\n");
  expect(uses.map((line) => JSON.parse(line))).toContainEqual({
    capability: "files",
    action: "read",
    target: "/d/some.txt",
    times: 1,
    bytes: 4,
  });
}, 60_000);

test("with --json each event is a line of standard output, and nothing else is there", async () => {
  const server = await serving(served, "--json");
  await server.get("");
  await server.get("denied");
  await server.get("trap");
  expect(await server.stop()).toBe(0);
  const events = server.out.text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events.map(({ event }) => event)).toEqual([
    "serving",
    "request",
    "denied",
    "request",
    "error",
    "request",
    "stopping",
    "stopped",
  ]);
  expect(events[0].url).toBe(server.url);
  expect(events[1]).toMatchObject({ method: "GET", target: "/", status: 200 });
  expect(events[2].wanted).toBe("example.com:443");
  expect(events[4].code).toBe("LK0304");
  expect(events[7]).toMatchObject({ requests: 3, errors: 1, cut: 0 });
  expect(server.err.text).toStartWith("on its standard output\n");
}, 30_000);

test("what is under way at an interrupt is answered, for as long as --grace", async () => {
  const patient = await serving(served);
  const slow = patient.get("slow");
  await Bun.sleep(300);
  expect(await patient.stop("SIGTERM")).toBe(0);
  expect((await slow).body).toBe("slow");
  expect(patient.err.text).toContain("Stopping: 1 request was under way, at most 10s more");

  const brisk = await serving(served, "--grace", "100ms");
  const cut = brisk.get("slow").catch(() => "cut");
  await Bun.sleep(300);
  expect(await brisk.stop()).toBe(0);
  expect(await cut).toBe("cut");
  expect(brisk.err.text).toContain("1 request was not answered within 100ms");
}, 30_000);

/** MiB of a process: what it has, or the most that it ever had. */
const memory = (pid: number, key: "VmRSS" | "VmHWM"): number =>
  Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;

test("a body streams through the component and back without lying in memory", async () => {
  const server = await serving(served);
  const before = memory(server.pid, "VmRSS");
  const piece = new Uint8Array(1 << 20).fill(7);
  const pieces = 256;
  for (const path of ["echo", "splice"]) {
    let left = pieces;
    const body = new ReadableStream({
      pull(controller) {
        if (left-- > 0) controller.enqueue(piece);
        else controller.close();
      },
    });
    const response = await fetch(server.url + path, { method: "POST", body });
    let bytes = 0;
    for await (const chunk of response.body!) {
      bytes += chunk.length;
      expect(chunk[0]).toBe(7);
    }
    expect(bytes).toBe(pieces << 20);
  }
  // A body that lay in memory would be there whole, in either direction, twice over.
  expect(memory(server.pid, "VmHWM") - before).toBeLessThan(pieces * 0.75);
  expect(await server.stop()).toBe(0);
}, 60_000);

test.each([
  [["serve", "--addr", "nowhere"], "LK0004"],
  [["serve", "--grace", "soon"], "LK0004"],
  [["serve", "--addr", "192.0.2.1:80"], "192.0.2.1:80: it is no address of this machine"],
  [["serve", "--addr", "192.0.2.1:80", "--trailers"], "192.0.2.1:80: it is no address of this machine"],
  [["serve", "--allow-net", "a b"], "LK0702"],
  [["run"], "loop serve"],
])(
  "%p is refused with %p",
  async (words, expected) => {
    const { said, code } = await home.loop(plain, ...words);
    expect(said).toContain(expected);
    expect(code).toBe(1);
    expect(existsSync(join(plain, "used.jsonl"))).toBe(false);
  },
  30_000,
);
