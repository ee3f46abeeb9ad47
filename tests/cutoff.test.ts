// Ctrl-C while loop waits for somebody else's server: the fault LK0005 and exit code 130 as from any other command,
// nothing half-written, and a terminal's line as it was.
import { afterEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { artifactOf, type Misbehaviour, serveArtifact } from "../src/resolve/oci/fixture.ts";
import { ended, homeFor, loopWords } from "./home.ts";

const home = homeFor("cutoff", { PATH: process.env.PATH! });
/** The smallest component: a preamble and a custom section. */
const tiny = Buffer.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 0, 2, 1, 0x78]);

const servers: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  rmSync(join(home.folder, "cache"), { recursive: true, force: true });
});

/** A registry that never answers a kind of request; `asked` is done once it was asked. */
const stalling = (
  stalls: (request: Request, url: URL) => boolean,
  otherwise: Misbehaviour = () => undefined,
) => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const server = serveArtifact(artifactOf(tiny), (request, url) => {
    if (!stalls(request, url)) return otherwise(request, url);
    resolve();
    return new Promise<Response>(() => {});
  });
  servers.push(server);
  return { host: server.host, asked };
};

const workspace = (name: string, dependencies: Readonly<Record<string, string>> = {}): string => {
  const folder = join(home.folder, name);
  mkdirSync(folder);
  const lines = Object.entries(dependencies).map(([key, value]) => `"${key}" = "${value}"\n`);
  writeFileSync(join(folder, "loop.toml"), `[dependencies]\n${lines.join("")}`);
  return folder;
};

const interrupted = async (folder: string, words: readonly string[], asked: Promise<void>) => {
  const child = home.spawn(folder, ...words);
  await asked;
  child.kill("SIGINT");
  return { ...(await ended(child)), signal: child.signalCode };
};

const blobs = (_: Request, { pathname }: URL) => pathname.includes("/blobs/");
const atOnce = { out: "", code: 130, signal: null };

test("a fetch ends with the fault of an interruption, and neither stores nor locks", async () => {
  const { host, asked } = stalling(blobs);
  const folder = workspace("fetch");
  const identifier = `oci://${host}/acme/tool:1`;
  const { said, ...ended } = await interrupted(folder, ["fetch", identifier], asked);
  expect(ended).toEqual(atOnce);
  expect(said).toContain(`error[LK0005]: Interrupted before ${identifier} was here`);
  expect(said).toContain(`hint: loop fetch ${identifier}`);
  expect(readdirSync(folder)).toEqual(["loop.toml"]);
  expect(existsSync(join(home.folder, "cache/loop/store/sha256"))).toBe(false);
}, 30_000);

test("what was brought in before the interruption stays, whole and locked", async () => {
  const { host, asked } = stalling((request, url) => url.pathname.includes("/two/") && blobs(request, url));
  const [one, two] = [`oci://${host}/acme/one:1`, `oci://${host}/two/two:1`];
  const folder = workspace("half", { "acme:one": one, "acme:two": two });
  expect((await interrupted(folder, ["vendor"], asked)).code).toBe(130);
  expect(readdirSync(folder).sort()).toEqual(["loop.lock", "loop.toml"]);
  const lock = await Bun.file(join(folder, "loop.lock")).text();
  expect(lock).toContain(`[component."${one}"]`);
  expect(lock).not.toContain(two);
}, 30_000);

test("whoever runs what has yet to come is told the same", async () => {
  const { host, asked } = stalling((_, { pathname }) => pathname.includes("/manifests/"));
  const { said, ...ended } = await interrupted(workspace("run"), ["run", `oci://${host}/acme/tool:1`], asked);
  expect(ended).toEqual(atOnce);
  expect(said).toContain("error[LK0005]");
}, 30_000);

test("a publication that is interrupted leaves its tag as it was", async () => {
  const manifests: string[] = [];
  const { host, asked } = stalling(
    ({ method }, { pathname }) => method === "PUT" && pathname.includes("/blobs/"),
    ({ method }, { pathname }) => {
      if (method === "PUT") manifests.push(pathname);
      if (method === "POST")
        return new Response("", { status: 202, headers: { location: "/v2/acme/tool/blobs/uploads/1" } });
      return new Response("", { status: 404 });
    },
  );
  const folder = workspace("publish");
  writeFileSync(join(folder, "tiny.wasm"), tiny);
  const words = ["publish", `oci://${host}/acme/tool:1`, "tiny.wasm"];
  const { said, ...ended } = await interrupted(folder, words, asked);
  expect(ended).toEqual(atOnce);
  expect(said).toContain(`error[LK0005]: Interrupted before oci://${host}/acme/tool:1 was published whole`);
  expect(manifests).toEqual([]);
}, 30_000);

test("on a terminal the line of the progress is gone when the fault is told", async () => {
  const { host } = stalling(blobs);
  const folder = workspace("terminal");
  const command = [...loopWords, "fetch", `oci://${host}/acme/tool:1`].map((word) => `'${word}'`).join(" ");
  const child = Bun.spawn(["script", "-qec", command, "/dev/null"], {
    cwd: folder,
    env: { ...home.env, TERM: "xterm", NO_COLOR: "1" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  let shown = "";
  const decoder = new TextDecoder();
  for await (const part of child.stdout) {
    const before = shown.includes("Fetching");
    shown += decoder.decode(part, { stream: true });
    // As a person does it, once there is something to see.
    if (!before && shown.includes("Fetching")) child.stdin.write("\x03");
  }
  expect(await child.exited).toBe(130);
  const [progress, told] = shown.split("error[LK0005]");
  expect(progress).toContain("Fetching");
  expect(progress).toEndWith("\r\x1b[K");
  expect(told).toContain("Interrupted before");
}, 30_000);
