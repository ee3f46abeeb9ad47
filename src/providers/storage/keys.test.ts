import { afterAll, afterEach, expect, test } from "bun:test";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { limits } from "../../base/limits.ts";
import { bench, bytes, refusal, text } from "./fixture.ts";
import { databasePath } from "./storage.ts";

const { open, freshFolder, dropAll, remove } = bench();
afterEach(dropAll);
afterAll(remove);

test("what was set is got, by the same component in another instance, and by no other component", async () => {
  const folder = freshFolder();
  const first = open(folder);
  await first.kv.set("k", bytes("v"));
  first.drop();
  expect(text(await open(folder).kv.get("k"))).toBe("v");
  expect(await open(folder, {}, "b").kv.get("k")).toBeUndefined();
});

test("an identity from outside joins two versions of a component", async () => {
  const folder = freshFolder();
  const identity = () => "name:tool";
  await open(folder, { identity }, "version1").kv.set("k", bytes("v"));
  expect(text(await open(folder, { identity }, "version2").kv.get("k"))).toBe("v");
  expect(existsSync(databasePath(folder, "name:tool"))).toBe(true);
});

test("nothing is made before something is stored, and what is made is the user's alone", async () => {
  const folder = freshFolder();
  const { kv } = open(folder);
  expect(existsSync(folder)).toBe(false);
  await kv.get("k");
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
});

test("a value is replaced, deleted and gone", async () => {
  const { kv } = open(freshFolder());
  await kv.set("k", bytes("1"));
  await kv.set("k", new Uint8Array(0));
  expect(await kv.get("k")).toEqual(new Uint8Array(0));
  expect([await kv.delete("k"), await kv.delete("k")]).toEqual([true, false]);
  expect(await kv.get("k")).toBeUndefined();
});

test("keys are listed by prefix, in the order of their bytes, page by page", async () => {
  const { kv } = open(freshFolder());
  const keys = ["a", "a\0", "a%", "a_", "ab", "aé", "a\u{10ffff}", "b", "A", "\ufeffx"];
  for (const key of keys) await kv.set(key, bytes(key));
  const sorted = (some: string[]) => some.sort((x, y) => Buffer.compare(bytes(x), bytes(y)));
  const listed = async (prefix: string, max: number) => {
    const found: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await kv.list(prefix, cursor, max);
      expect(page.keys.length).toBeLessThanOrEqual(max);
      found.push(...page.keys);
      if (page.cursor === undefined) return found;
      cursor = page.cursor;
    }
  };
  for (const max of [1, 2, 100])
    for (const prefix of ["", "a", "a%", "b", "zz", "\ufeff"])
      expect(await listed(prefix, max)).toEqual(sorted(keys.filter((key) => key.startsWith(prefix))));
  expect(await kv.list("a", undefined, 0)).toEqual({ keys: [] });
  expect((await kv.list("b", "a", 10)).keys).toEqual(["b"]);
});

test("a swap happens only where the value is what was expected", async () => {
  const { kv } = open(freshFolder());
  const [one, two] = [bytes("1"), bytes("2")];
  expect(await kv.compareAndSwap("k", one, two)).toBe(false);
  expect(await kv.compareAndSwap("k", undefined, undefined)).toBe(true);
  expect(await kv.compareAndSwap("k", undefined, one)).toBe(true);
  expect(await kv.compareAndSwap("k", undefined, two)).toBe(false);
  expect(await kv.compareAndSwap("k", undefined, undefined)).toBe(false);
  expect(await kv.compareAndSwap("k", one, two)).toBe(true);
  expect(await kv.compareAndSwap("k", one, undefined)).toBe(false);
  expect(await kv.compareAndSwap("k", two, undefined)).toBe(true);
  expect(await kv.get("k")).toBeUndefined();
});

test("keys and values beyond the limits are refused", async () => {
  const { kv } = open(freshFolder());
  expect(await refusal(() => kv.set("", bytes("v")))).toBe("invalid");
  expect(await refusal(() => kv.set("é".repeat(limits.storageKeyBytesMax), bytes("v")))).toBe("too-large");
  expect(await refusal(() => kv.set("k", new Uint8Array(limits.storageValueBytesMax + 1)))).toBe("too-large");
});

test("an audit names the keys that were used, and how many bytes went which way", async () => {
  const uses: string[] = [];
  const { kv, sql } = open(freshFolder(), {}, "a", ({ capability, action, target, bytes = 0 }) =>
    uses.push(`${capability} ${action} ${target} ${bytes}`),
  );
  await kv.set("k", bytes("four"));
  await kv.get("k");
  await kv.get("none");
  await kv.list("p", undefined, 10);
  await kv.compareAndSwap("k", bytes("four"), bytes("others"));
  await kv.delete("k");
  await sql.execute("CREATE TABLE t (a)", []);
  await sql.query("SELECT * FROM t", []);
  expect(uses).toEqual([
    "storage write k 4",
    "storage read k 4",
    "storage read none 0",
    "storage list p* 0",
    "storage swap k 6",
    "storage remove k 0",
    "storage execute sql 0",
    "storage query sql 0",
  ]);
});
