import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../base/digest.ts";
import { databasePath } from "../providers/storage/storage.ts";
import { Decisions } from "../trust/decisions.ts";
import { storageFolder, storageIdentity } from "./identity.ts";

let folder = "";
const before = process.env.XDG_DATA_HOME;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-identity-"));
  process.env.XDG_DATA_HOME = folder;
});
afterEach(() => {
  if (before === undefined) delete process.env.XDG_DATA_HOME;
  else process.env.XDG_DATA_HOME = before;
  rmSync(folder, { recursive: true, force: true });
});

const [one, two] = [digestOf("one"), digestOf("two")];
const identityOf = (digest: typeof one, signedAs: readonly string[] = []) =>
  storageIdentity({ identifier: "x.wasm", digest, signedAs });

test("bytes that nobody vouches for store by their digest alone", () => {
  expect(identityOf(one)).toBe(one);
  expect(identityOf(one)).not.toBe(identityOf(two));
});

test("what a trusted signer signed as one package stores in one place, in each version", () => {
  const subject = "ed25519:a acme:tool";
  expect(identityOf(one, [subject])).toBe(identityOf(two, [subject]));
  expect(identityOf(two, ["ed25519:b acme:tool"])).not.toBe(identityOf(one, [subject]));
  expect(identityOf(two, ["ed25519:a acme:other"])).not.toBe(identityOf(one, [subject]));
});

test("of several signers the one that has stored something keeps it", () => {
  const [alice, bob] = ["ed25519:a acme:tool", "ed25519:b acme:tool"];
  expect(identityOf(one, [bob, alice])).toBe(alice);
  mkdirSync(storageFolder(), { recursive: true });
  writeFileSync(databasePath(storageFolder(), bob), "");
  expect(identityOf(two, [alice, bob])).toBe(bob);
});

test("what was built here keeps its own, signed or not", () => {
  new Decisions().built(one, "/home/a/tool", "tool");
  expect(identityOf(one, ["ed25519:a acme:tool"])).toBe("/home/a/tool");
});
