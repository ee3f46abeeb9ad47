import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../../base/digest.ts";
import type { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { Store } from "./store.ts";

let folder = "";
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-store-"));
  store = new Store(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const put = async (text: string) => {
  await store.put(bytes(text), digestOf(text));
  return digestOf(text);
};
const thrown = async (work: () => unknown): Promise<Fault> => {
  try {
    await work();
  } catch (error) {
    return error as Fault;
  }
  throw new Error("nothing was thrown");
};

test("what was put is read by its digest, and nothing else is there", async () => {
  const digest = await put("hello");
  expect(store.read(digest)).toEqual(Buffer.from("hello"));
  expect(store.read(digestOf("other"))).toBeUndefined();
  expect(store.list().map((blob) => blob.digest)).toEqual([digest]);
  expect(readdirSync(join(folder, "partial"))).toEqual([]);
});

test("an empty blob is a blob", async () => {
  const digest = await put("");
  expect(store.read(digest)).toEqual(Buffer.alloc(0));
});

test("bytes of another digest are not put, and leave nothing behind", async () => {
  expect((await thrown(() => store.put(bytes("hello"), digestOf("other")))).code).toBe("LK0105");
  expect(store.list()).toEqual([]);
  expect(readdirSync(join(folder, "partial"))).toEqual([]);
});

test("a blob that was changed or cut short is not given, and is gone", async () => {
  for (const damage of [
    (path: string) => writeFileSync(path, "hellO"),
    (path: string) => truncateSync(path, 2),
    (path: string) => truncateSync(path, 0),
  ]) {
    const digest = await put("hello");
    damage(store.path(digest));
    expect(store.read(digest)).toBeUndefined();
    expect(existsSync(store.path(digest))).toBe(false);
  }
});

test("verify finds every damaged blob and removes it", async () => {
  const [good, bad] = [await put("good"), await put("bad")];
  writeFileSync(store.path(bad), "BAD");
  const { checked, damaged } = store.verify();
  expect(checked).toBe(2);
  expect(damaged.map(({ digest }) => digest)).toEqual([bad]);
  expect(store.list().map(({ digest }) => digest)).toEqual([good]);
});

test("the least recently used goes first, and reading is using", async () => {
  const [a, b, c] = [await put("aaaa"), await put("bbbb"), await put("cccc")];
  for (const [at, digest] of [a, b, c].entries()) utimesSync(store.path(digest), 1000 + at, 1000 + at);
  store.read(a);
  const { removed, bytes: left } = store.sweep(8);
  expect(removed.map(({ digest }) => digest)).toEqual([b]);
  expect(left).toBe(8);
  expect(store.has(a) && store.has(c)).toBe(true);
});

test("what was just fetched stays, however small the store is", async () => {
  const small = new Store(folder, 5);
  await put("older");
  const digest = await put("newer and larger");
  small.bound(digest);
  expect(small.list().map((blob) => blob.digest)).toEqual([digest]);
});

test("names of what is gone are forgotten", async () => {
  const digest = await put("hello");
  store.names.remember({ identifier: "demo://x", digest, place: "http://x" });
  store.sweep();
  expect(store.names.recall("demo://x")?.digest).toBe(digest);
  rmSync(store.path(digest));
  store.sweep();
  expect(store.names.list()).toEqual([]);
});

test("a name that does not read is not there", async () => {
  store.names.remember({ identifier: "demo://x", digest: await put("x"), place: "" });
  const names = join(folder, "names");
  for (const text of ["", "{", "null", '{"identifier":"demo://x","digest":"sha256:1","place":""}']) {
    writeFileSync(join(names, readdirSync(names)[0]!), text);
    expect(store.names.recall("demo://x")).toBeUndefined();
  }
});

const chunk = limits.fetchChunkBytes;
const large = (() => {
  const made = new Uint8Array(2 * chunk + 1000);
  for (let at = 0; at < made.length; at += 4096) made[at] = at / 4096;
  return made;
})();

test("a download that was broken off goes on with the chunks that are there", async () => {
  const digest = digestOf(large);
  const first = store.begin(digest, large.length);
  expect(first.missing()).toHaveLength(3);
  first.write(chunk, large.subarray(chunk, 2 * chunk));
  first.write(0, large.subarray(0, 100));
  await first.close();
  const second = store.begin(digest, large.length);
  expect(second.missing()).toEqual([
    { from: 0, to: chunk },
    { from: 2 * chunk, to: large.length },
  ]);
  for (const { from, to } of second.missing()) second.write(from, large.subarray(from, to));
  await second.finish("It");
  await second.close();
  expect(store.read(digest)?.length).toBe(large.length);
  expect(statSync(store.path(digest)).size).toBe(large.length);
});

test("a download whose rest lies about what is there is refused and begins anew", async () => {
  const digest = digestOf(large);
  const first = store.begin(digest, large.length);
  first.write(0, large.subarray(0, chunk).slice().fill(7));
  await first.close();
  const second = store.begin(digest, large.length);
  for (const { from, to } of second.missing()) second.write(from, large.subarray(from, to));
  expect((await thrown(() => second.finish("It"))).code).toBe("LK0105");
  expect(store.begin(digest, large.length).missing()).toHaveLength(3);
});

test("two at once do not meet in one unfinished file", async () => {
  const digest = digestOf(large);
  const [one, other] = [store.begin(digest, large.length), store.begin(digest, large.length)];
  one.write(0, large.subarray(0, chunk));
  other.write(0, large);
  await other.finish("It");
  await other.close();
  one.write(chunk, large.subarray(chunk));
  await one.finish("It");
  await one.close();
  expect(store.read(digest)?.length).toBe(large.length);
  expect(readdirSync(join(folder, "partial"))).toEqual([]);
});

test("downloads that nobody went on with are swept away after a day", async () => {
  const partial = store.begin(digestOf(large), large.length);
  partial.write(0, large.subarray(0, chunk));
  await partial.close();
  const [name] = readdirSync(join(folder, "partial"));
  store.sweep();
  expect(readdirSync(join(folder, "partial"))).toEqual([name!]);
  utimesSync(join(folder, "partial", name!), 1000, 1000);
  store.sweep();
  expect(readdirSync(join(folder, "partial"))).toEqual([]);
});

test("a store that cannot be written says so", async () => {
  writeFileSync(join(folder, "partial"), "a file in the way");
  expect((await thrown(() => put("hello"))).code).toBe("LK0006");
});

test("a store for reading only still gives what it holds", async () => {
  const digest = await put("hello");
  utimesSync(store.path(digest), 1000, 1000);
  chmodSync(store.path(digest), 0o400);
  expect(readFileSync(store.path(digest), "utf8")).toBe("hello");
  expect(store.read(digest)).toEqual(Buffer.from("hello"));
});
