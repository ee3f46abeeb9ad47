// Capabilities as slots, through the front door: a component stands before the host's wasi:http, rewrites a header or
// writes down what passes, and has no more of the network than the guest whose requests pass through it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { homeFor } from "./home.ts";

const home = homeFor("fillings");
const work = join(home.folder, "work");

const loop = async (folder: string, ...words: string[]) => {
  const { out, said } = await home.loop(join(work, folder), ...words);
  return { out: out.trim(), said };
};

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    let bytes = 0;
    if (request.body) for await (const piece of request.body) bytes += piece.length;
    const { pathname } = new URL(request.url);
    return new Response(
      `${pathname} from ${request.headers.get("x-sender")}${bytes > 0 ? `, ${bytes} bytes` : ""}`,
    );
  },
});
const address = `127.0.0.1:${server.port}`;
const rewriting = "provider:wasi:http=header/build/header.wasm";
const twice = ["--slot", rewriting, "--slot", "provider:wasi:http=header/build/../build/header.wasm"];
const get = (path: string, ...words: string[]) =>
  loop(".", ...words, "run", "client/build/client.wasm", "--invoke", `get("${address}", "${path}")`);

beforeAll(async () => {
  cpSync(join(import.meta.dir, "cli/fillings/files"), work, { recursive: true });
  for (const folder of ["client", "header", "recorder"]) expect((await loop(folder, "build")).said).toBe("");
}, 120_000);
afterAll(() => server.stop(true));

test("a component before the host's wasi:http rewrites what passes through it", async () => {
  const granted = `--allow-net=${address}`;
  const words = ["run", "client/build/client.wasm", granted, "--invoke", `get("${address}", "/a")`];
  expect((await loop(".", ...words)).out).toBe('ok("200 /a from original")');
  expect((await loop(".", "--slot", rewriting, ...words)).out).toBe('ok("200 /a from rewritten")');
  expect((await loop(".", ...twice, ...words)).out).toBe('ok("200 /a from rewritten")');
}, 60_000);

test("a body goes past a component in the way, as it is made", async () => {
  const mebibytes = 24;
  const words = ["--allow-net=*", "--invoke", `post("${address}", "/up", 1048576, ${mebibytes})`];
  const run = ["run", "client/build/client.wasm", ...words];
  expect((await loop(".", ...run)).out).toBe(`ok("200 /up from original, ${mebibytes << 20} bytes")`);
  for (const slots of [["--slot", rewriting], twice])
    expect((await loop(".", ...slots, ...run)).out).toBe(
      `ok("200 /up from rewritten, ${mebibytes << 20} bytes")`,
    );
}, 60_000);

test("a network that records writes down each request, and passes on what it carries", async () => {
  const recording = ["--slot", "provider:wasi:http=recorder/build/recorder.wasm"];
  const run = ["run", "client/build/client.wasm", `--allow-net=${address}`, "--invoke"];
  const asked = await loop(".", ...recording, ...run, `get("${address}", "/a?b=c")`);
  expect(asked.out).toBe('ok("200 /a from original")');
  expect(asked.said).toContain(`get ${address}/a?b=c`);
  const sent = await loop(".", ...recording, ...run, `post("${address}", "/up", 1000, 3)`);
  expect(sent.out).toBe('ok("200 /up from original, 3000 bytes")');
  expect(sent.said).toContain(`post ${address}/up`);
  const refused = await loop(".", ...recording, ...run, 'get("example.com", "/")');
  expect(refused.out).toBe('err("HTTP-request-denied")');
  expect(refused.said).toMatch(/get example\.com\/.*HTTP-request-denied/);
  // Before what rewrites, it sees what the guest said; a body passes both.
  const both = [...recording, "--slot", rewriting];
  expect((await loop(".", ...both, ...run, `post("${address}", "/up", 1000, 3)`)).out).toBe(
    'ok("200 /up from rewritten, 3000 bytes")',
  );
}, 60_000);

test("a component in the way refuses what it does not want to pass on", async () => {
  const words = ["--allow-net=*", "--invoke", `get("${address}", "/secret")`];
  const { out } = await loop(".", "--slot", rewriting, "run", "client/build/client.wasm", ...words);
  expect(out).toBe('err("HTTP-request-denied")');
}, 30_000);

test("what stands in the way has the network of the guest before it, and none of its own", async () => {
  const { out, said } = await get("/b", "--slot", rewriting);
  expect(out).toBe('err("HTTP-request-denied")');
  expect(said).toContain(`--allow-net=${address}`);
}, 30_000);
