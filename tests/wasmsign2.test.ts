// Signatures with the wasmsign2 command itself, both ways, where it is installed (cargo install wasmsign2-cli). What it
// made once is kept in src/trust/signature/vectors.json, which is checked everywhere.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appendCustomSection } from "../src/contract/binary/sections.ts";
import { readPrivateKey, signingKey, writePrivateKey } from "../src/trust/key/private.ts";
import { readPublicKey, writePublicKey } from "../src/trust/key/public.ts";
import { checkSignatures } from "../src/trust/signature/check.ts";
import { signBytes, signDetached } from "../src/trust/signature/sign.ts";

const command = Bun.which("wasmsign2");
const folder = mkdtempSync(join(tmpdir(), "loop-wasmsign2-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const wasmsign2 = (...words: string[]): boolean => Bun.spawnSync([command!, ...words]).exitCode === 0;

const component = Buffer.from(
  appendCustomSection(Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), "note", "x"),
);
const key = await signingKey(new Uint8Array(32).fill(7));

test.skipIf(!command)("wasmsign2 verifies what loop signs, embedded, twice and beside", async () => {
  const other = await signingKey(new Uint8Array(32).fill(8));
  writeFileSync(at("first.key"), writePublicKey(key.key, "wasmsign2", ""));
  writeFileSync(at("second.key"), writePublicKey(other.key, "wasmsign2", ""));
  const once = await signBytes(component, key, { package: "acme:tool@1.2.0" });
  writeFileSync(at("once.wasm"), once);
  writeFileSync(at("twice.wasm"), await signBytes(once, other));
  expect(wasmsign2("verify", "-i", at("once.wasm"), "-K", at("first.key"))).toBe(true);
  expect(wasmsign2("verify", "-i", at("once.wasm"), "-K", at("second.key"))).toBe(false);
  for (const name of ["first.key", "second.key"])
    expect(wasmsign2("verify", "-i", at("twice.wasm"), "-K", at(name))).toBe(true);
  writeFileSync(at("plain.wasm"), component);
  writeFileSync(at("plain.sig"), await signDetached(component, key));
  const detached = ["-i", at("plain.wasm"), "-K", at("first.key"), "-S", at("plain.sig")];
  expect(wasmsign2("verify", ...detached)).toBe(true);
});

test.skipIf(!command)("loop verifies what wasmsign2 signs, with keys of either", async () => {
  writeFileSync(at("in.wasm"), component);
  writeFileSync(at("own.key"), writePrivateKey(key, "wasmsign2")!);
  expect(wasmsign2("keygen", "-k", at("made.key"), "-K", at("made.pub"))).toBe(true);
  const made = (await readPrivateKey(readFileSync(at("made.key"))))!;
  expect(readPublicKey(readFileSync(at("made.pub")))).toBe(made.key);
  const signers = async (file: string, detached?: Uint8Array) =>
    (await checkSignatures(file, readFileSync(at(file)), { keys: [key.key, made.key], detached }))?.signers;
  expect(wasmsign2("sign", "-k", at("own.key"), "-i", at("in.wasm"), "-o", at("one.wasm"))).toBe(true);
  expect(await signers("one.wasm")).toEqual([key.key]);
  const again = ["-k", at("made.key"), "-K", at("made.pub"), "-i", at("one.wasm"), "-o", at("two.wasm")];
  expect(wasmsign2("sign", ...again)).toBe(true);
  expect(await signers("two.wasm")).toEqual([key.key, made.key]);
  const beside = ["-k", at("made.key"), "-i", at("in.wasm"), "-o", at("same.wasm"), "-S", at("beside.sig")];
  expect(wasmsign2("sign", ...beside)).toBe(true);
  expect(await signers("same.wasm", readFileSync(at("beside.sig")))).toEqual([made.key]);
});
