import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { errOf, hostFolder, provide } from "./fixture.ts";

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const bytes = (content: string) => new TextEncoder().encode(content);
const follow = { symlinkFollow: true };
const folder = hostFolder();
const { at, start, write, list, flags } = folder;
const openDescriptors = () => readdirSync("/proc/self/fd").length;

test("without a grant there is no folder", () => {
  expect(provide().getDirectories()).toEqual([]);
});

test("granted folders are shown under the guest's names, each with its own rights", () => {
  const { getDirectories } = provide({
    folders: [folder.grant(), { ...folder.grant(true), guest: "." }],
  });
  const preopens = getDirectories();
  expect(preopens.map(([, name]) => name)).toEqual(["/data", "."]);
  expect(preopens.map(([descriptor]) => descriptor.getFlags().mutateDirectory)).toEqual([true, false]);
  expect(preopens[0]![0].isSameObject(preopens[1]![0])).toBe(true);
  expect(preopens[0]![0].getType()).toBe("directory");
});

test("a granted folder that is gone is a fault", () => {
  const { getDirectories } = provide({ folders: [folder.grant()] });
  rmSync(at(), { recursive: true });
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
    () => root.openAt({}, "f", flags("directory"), {}),
    () => root.unlinkFileAt("f/"),
    () => root.removeDirectoryAt("f"),
    () => root.renameAt("f", root, "g/"),
    () => root.linkAt({}, "f/", root, "g"),
  ])
    expect(await errOf(work)).toBe("not-directory");
  for (const work of [
    () => root.read(1n, 0n),
    () => root.write(bytes("x"), 0n),
    () => root.writeViaStream(0n),
    () => root.appendViaStream(),
    () => root.setSize(0n),
    () => root.advise(),
  ])
    expect(await errOf(work)).toBe("bad-descriptor");
  root.createDirectoryAt("d");
  for (const work of [
    () => root.readViaStream(0n),
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

test("folders are made, listed, entered and removed", async () => {
  const { root } = start();
  root.createDirectoryAt("a");
  root.createDirectoryAt("a/b/");
  write(root, "a/f", "x");
  symlinkSync("f", at("a/l"));
  expect(await errOf(() => root.createDirectoryAt("a"))).toBe("exist");
  expect(await errOf(() => root.createDirectoryAt("."))).toBe("exist");
  expect(await errOf(() => root.createDirectoryAt("x/y"))).toBe("no-entry");
  const below = root.openAt({}, "a", flags("directory"), { read: true, mutateDirectory: true });
  expect(list(below)).toEqual({ b: "directory", f: "regular-file", l: "symbolic-link" });
  expect(below.getFlags().mutateDirectory).toBe(true);
  expect(root.openAt({}, "a", {}, {}).getFlags()).toMatchObject({ read: true, mutateDirectory: false });
  // With a slash it is what the link leads to that was meant.
  symlinkSync("..", at("a/out"));
  expect(await errOf(() => root.removeDirectoryAt("a/out"))).toBe("not-directory");
  expect(await errOf(() => below.removeDirectoryAt("out/"))).toBe("not-permitted");
  root.unlinkFileAt("a/out");
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

test("a name that is no text is refused alone", async () => {
  const { root } = start();
  writeFileSync(Buffer.concat([Buffer.from(at("f")), Buffer.from([0xff])]), "");
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
  const below = root.openAt({}, "d", flags("directory"), { read: true });
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
  const below = root.openAt({}, "d", flags("directory"), { read: true });
  const file = root.openAt({}, "f", {}, { read: true });
  expect(text(file.read(9n, 0n)[0])).toBe("abc");
  expect(list(root)).toEqual({ f: "regular-file", d: "directory", l: "symbolic-link" });
  const now = { tag: "now" } as const;
  for (const work of [
    () => root.openAt({}, "f", {}, { write: true }),
    () => root.openAt({}, "new", { create: true }, { read: true }),
    () => root.openAt({}, "f", { truncate: true }, { read: true }),
    () => root.openAt({}, "d", flags("directory"), { mutateDirectory: true }),
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
  expect(readdirSync(at()).toSorted()).toEqual(["d", "f", "l"]);
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
  expect(await errOf(() => (left[0] as typeof root).read(1n, 0n))).toBe("bad-descriptor");
  for (const handle of left) handle[Symbol.dispose]();
  expect(openDescriptors()).toBe(before);
});
