// Capabilities as slots, through the front door: a component stands before the host's wasi:http, rewrites a header,
// and has no more of the network than the guest whose requests pass through it.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const temporary = realpathSync(mkdtempSync(join(tmpdir(), "loop-fillings-")));
const work = join(temporary, "work");

const loop = async (folder: string, ...words: string[]) => {
  const child = Bun.spawn([process.execPath, join(root, "src/main.ts"), ...words], {
    cwd: join(work, folder),
    env: {
      PATH: "/usr/bin:/bin",
      HOME: temporary,
      XDG_DATA_HOME: join(temporary, "data"),
      XDG_CACHE_HOME: join(temporary, "cache"),
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, said] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  return { out: out.trim(), said };
};

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: (request) =>
    new Response(`${new URL(request.url).pathname} from ${request.headers.get("x-sender")}`),
});
const address = `127.0.0.1:${server.port}`;
const rewriting = "provider:wasi:http=header/build/header.wasm";
const get = (path: string, ...words: string[]) =>
  loop(".", ...words, "run", "client/build/client.wasm", "--invoke", `get("${address}", "${path}")`);

beforeAll(async () => {
  cpSync(join(import.meta.dir, "cli/fillings/files"), work, { recursive: true });
  for (const folder of ["client", "header"]) expect((await loop(folder, "build")).said).toBe("");
}, 120_000);
afterAll(async () => {
  await server.stop(true);
  rmSync(temporary, { recursive: true, force: true });
});

test("a component before the host's wasi:http rewrites what passes through it", async () => {
  const granted = `--allow-net=${address}`;
  const words = ["run", "client/build/client.wasm", granted, "--invoke", `get("${address}", "/a")`];
  expect((await loop(".", ...words)).out).toBe('ok("200 /a from original")');
  expect((await loop(".", "--slot", rewriting, ...words)).out).toBe('ok("200 /a from rewritten")');
  const twice = ["--slot", rewriting, "--slot", "provider:wasi:http=header/build/../build/header.wasm"];
  expect((await loop(".", ...twice, ...words)).out).toBe('ok("200 /a from rewritten")');
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
