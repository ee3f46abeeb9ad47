// Fetchers as slots, through the front door: a component fetches for a scheme that loop does not know, with the
// network and nothing else, and what it brings is locked and stored like anything else from elsewhere.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wasmTools } from "../src/contract/tools.ts";
import { homeFor, root } from "./home.ts";

const home = homeFor("fetchers", { SECRET: "of the person" });
const work = join(home.folder, "work");
const loop = (...words: string[]) => home.loop(work, ...words);
const component = readFileSync(join(root, "build/stage/commands/shell.wasm"));

let asked = 0;
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch: ({ url }) => {
    asked++;
    return new URL(url).pathname === "/x.wasm" ? new Response(component) : new Response("", { status: 404 });
  },
});
const identifier = `demo://127.0.0.1:${server.port}/x.wasm`;
const flag = ["--slot", "fetcher:demo=demo/build/demo.wasm"];

beforeAll(async () => {
  mkdirSync(work, { recursive: true });
  cpSync(join(root, "tests/fixtures/demo"), join(work, "demo"), { recursive: true });
  expect((await home.loop(join(work, "demo"), "build")).said).toBe("");
}, 60_000);
beforeEach(() => {
  asked = 0;
  rmSync(join(home.folder, "cache/loop/store"), { recursive: true, force: true });
  for (const file of ["loop.toml", "loop.lock"]) rmSync(join(work, file), { force: true });
});
afterAll(() => server.stop(true));

test("a scheme that nobody fetches says which there are, and how to add one", async () => {
  const { said, code } = await loop("inspect", identifier);
  expect(code).toBe(1);
  expect(said).toContain("error[LK0103]");
  expect(said).toContain("loop slot set fetcher:demo");
}, 30_000);

test("a component fetches for a made-up scheme with the network and nothing else", async () => {
  const { out, said } = await loop(...flag, "inspect", identifier);
  expect(said).toBe("");
  expect(out).toContain(`place   http://127.0.0.1:${server.port}/x.wasm`);
}, 30_000);

test("what it answers as its fault is the person's, with the slot's name on it", async () => {
  const { said, code } = await loop(...flag, "inspect", `demo://127.0.0.1:${server.port}/none.wasm`);
  expect(code).toBe(1);
  expect(said).toContain(`error[DEMO1]: 127.0.0.1:${server.port} answers 404`);
  expect(said).toContain("slot fetcher:demo");
}, 30_000);

test("the slot is set, explained and reset like any other", async () => {
  expect((await loop("slot", "set", "fetcher:demo", "demo/build/demo.wasm")).out).toContain(
    "is now filled by",
  );
  expect((await loop("inspect", identifier)).code).toBe(0);
  expect((await loop("slot", "reset", "fetcher:demo")).code).toBe(0);
  expect((await loop("inspect", identifier)).said).toContain("LK0103");
}, 60_000);

test("a component that is no fetcher does not fit the slot", async () => {
  writeFileSync(join(work, "x.wasm"), component);
  const { said } = await loop("slot", "set", "fetcher:demo", "x.wasm");
  expect(said).toContain("error[LK0402]");
}, 30_000);

test("a loop.toml that fills a fetcher's slot gives it no network until the person agrees", async () => {
  // With one more custom section: other bytes than those that were built here, and nobody trusts them.
  const built = readFileSync(join(work, "demo/build/demo.wasm"));
  writeFileSync(join(work, "foreign.wasm"), Buffer.concat([built, Buffer.from([0, 2, 1, 0x78])]));
  writeFileSync(join(work, "loop.toml"), '[slots."fetcher:demo"]\nuse = "./foreign.wasm"\n');
  const { said } = await loop("inspect", identifier);
  expect(said).toContain("error[LK0701]");
  expect(said).toContain("--allow=wasi:http");
  expect(asked).toBe(0);
}, 30_000);

test("what is locked and stored is not asked for again, and a changed answer is refused", async () => {
  writeFileSync(join(work, "loop.toml"), "[workspace]\nmembers = []\n");
  expect((await loop(...flag, "inspect", identifier)).code).toBe(0);
  expect(asked).toBe(1);
  expect(readFileSync(join(work, "loop.lock"), "utf8")).toContain(`[component."${identifier}"]`);
  expect((await loop(...flag, "--offline", "--locked", "inspect", identifier)).code).toBe(0);
  // Nor is the fetcher itself needed any more.
  const gone = ["--slot", "fetcher:demo=gone.wasm"];
  expect((await loop(...gone, "inspect", identifier)).code).toBe(0);
  expect(asked).toBe(1);
  const lock = readFileSync(join(work, "loop.lock"), "utf8");
  writeFileSync(join(work, "loop.lock"), lock.replace(/sha256:[0-9a-f]{64}/, `sha256:${"0".repeat(64)}`));
  const { said } = await loop(...flag, "inspect", identifier);
  expect(said).toContain("error[LK0105]");
  expect(said).toContain(`loop fetch --update ${identifier}`);
}, 60_000);

test("a page that is no component is neither stored nor locked", async () => {
  writeFileSync(join(work, "loop.toml"), "[workspace]\nmembers = []\n");
  const page = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("<html>") });
  const { said } = await loop("inspect", `http://127.0.0.1:${page.port}/x.wasm`);
  await page.stop(true);
  expect(said).toContain("error[LK0201]");
  expect(existsSync(join(work, "loop.lock"))).toBe(false);
  expect(existsSync(join(home.folder, "cache/loop/store/sha256"))).toBe(false);
}, 30_000);

test("a component whose types do not hold together is neither stored nor locked, and a local one is its owner's", async () => {
  writeFileSync(join(work, "loop.toml"), "[workspace]\nmembers = []\n");
  const lying = `(component
    (component $inner (import "f" (func (param "x" u32))))
    (import "g" (func $g))
    (instance (instantiate $inner (with "f" (func $g)))))`;
  const bytes = Buffer.from(await (await wasmTools()).parse(lying));
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(bytes) });
  const { said } = await loop("inspect", `http://127.0.0.1:${server.port}/x.wasm`);
  await server.stop(true);
  expect(said).toContain("error[LK0211]: The component is not valid: expected 1 parameters, found 0");
  expect(said).toContain("verify: Checking what was fetched");
  expect(existsSync(join(work, "loop.lock"))).toBe(false);
  expect(existsSync(join(home.folder, "cache/loop/store/sha256"))).toBe(false);
  writeFileSync(join(work, "lying.wasm"), bytes);
  expect((await loop("inspect", "lying.wasm")).code).toBe(0);
}, 30_000);
