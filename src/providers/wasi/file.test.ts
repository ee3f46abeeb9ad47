import { expect, test } from "bun:test";
import { linkSync, lstatSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { limits } from "../../base/limits.ts";
import { errOf, hostFolder, provide } from "./fixture.ts";
import type { IoError } from "./p2/io.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const bytes = (content: string) => new TextEncoder().encode(content);
const follow = { symlinkFollow: true };
const { at, start, write, flags } = hostFolder();

test("a file is written and read where the guest says", () => {
  const { root } = start();
  const file = root.openAt({}, "f", { create: true }, { read: true, write: true });
  expect(file.write(bytes("hello"), 0n)).toBe(5n);
  expect(file.write(bytes("!"), 7n)).toBe(1n);
  expect(text(file.read(99n, 0n)[0])).toBe("hello\0\0!");
  expect(text(file.read(2n, 3n)[0])).toBe("lo");
  expect(file.read(9n, 8n)).toEqual([new Uint8Array(0), true]);
  expect(file.read(0n, 0n)).toEqual([new Uint8Array(0), false]);
  file.setSize(2n);
  expect(readFileSync(at("f"), "utf8")).toBe("he");
  file.setSize(4n);
  expect(readFileSync(at("f"), "utf8")).toBe("he\0\0");
  file.syncData();
  file.sync();
  file.advise();
});

test("offsets beyond what files have are an end, or too large", async () => {
  const { root } = start();
  const file = root.openAt({}, "f", { create: true }, { read: true, write: true });
  expect(file.read(1n, 2n ** 62n)).toEqual([new Uint8Array(0), true]);
  expect(await errOf(() => file.read(1n, 2n ** 63n))).toBe("invalid");
  expect(await errOf(() => file.write(bytes("x"), 2n ** 62n))).toBe("file-too-large");
  expect(await errOf(() => file.write(bytes("x"), 2n ** 64n - 1n))).toBe("invalid");
  expect(await errOf(() => file.setSize(2n ** 62n))).toBe("file-too-large");
});

test("a read answers at most the limit", () => {
  writeFileSync(at("big"), new Uint8Array(limits.streamReadBytesMax + 10));
  const file = start().root.openAt({}, "big", {}, { read: true });
  expect(file.read(2n ** 64n - 1n, 0n)[0].length).toBe(limits.streamReadBytesMax);
  expect(file.readViaStream(0n).read(2n ** 64n - 1n).length).toBe(limits.streamReadBytesMax);
});

test("streams read and write from an offset, and outlive their descriptor", async () => {
  const { root } = start();
  write(root, "f", "0123456789");
  const file = root.openAt({}, "f", {}, { read: true, write: true });
  const input = file.readViaStream(4n);
  const output = file.writeViaStream(2n);
  file[Symbol.dispose]();
  expect(text(input.read(3n))).toBe("456");
  expect(input.skip(1n)).toBe(1n);
  output.write(bytes("ab"));
  output.blockingWriteAndFlush(bytes("cd"));
  expect(text(input.blockingRead(99n) as Uint8Array)).toBe("89");
  expect(await errOf(() => input.read(1n))).toEqual({ tag: "closed" });
  expect(readFileSync(at("f"), "utf8")).toBe("01abcd6789");
  expect([input.subscribe().ready(), output.subscribe().ready()]).toEqual([true, true]);
});

test("an appending stream writes at the end, wherever others have moved it", () => {
  const { root } = start();
  write(root, "f", "a");
  const file = root.openAt({}, "f", {}, { write: true });
  const [one, two] = [file.appendViaStream(), file.appendViaStream()];
  one.write(bytes("b"));
  two.write(bytes("c"));
  one.write(bytes("d"));
  expect(readFileSync(at("f"), "utf8")).toBe("abcd");
});

test("a file is copied by splicing its streams", () => {
  const { root } = start();
  write(root, "from", "x".repeat(100_000));
  const input = root.openAt({}, "from", {}, { read: true }).readViaStream(0n);
  const output = root.openAt({}, "to", { create: true }, { write: true }).writeViaStream(0n);
  let moved = 0n;
  while (moved < 100_000n) moved += output.blockingSplice(input, 30_000n) as bigint;
  expect(statSync(at("to")).size).toBe(100_000);
});

test("what was not opened to be read or written is not", async () => {
  const { root } = start();
  write(root, "f", "abc");
  const readable = root.openAt({}, "f", {}, { read: true });
  const writable = root.openAt({}, "f", {}, { write: true });
  const neither = root.openAt({}, "f", {}, {});
  for (const file of [readable, neither]) {
    expect(await errOf(() => file.write(bytes("x"), 0n))).toBe("bad-descriptor");
    expect(await errOf(() => file.writeViaStream(0n))).toBe("bad-descriptor");
    expect(await errOf(() => file.appendViaStream())).toBe("bad-descriptor");
    expect(await errOf(() => file.setSize(0n))).toBe("invalid");
  }
  expect(await errOf(() => writable.read(1n, 0n))).toBe("bad-descriptor");
  expect(await errOf(() => writable.readViaStream(0n))).toBe("bad-descriptor");
  // Who asks for neither reads.
  expect(neither.read(9n, 0n)[0]).toEqual(bytes("abc"));
  expect(neither.getFlags()).toMatchObject({ read: true, write: false });
  // Who creates writes, and reads unless it asked for nothing but writing.
  for (const [asked, read] of [
    [{}, true],
    [{ read: true }, true],
    [{ write: true }, false],
  ] as const) {
    const made = root.openAt({}, "new", { create: true }, asked);
    expect(made.write(bytes("x"), 0n)).toBe(1n);
    expect(made.getFlags()).toMatchObject({ read, write: true });
  }
  expect(readable.getFlags()).toMatchObject({ read: true, write: false });
  expect(writable.getFlags()).toMatchObject({ read: false, write: true, mutateDirectory: false });
  expect(readFileSync(at("f"), "utf8")).toBe("abc");
});

test("synchronised writing is asked of the system and told again", () => {
  const { root } = start();
  const asked = { write: true, fileIntegritySync: true, dataIntegritySync: true, requestedWriteSync: true };
  const file = root.openAt({}, "f", { create: true }, asked);
  expect(file.getFlags()).toEqual({ ...asked, read: false, mutateDirectory: false });
  file.write(bytes("x"), 0n);
  expect(readFileSync(at("f"), "utf8")).toBe("x");
});

test("opening creates, truncates and refuses as it is told", async () => {
  const { root } = start();
  expect(await errOf(() => root.openAt({}, "f", {}, {}))).toBe("no-entry");
  root.openAt({}, "f", { create: true, exclusive: true }, { write: true }).write(bytes("abc"), 0n);
  expect(await errOf(() => root.openAt({}, "f", { create: true, exclusive: true }, {}))).toBe("exist");
  root.openAt({}, "f", { create: true }, { read: true });
  expect(readFileSync(at("f"), "utf8")).toBe("abc");
  root.openAt({}, "f", { truncate: true }, { write: true });
  expect(readFileSync(at("f"), "utf8")).toBe("");
  for (const more of [{ create: true }, { exclusive: true }, { truncate: true }])
    expect(await errOf(() => root.openAt({}, "x", { ...flags("directory"), ...more }, {}))).toBe("invalid");
  expect(await errOf(() => root.openAt({}, ".", { create: true, exclusive: true }, {}))).toBe("exist");
});

test("a pipe in a folder makes its reader wait and not the process", async () => {
  const { root } = start();
  Bun.spawnSync(["mkfifo", at("pipe")]);
  expect(await errOf(() => root.openAt({}, "pipe", {}, { write: true }))).toBe("no-such-device");
  const input = root.openAt({}, "pipe", {}, { read: true }).readViaStream(0n);
  const output = root.openAt({}, "pipe", {}, { write: true }).writeViaStream(0n);
  const waiting = input.blockingRead(5n);
  expect(waiting).toBeInstanceOf(Promise);
  output.blockingWriteAndFlush(bytes("hello"));
  expect(text(await waiting)).toBe("hello");
});

test("stat says what the system says", () => {
  const { root } = start();
  writeFileSync(at("f"), "abc");
  linkSync(at("f"), at("g"));
  symlinkSync("f", at("l"));
  const { mtimeNs, atimeNs, ctimeNs } = statSync(at("f"), { bigint: true });
  const time = (ns: bigint) => ({ seconds: ns / 10n ** 9n, nanoseconds: Number(ns % 10n ** 9n) });
  const expected = {
    type: "regular-file",
    linkCount: 2n,
    size: 3n,
    dataAccessTimestamp: time(atimeNs),
    dataModificationTimestamp: time(mtimeNs),
    statusChangeTimestamp: time(ctimeNs),
  };
  expect(root.statAt({}, "f")).toEqual(expected);
  expect(root.statAt(follow, "l")).toEqual(expected);
  expect(root.openAt({}, "g", {}, { read: true }).stat()).toEqual(expected);
  expect(root.statAt({}, "l")).toMatchObject({ type: "symbolic-link", size: 1n });
  expect(root.stat()).toEqual(root.statAt({}, "."));
});

test("times are set to the nanosecond, now, or not at all", async () => {
  const { root } = start();
  write(root, "f", "");
  symlinkSync("f", at("l"));
  const stamp = (seconds: bigint, nanoseconds: number) =>
    ({ tag: "timestamp", val: { seconds, nanoseconds } }) as const;
  const times = (path: string) => {
    const { atimeNs, mtimeNs } = lstatSync(at(path), { bigint: true });
    return [atimeNs, mtimeNs];
  };
  root.setTimesAt({}, "f", stamp(1n, 2), stamp(1_700_000_000n, 123_456_789));
  expect(times("f")).toEqual([1_000_000_002n, 1_700_000_000_123_456_789n]);
  const file = root.openAt({}, "f", {}, { write: true });
  file.setTimes({ tag: "no-change" }, stamp(5n, 6));
  expect(times("f")).toEqual([1_000_000_002n, 5_000_000_006n]);
  file.setTimes({ tag: "now" }, { tag: "no-change" });
  expect(times("f")[0]).toBeGreaterThan(1_700_000_000_000_000_000n);
  expect(times("f")[1]).toBe(5_000_000_006n);
  root.setTimesAt({}, "l", stamp(7n, 0), stamp(8n, 0));
  expect(times("l")).toEqual([7_000_000_000n, 8_000_000_000n]);
  root.setTimesAt(follow, "l", { tag: "no-change" }, stamp(9n, 0));
  expect(times("f")[1]).toBe(9_000_000_000n);
  expect(times("l")[1]).toBe(8_000_000_000n);
  root.setTimes(stamp(10n, 0), stamp(11n, 0));
  root.setTimesAt({}, ".", { tag: "no-change" }, stamp(12n, 0));
  expect(times(".")).toEqual([10_000_000_000n, 12_000_000_000n]);
  expect(await errOf(() => root.setTimesAt({}, "f", stamp(0n, 1_000_000_000), { tag: "now" }))).toBe(
    "invalid",
  );
  expect(await errOf(() => file.setTimes(stamp(2n ** 63n, 0), { tag: "now" }))).toBe("overflow");
  expect(await errOf(() => root.setTimesAt({}, "none", stamp(1n, 0), { tag: "now" }))).toBe("no-entry");
});

test("a stream over a full device fails with the system's code", async () => {
  const { getDirectories, filesystemErrorCode } = provide({
    folders: [{ host: "/dev", guest: "/dev", readOnly: false }],
  });
  const full = getDirectories()[0]![0].openAt({}, "full", {}, { write: true });
  const output = full.writeViaStream(0n);
  const err = (await errOf(() => output.write(bytes("x")))) as { tag: string; val: IoError };
  expect(filesystemErrorCode(err.val)).toBe("insufficient-space");
  expect(err.val.toDebugString()).not.toContain("/");
  expect(await errOf(() => output.checkWrite())).toEqual({ tag: "closed" });
  expect(await errOf(() => full.write(bytes("x"), 0n))).toBe("insufficient-space");
});

test("metadata hashes tell objects apart and notice a change", () => {
  const { root } = start();
  write(root, "f", "abc");
  write(root, "g", "abc");
  const before = root.metadataHashAt({}, "f");
  expect(root.openAt({}, "f", {}, { read: true }).metadataHash()).toEqual(before);
  expect(start().root.metadataHashAt({}, "f")).toEqual(before);
  expect(root.metadataHashAt({}, "g").lower).not.toBe(before.lower);
  write(root, "f", "abcd");
  expect(root.metadataHashAt({}, "f").lower).toBe(before.lower);
  expect(root.metadataHashAt({}, "f").upper).not.toBe(before.upper);
  expect(root.openAt({}, "f", {}, {}).isSameObject(root.openAt({}, "g", {}, {}))).toBe(false);
});
