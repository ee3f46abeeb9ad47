import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { errOf, provide } from "./fixture.ts";
import type { IoError } from "./p2/io.ts";

let host: string;
beforeEach(() => {
  host = realpathSync(mkdtempSync(join(tmpdir(), "loop-wasi-")));
});
afterEach(() => rmSync(host, { recursive: true, force: true }));

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const bytes = (content: string) => new TextEncoder().encode(content);
const at = (path: string) => join(host, path);
const follow = { symlinkFollow: true };

const instance = (more: { readOnly?: boolean } = {}) =>
  provide({ folders: [{ host, guest: "/data", readOnly: more.readOnly ?? false }] });
const start = (more: { readOnly?: boolean } = {}) => {
  const made = instance(more);
  return { ...made, root: made.getDirectories()[0]![0] };
};
type Root = ReturnType<typeof start>["root"];

const write = (root: Root, path: string, content: string) => {
  const file = root.openAt({}, path, { create: true, truncate: true }, { write: true });
  file.write(bytes(content), 0n);
  file[Symbol.dispose]();
};
const list = (root: Root) => {
  const stream = root.readDirectory();
  const entries: Record<string, string> = {};
  for (let entry = stream.readDirectoryEntry(); entry; entry = stream.readDirectoryEntry())
    entries[entry.name] = entry.type;
  return entries;
};
const openDescriptors = () => readdirSync("/proc/self/fd").length;

test("without a grant there is no folder", () => {
  expect(provide().getDirectories()).toEqual([]);
});

test("granted folders are shown under the guest's names, each with its own rights", () => {
  const { getDirectories } = provide({
    folders: [
      { host, guest: "/data", readOnly: false },
      { host, guest: ".", readOnly: true },
    ],
  });
  const directories = getDirectories();
  expect(directories.map(([, name]) => name)).toEqual(["/data", "."]);
  expect(directories.map(([descriptor]) => descriptor.getFlags().mutateDirectory)).toEqual([true, false]);
  expect(directories[0]![0].isSameObject(directories[1]![0])).toBe(true);
  expect(directories[0]![0].getType()).toBe("directory");
});

test("a granted folder that is gone is a fault", () => {
  const { getDirectories } = instance();
  rmSync(host, { recursive: true });
  expect(() => getDirectories()).toThrow(Fault);
});

test("two instances with different grants are both right", async () => {
  const other = realpathSync(mkdtempSync(join(tmpdir(), "loop-wasi-other-")));
  try {
    const mine = start();
    const its = provide({ folders: [{ host: other, guest: "/data", readOnly: true }] });
    const its0 = its.getDirectories()[0]![0];
    write(mine.root, "a", "mine");
    writeFileSync(join(other, "b"), "its");
    expect(list(mine.root)).toEqual({ a: "regular-file" });
    expect(list(its0)).toEqual({ b: "regular-file" });
    expect(await errOf(() => its0.unlinkFileAt("b"))).toBe("read-only");
    mine.root.unlinkFileAt("a");
    mine.drop();
    expect(list(its0)).toEqual({ b: "regular-file" });
  } finally {
    rmSync(other, { recursive: true });
  }
});

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
    expect(await errOf(() => file.setSize(0n))).toBe("bad-descriptor");
  }
  for (const file of [writable, neither]) {
    expect(await errOf(() => file.read(1n, 0n))).toBe("bad-descriptor");
    expect(await errOf(() => file.readViaStream(0n))).toBe("bad-descriptor");
  }
  expect(readable.getFlags()).toMatchObject({ read: true, write: false });
  expect(writable.getFlags()).toMatchObject({ read: false, write: true, mutateDirectory: false });
  expect(readFileSync(at("f"), "utf8")).toBe("abc");
});

test("synchronised writing is asked of the system and told again", () => {
  const { root } = start();
  const flags = { write: true, fileIntegritySync: true, dataIntegritySync: true, requestedWriteSync: true };
  const file = root.openAt({}, "f", { create: true }, flags);
  expect(file.getFlags()).toEqual({ ...flags, read: false, mutateDirectory: false });
  file.write(bytes("x"), 0n);
  expect(readFileSync(at("f"), "utf8")).toBe("x");
});

test("a folder is no file and a file no folder", async () => {
  const { root } = start();
  write(root, "f", "");
  const file = root.openAt({}, "f", {}, { read: true });
  for (const work of [
    () => file.readDirectory(),
    () => file.openAt({}, "x", {}, {}),
    () => file.statAt({}, "x"),
    () => file.createDirectoryAt("x"),
    () => root.renameAt("f", file, "x"),
    () => root.statAt({}, "f/x"),
    () => root.statAt({}, "f/"),
    () => root.openAt({}, "f/", {}, {}),
    () => root.openAt({}, "f", { directory: true }, {}),
    () => root.unlinkFileAt("f/"),
    () => root.removeDirectoryAt("f"),
    () => root.renameAt("f", root, "g/"),
    () => root.linkAt({}, "f/", root, "g"),
  ])
    expect(await errOf(work)).toBe("not-directory");
  for (const work of [
    () => root.read(1n, 0n),
    () => root.write(bytes("x"), 0n),
    () => root.readViaStream(0n),
    () => root.writeViaStream(0n),
    () => root.appendViaStream(),
    () => root.setSize(0n),
    () => root.advise(),
  ])
    expect(await errOf(work)).toBe("bad-descriptor");
  root.createDirectoryAt("d");
  for (const work of [
    () => root.unlinkFileAt("d"),
    () => root.unlinkFileAt("d/"),
    () => root.unlinkFileAt("."),
    () => root.openAt({}, "d", {}, { write: true }),
    () => root.openAt({}, "d/", {}, { write: true }),
    () => root.openAt({}, ".", { create: true }, {}),
    () => root.openAt({}, "new/", { create: true }, { write: true }),
  ])
    expect(await errOf(work)).toBe("is-directory");
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
  for (const flags of [{ create: true }, { exclusive: true }, { truncate: true }])
    expect(await errOf(() => root.openAt({}, "x", { directory: true, ...flags }, {}))).toBe("invalid");
  expect(await errOf(() => root.openAt({}, ".", { create: true, exclusive: true }, {}))).toBe("exist");
});

test("folders are made, listed, entered and removed", async () => {
  const { root } = start();
  root.createDirectoryAt("a");
  root.createDirectoryAt("a/b/");
  write(root, "a/f", "x");
  symlinkSync("f", at("a/l"));
  expect(await errOf(() => root.createDirectoryAt("a"))).toBe("exist");
  expect(await errOf(() => root.createDirectoryAt("."))).toBe("exist");
  expect(await errOf(() => root.createDirectoryAt("x/y"))).toBe("no-entry");
  const below = root.openAt({}, "a", { directory: true }, { read: true, mutateDirectory: true });
  expect(list(below)).toEqual({ b: "directory", f: "regular-file", l: "symbolic-link" });
  expect(below.openAt({}, "b/..", {}, {}).isSameObject(below)).toBe(true);
  expect(below.openAt({}, ".", {}, {}).isSameObject(below)).toBe(true);
  below.sync();
  expect(await errOf(() => root.removeDirectoryAt("a"))).toBe("not-empty");
  expect(await errOf(() => root.removeDirectoryAt("."))).toBe("invalid");
  below.removeDirectoryAt("b/");
  below.unlinkFileAt("f");
  below.unlinkFileAt("l");
  root.removeDirectoryAt("a");
  expect(list(root)).toEqual({});
});

test("a listing holds still while its folder changes, and two do not disturb each other", () => {
  const { root } = start();
  for (const name of ["a", "b", "c"]) write(root, name, "");
  const [one, two] = [root.readDirectory(), root.readDirectory()];
  one.readDirectoryEntry();
  for (const name of ["a", "b", "c"]) root.unlinkFileAt(name);
  expect([one, one, one].map((stream) => stream.readDirectoryEntry() !== undefined)).toEqual([
    true,
    true,
    false,
  ]);
  expect([two, two, two, two].map((stream) => stream.readDirectoryEntry() !== undefined)).toEqual([
    true,
    true,
    true,
    false,
  ]);
});

test("every kind of file is named by its kind", () => {
  const { root } = start();
  Bun.spawnSync(["mkfifo", at("pipe")]);
  symlinkSync("nowhere", at("link"));
  const server = Bun.listen({ unix: at("socket"), socket: { data() {} } });
  try {
    expect(list(root)).toEqual({ pipe: "fifo", link: "symbolic-link", socket: "socket" });
    expect(root.statAt({}, "pipe").type).toBe("fifo");
    expect(root.openAt({}, "pipe", {}, { read: true }).getType()).toBe("fifo");
  } finally {
    server.stop();
  }
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

test("a name that is no text is refused alone", async () => {
  const { root } = start();
  writeFileSync(Buffer.concat([Buffer.from(`${host}/`), Buffer.from([0x66, 0xff])]), "");
  symlinkSync(Buffer.from([0xff, 0xfe]), at("link"));
  write(root, "\ufffd", "");
  const stream = root.readDirectory();
  const seen: unknown[] = [];
  for (let more = true; more; )
    try {
      const entry = stream.readDirectoryEntry();
      more = entry !== undefined;
      if (entry) seen.push(entry.name);
    } catch (error) {
      seen.push((error as { payload: unknown }).payload);
    }
  expect(seen.toSorted()).toEqual(["illegal-byte-sequence", "link", "\ufffd"]);
  expect(await errOf(() => root.readlinkAt("link"))).toBe("illegal-byte-sequence");
  expect(await errOf(() => root.statAt(follow, "link"))).toBe("illegal-byte-sequence");
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

test("links, hard and symbolic, are made and read", async () => {
  const { root } = start();
  write(root, "f", "abc");
  root.createDirectoryAt("d");
  root.symlinkAt("../f", "d/l");
  expect(root.readlinkAt("d/l")).toBe("../f");
  expect(text(root.openAt(follow, "d/l", {}, { read: true }).read(9n, 0n)[0])).toBe("abc");
  expect(await errOf(() => root.openAt({}, "d/l", {}, { read: true }))).toBe("loop");
  expect(await errOf(() => root.symlinkAt("/etc", "x"))).toBe("not-permitted");
  expect(await errOf(() => root.symlinkAt("", "x"))).toBe("no-entry");
  expect(await errOf(() => root.symlinkAt("a\0b", "x"))).toBe("invalid");
  expect(await errOf(() => root.symlinkAt("f", "d"))).toBe("exist");
  expect(await errOf(() => root.symlinkAt("f", "x/"))).toBe("no-entry");
  expect(await errOf(() => root.readlinkAt("f"))).toBe("invalid");
  expect(await errOf(() => root.readlinkAt("none"))).toBe("no-entry");
  expect(await errOf(() => root.readlinkAt("."))).toBe("invalid");
  root.linkAt({}, "f", root, "g");
  expect(root.statAt({}, "g").linkCount).toBe(2n);
  root.linkAt({}, "d/l", root, "l2");
  expect(readlinkSync(at("l2"))).toBe("../f");
  root.linkAt(follow, "d/l", root, "h");
  expect(root.statAt({}, "h").linkCount).toBe(3n);
  expect(await errOf(() => root.linkAt({}, "d", root, "x"))).toBe("not-permitted");
  expect(await errOf(() => root.linkAt({}, ".", root, "x"))).toBe("not-permitted");
  expect(await errOf(() => root.linkAt({}, "none", root, "x"))).toBe("no-entry");
  expect(await errOf(() => root.linkAt({}, "f", root, "g"))).toBe("exist");
  root.unlinkFileAt("d/l");
  expect(existsSync(at("f"))).toBe(true);
});

test("things are renamed within and between folders", async () => {
  const { root } = start();
  write(root, "f", "abc");
  root.createDirectoryAt("d");
  const below = root.openAt({}, "d", { directory: true }, { read: true });
  root.renameAt("f", below, "g");
  expect(readFileSync(at("d/g"), "utf8")).toBe("abc");
  root.renameAt("d/", root, "e/");
  expect(list(below)).toEqual({ g: "regular-file" });
  expect(await errOf(() => root.renameAt("none", root, "x"))).toBe("no-entry");
  expect(await errOf(() => root.renameAt("e", root, "e/x"))).toBe("invalid");
  expect(await errOf(() => root.renameAt(".", root, "x"))).toBe("busy");
  expect(await errOf(() => root.renameAt("e/..", root, "x"))).toBe("busy");
});

test("a read-only grant is read, and refuses every change", async () => {
  writeFileSync(at("f"), "abc");
  mkdirSync(at("d"));
  symlinkSync("f", at("l"));
  const { root } = start({ readOnly: true });
  const writable = start().root;
  const below = root.openAt({}, "d", { directory: true }, { read: true });
  const file = root.openAt({}, "f", {}, { read: true });
  expect(text(file.read(9n, 0n)[0])).toBe("abc");
  expect(list(root)).toEqual({ f: "regular-file", d: "directory", l: "symbolic-link" });
  const now = { tag: "now" } as const;
  for (const work of [
    () => root.openAt({}, "f", {}, { write: true }),
    () => root.openAt({}, "new", { create: true }, { read: true }),
    () => root.openAt({}, "f", { truncate: true }, { read: true }),
    () => root.openAt({}, "d", { directory: true }, { mutateDirectory: true }),
    () => root.openAt(follow, "l", {}, { write: true }),
    () => root.createDirectoryAt("x"),
    () => root.removeDirectoryAt("d"),
    () => root.unlinkFileAt("f"),
    () => root.symlinkAt("f", "x"),
    () => root.linkAt({}, "f", root, "x"),
    () => root.linkAt({}, "f", writable, "x"),
    () => writable.linkAt({}, "f", root, "x"),
    () => root.renameAt("f", root, "x"),
    () => root.renameAt("f", writable, "x"),
    () => writable.renameAt("f", root, "x"),
    () => root.setTimes(now, now),
    () => root.setTimesAt({}, "f", now, now),
    () => file.setTimes(now, now),
    () => below.createDirectoryAt("x"),
    () => below.openAt({}, "x", { create: true }, { write: true }),
    () => below.setTimes(now, now),
  ])
    expect(await errOf(work)).toBe("read-only");
  root.sync();
  file.sync();
  expect(readdirSync(host).toSorted()).toEqual(["d", "f", "l"]);
  expect(readFileSync(at("f"), "utf8")).toBe("abc");
});

test("what the system refuses reaches the guest by its name", async () => {
  const { root } = start();
  expect(await errOf(() => root.openAt({}, "x".repeat(256), {}, {}))).toBe("name-too-long");
  expect(await errOf(() => root.openAt({}, "x/".repeat(3000), {}, {}))).toBe("name-too-long");
  symlinkSync("loop", at("loop"));
  expect(await errOf(() => root.statAt(follow, "loop"))).toBe("loop");
  expect(await errOf(() => root.statAt({}, "loop/x"))).toBe("loop");
  if (process.getuid?.() !== 0) {
    mkdirSync(at("shut"));
    chmodSync(at("shut"), 0);
    expect(await errOf(() => root.statAt({}, "shut/x"))).toBe("access");
  }
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

test("open files are counted, and beyond the limit refused", async () => {
  const { root, drop, getDirectories } = start();
  write(root, "f", "");
  const kept = Array.from({ length: limits.openFilesMax - 1 }, () =>
    root.openAt({}, "f", {}, { read: true }),
  );
  expect(await errOf(() => root.openAt({}, "f", {}, {}))).toBe("insufficient-memory");
  expect(await errOf(() => root.openAt({}, ".", {}, {}))).toBe("insufficient-memory");
  expect(() => getDirectories()).toThrow(Fault);
  kept[0]![Symbol.dispose]();
  expect(root.openAt({}, "f", {}, { read: true }).getType()).toBe("regular-file");
  drop();
});

test("dropping handles, or the instance, closes every descriptor of the system", async () => {
  const before = openDescriptors();
  const { root, drop } = start();
  write(root, "f", "abc");
  mkdirSync(at("d"));
  const use = () => {
    const file = root.openAt({}, "f", {}, { read: true, write: true });
    return [
      file,
      file.readViaStream(0n),
      file.appendViaStream(),
      root.openAt({}, "d", {}, {}),
      root.readDirectory(),
    ];
  };
  const held = openDescriptors();
  for (const handle of use()) handle[Symbol.dispose]();
  expect(openDescriptors()).toBe(held);
  await errOf(() => root.openAt({}, "d/none/x", {}, {}));
  await errOf(() => root.openAt({}, "d", {}, { write: true }));
  await errOf(() => root.openAt({}, "d/", {}, { write: true }));
  expect(openDescriptors()).toBe(held);
  const left = use();
  drop();
  expect(openDescriptors()).toBe(before);
  // The system's numbers are free for others now; nothing left may use them.
  expect(await errOf(() => root.statAt({}, "f"))).toBe("bad-descriptor");
  expect(await errOf(() => root.openAt({}, "f", {}, {}))).toBe("bad-descriptor");
  expect(await errOf(() => (left[0] as Root).read(1n, 0n))).toBe("bad-descriptor");
  for (const handle of left) handle[Symbol.dispose]();
  expect(openDescriptors()).toBe(before);
});
