// Signatures through the front door: what a lock notes of who signed, and what happens to those who give out something
// else in its place.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appendCustomSection } from "../src/contract/binary/sections.ts";
import { wasmTools } from "../src/contract/tools.ts";
import { signingKey } from "../src/trust/key/private.ts";
import { withoutSignature } from "../src/trust/signature/section.ts";
import { signBytes } from "../src/trust/signature/sign.ts";

const root = join(import.meta.dir, "..");
const temporary = realpathSync(mkdtempSync(join(tmpdir(), "loop-signed-")));
const work = join(temporary, "work");
const lock = join(work, "loop.lock");

const loop = async (who: string, ...words: string[]) => {
  const child = Bun.spawn([process.execPath, join(root, "src/main.ts"), ...words], {
    cwd: work,
    env: {
      PATH: "/usr/bin:/bin",
      HOME: join(temporary, who),
      XDG_DATA_HOME: join(temporary, who, "data"),
      XDG_CACHE_HOME: join(temporary, who, "cache"),
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, said] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { out, said, code: await child.exited };
};

let served: Uint8Array = new Uint8Array(0);
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(Buffer.from(served)) });
const identifier = `http://127.0.0.1:${server.port}/x.wasm`;

const key = await signingKey(new Uint8Array(32).fill(1));
const other = await signingKey(new Uint8Array(32).fill(2));
const answering = async (answer: number) =>
  (await wasmTools()).parse(`(component
    (core module $m (func (export "answer") (result i32) (i32.const ${answer})))
    (core instance $i (instantiate $m))
    (func (export "answer") (result u32) (canon lift (core func $i "answer"))))`);
const [one, two] = await Promise.all([answering(1), answering(2)]);

beforeAll(() => {
  mkdirSync(work, { recursive: true });
  writeFileSync(
    join(work, "loop.toml"),
    `[workspace]\nmembers = []\n\n[dependencies]\n"acme:x" = "${identifier}"\n`,
  );
});
afterAll(async () => {
  await server.stop(true);
  rmSync(temporary, { recursive: true, force: true });
});

test("a lock notes who signed, for those who trust them", async () => {
  served = await signBytes(one, key);
  expect((await loop("alice", "trust", "add", key.key, "--name", "maker")).code).toBe(0);
  expect(await loop("alice", "run", identifier, "--invoke", "answer()")).toMatchObject({
    out: "1\n",
    said: "",
  });
  expect(readFileSync(lock, "utf8")).toContain(`signers = [\n  "${key.key}",\n]`);
}, 60_000);

test("a renewed component has to be signed by the same, also for one who does not know them", async () => {
  const before = readFileSync(lock, "utf8");
  const attacks = {
    stripped: withoutSignature(await signBytes(two, key)),
    unsigned: two,
    "signed by another": await signBytes(two, other),
    "with another's signature": appendCustomSection(await signBytes(two, key), "x", ""),
  };
  for (const [what, bytes] of Object.entries(attacks))
    for (const who of ["alice", "bob"]) {
      served = bytes;
      const { said, code } = await loop(who, "fetch", "--update", identifier);
      expect([what, who, code, /LK080[14]/.test(said)]).toEqual([what, who, 1, true]);
      expect(readFileSync(lock, "utf8")).toBe(before);
    }
}, 120_000);

test("a renewed component that the same have signed is locked with them, whoever renews it", async () => {
  served = await signBytes(two, key);
  expect(await loop("bob", "fetch", "--update", identifier)).toMatchObject({ code: 0 });
  expect(readFileSync(lock, "utf8")).toContain(`signers = [\n  "${key.key}",\n]`);
  expect(await loop("alice", "run", identifier, "--invoke", "answer()")).toMatchObject({ out: "2\n" });
  const { out } = await loop("bob", "trust", "explain", identifier, "--json");
  expect(JSON.parse(out)).toMatchObject({ class: "untrusted" });
}, 60_000);

test("bytes that were changed on their way neither run nor are locked", async () => {
  served = appendCustomSection(await signBytes(one, key), "x", "");
  const { said, code } = await loop("carol", "run", `http://127.0.0.1:${server.port}/other.wasm`);
  expect([code, said.includes("LK0801")]).toEqual([1, true]);
  expect(readFileSync(lock, "utf8")).not.toContain("other.wasm");
}, 60_000);
