// Signatures through the front door: what a lock notes of who signed, and what happens to those who give out something
// else in its place.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { appendCustomSection } from "../src/contract/binary/sections.ts";
import { wasmTools } from "../src/contract/tools.ts";
import { signingKey } from "../src/trust/key/private.ts";
import { withoutSignature } from "../src/trust/signature/section.ts";
import { signBytes, signDetached } from "../src/trust/signature/sign.ts";
import { homeFor } from "./home.ts";

const home = homeFor("signed");
const work = join(home.folder, "work");
const lock = join(work, "loop.lock");

const loopIn = (cwd: string, who: string, ...words: string[]) => home.person(who).loop(cwd, ...words);
const loop = (who: string, ...words: string[]) => loopIn(work, who, ...words);

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
afterAll(() => server.stop(true));

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

test("what came signed once is refused without its signature, until a person says that it is meant", async () => {
  // Outside of any workspace: no lock holds it to anything.
  const place = `http://127.0.0.1:${server.port}/alone.wasm`;
  const elsewhere = join(home.folder, "elsewhere");
  mkdirSync(elsewhere, { recursive: true });
  const run = (...words: string[]) => loopIn(elsewhere, "dora", ...words);
  expect((await run("trust", "add", key.key, "--name", "maker")).code).toBe(0);
  served = await signBytes(one, key);
  expect(await run("run", place, "--invoke", "answer()")).toMatchObject({ out: "1\n" });
  served = withoutSignature(await signBytes(two, key));
  const { said, code } = await run("run", place, "--invoke", "answer()");
  expect([code, said.includes("error[LK0804]"), said.includes("came signed by maker before")]).toEqual([
    1,
    true,
    true,
  ]);
  expect(said).toContain(`loop trust remove ${place}`);
  served = await signBytes(two, key);
  expect(await run("run", place, "--invoke", "answer()")).toMatchObject({ out: "2\n" });
  served = two;
  expect((await run("trust", "remove", place)).code).toBe(0);
  expect(await run("run", place, "--invoke", "answer()")).toMatchObject({ out: "2\n" });
}, 60_000);

test("a signature beside a URL is asked for, locked with it, and counts without a network", async () => {
  const folder = join(home.folder, "beside");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "loop.toml"), "[workspace]\nmembers = []\n");
  const run = (...words: string[]) => loopIn(folder, "alice", ...words);
  let signature: Uint8Array | undefined = await signDetached(one, key);
  const host = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => {
      if (!new URL(url).pathname.endsWith(".sig")) return new Response(Buffer.from(one));
      return signature ? new Response(Buffer.from(signature)) : new Response("<html>nothing here</html>");
    },
  });
  const place = `http://127.0.0.1:${host.port}/plain.wasm`;
  expect((await run("fetch", place)).code).toBe(0);
  const locked = readFileSync(join(folder, "loop.lock"), "utf8");
  expect(locked).toContain(`\nsignature = "${Buffer.from(signature).toString("base64")}"\n`);
  expect(locked).toContain(`signers = [\n  "${key.key}",\n]`);
  expect((await run("vendor")).code).toBe(0);
  rmSync(join(home.folder, "alice/cache"), { recursive: true, force: true });
  const { out } = await run("--offline", "trust", "explain", place, "--json");
  expect(JSON.parse(out)).toMatchObject({ class: "trusted" });
  // One of other bytes is refused; a page that says that there is none is no signature.
  signature = await signDetached(two, key);
  expect((await run("fetch", "--update", place)).said).toContain("error[LK0801]");
  signature = undefined;
  expect((await run("fetch", "--update", place)).said).toContain("error[LK0804]");
  expect(readFileSync(join(folder, "loop.lock"), "utf8")).toBe(locked);
  await host.stop(true);
}, 90_000);

test("a signature beside a file counts, wherever the file is named, and is refused where it is another's", async () => {
  const folder = join(home.folder, "files");
  mkdirSync(folder, { recursive: true });
  const run = (...words: string[]) => loopIn(folder, "alice", ...words);
  writeFileSync(join(folder, "one.wasm"), one);
  writeFileSync(join(folder, "one.wasm.sig"), await signDetached(one, key));
  writeFileSync(
    join(folder, "loop.toml"),
    '[dependencies]\n"acme:one" = "./one.wasm"\n\n[trust]\nrequire = ["./*"]\n',
  );
  for (const named of ["one.wasm", "acme:one"]) {
    const { out } = await run("trust", "explain", named, "--json");
    expect(JSON.parse(out)).toMatchObject({ class: "trusted" });
  }
  expect(await run("run", "one.wasm", "--invoke", "answer()")).toMatchObject({ out: "1\n" });
  expect((await run("verify", "one.wasm")).code).toBe(0);
  writeFileSync(join(folder, "one.wasm"), two);
  const changed = await run("run", "one.wasm", "--invoke", "answer()");
  expect(changed.said).toContain("error[LK0801]: The signature that lies beside it is of other bytes");
  rmSync(join(folder, "one.wasm.sig"));
  expect((await run("run", "one.wasm", "--invoke", "answer()")).said).toContain("error[LK0804]");
}, 90_000);
