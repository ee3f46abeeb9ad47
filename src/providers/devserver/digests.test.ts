import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../../base/digest.ts";
import { limits } from "../../base/limits.ts";
import { readBounded } from "../../resolve/file.ts";
import { Digests } from "./digests.ts";

let folder: string;
let file: string;
let reads = 0;
let aheadMs = 0;
let digests: Digests;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-digests-"));
  file = join(folder, "a.wasm");
  writeFileSync(file, "one");
  [reads, aheadMs] = [0, 0];
  const read: typeof readBounded = (...given) => {
    reads++;
    return readBounded(...given);
  };
  digests = new Digests(read, () => Date.now() + aheadMs);
});
afterEach(() => rmSync(folder, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const is = (text: string) => expect(digests.of(file)).toBe(digestOf(bytes(text)));

test("a file is read each time while its times are recent, and once when they are old", () => {
  for (const times of [1, 2, 3]) {
    is("one");
    expect(reads).toBe(times);
  }
  aheadMs = limits.devSettledFileMs * 2;
  for (let i = 0; i < 3; i++) is("one");
  expect(reads).toBe(4);
  digests.keep([file]);
  is("one");
  expect(reads).toBe(4);
  digests.keep([]);
  is("one");
  expect(reads).toBe(5);
});

test("another of the same size and time of writing is read, in its place or renamed into it", () => {
  aheadMs = limits.devSettledFileMs * 2;
  is("one");
  const { atime, mtime } = statSync(file);
  writeFileSync(file, "two");
  utimesSync(file, atime, mtime);
  is("two");
  const other = join(folder, "b.wasm");
  writeFileSync(other, "six");
  utimesSync(other, atime, mtime);
  renameSync(other, file);
  is("six");
  expect(reads).toBe(3);
});

test("what cannot be read says why, and is read when it is back", () => {
  aheadMs = limits.devSettledFileMs * 2;
  is("one");
  rmSync(file);
  expect(() => digests.of(file)).toThrow(/No file at/);
  expect(() => digests.of(join(file, "below"))).toThrow(/No file at/);
  writeFileSync(file, "one");
  is("one");
  writeFileSync(file, "");
  expect(() => digests.of(join(file, "below"))).toThrow(/No file at/);
});
