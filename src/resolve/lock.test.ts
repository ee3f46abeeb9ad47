import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { changeLock, type LockEntry, lockText, parseLock, readLock } from "./lock.ts";

let folder = "";
let path = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-lock-"));
  path = join(folder, "loop.lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const entry = (identifier: string, more: Partial<LockEntry> = {}): LockEntry => ({
  identifier,
  place: `${identifier}@there`,
  digest: digestOf(identifier),
  manifest: undefined,
  package: undefined,
  signers: [],
  imports: ["wasi:io/poll@0.2.12", "wasi:cli/stdin@0.2.12"],
  exports: [],
  ...more,
});
const lockOf = (...entries: LockEntry[]) => new Map(entries.map((one) => [one.identifier, one]));
const thrown = (work: () => unknown): Fault => {
  try {
    work();
  } catch (error) {
    return error as Fault;
  }
  throw new Error("nothing was thrown");
};

test("what is written is read back, whatever is in a name", () => {
  const names = [
    'oci://h/r:1"]\n[x',
    "demo://\\\u007f\u0001",
    "https://h/\u00fc?a=b#c",
    "acme:tool@^1.2",
    ".",
  ];
  const lock = lockOf(...names.map((name) => entry(name, { manifest: digestOf("m"), signers: ['k"'] })));
  const sorted = [...lock.values()].map((one) => ({ ...one, imports: [...one.imports].sort() }));
  expect(
    [...parseLock(lockText(lock), path).values()].sort((a, b) => (a.identifier < b.identifier ? -1 : 1)),
  ).toEqual(sorted.sort((a, b) => (a.identifier < b.identifier ? -1 : 1)));
});

test("a detached signature is kept, and one that is longer than any that was fetched is refused", () => {
  const signature = Buffer.from([1, 2, 255]);
  const text = lockText(lockOf(entry("demo://a", { signature })));
  expect(text).toContain('\nsignature = "AQL/"\n');
  expect(parseLock(text, path).get("demo://a")?.signature).toEqual(signature);
  const long = "A".repeat(Math.ceil(limits.fetchedSignatureBytesMax / 3) * 4 + 4);
  for (const wrong of [long, "-", ""])
    expect(thrown(() => parseLock(text.replace("AQL/", wrong), path)).code).toBe("LK0108");
});

test("the order of entries and of names does not depend on when they came", () => {
  const [a, b] = [entry("demo://a"), entry("demo://b")];
  expect(lockText(lockOf(b, a))).toBe(lockText(lockOf(a, b)));
  expect(lockText(lockOf(b, a)).split("\n").slice(3, 12)).toEqual([
    "",
    '[component."demo://a"]',
    'place = "demo://a@there"',
    `digest = "${a.digest}"`,
    "imports = [",
    '  "wasi:cli/stdin@0.2.12",',
    '  "wasi:io/poll@0.2.12",',
    "]",
    "exports = []",
  ]);
});

test("two branches that add different entries merge", () => {
  const git = (...words: string[]) => {
    const { exitCode, stdout, stderr } = Bun.spawnSync(
      ["git", "-c", "user.name=a", "-c", "user.email=a@b", ...words],
      {
        cwd: folder,
      },
    );
    if (exitCode !== 0) throw new Error(`${stdout}${stderr}`);
  };
  const commit = (...entries: LockEntry[]) => {
    writeFileSync(path, lockText(lockOf(...entries)));
    git("add", ".");
    git("commit", "-qm", "x");
  };
  const [a, b, m, y, z] = ["a", "b", "m", "y", "z"].map((name) => entry(`demo://${name}`));
  git("init", "-qb", "main");
  commit(b!, m!, y!);
  git("checkout", "-qb", "other");
  commit(a!, b!, m!, y!);
  git("checkout", "-q", "main");
  commit(b!, m!, y!, z!);
  git("merge", "-q", "other", "-m", "x");
  expect(readFileSync(path, "utf8")).toBe(lockText(lockOf(a!, b!, m!, y!, z!)));
});

test("a lock that does not read says where, and how to mend it", () => {
  const good = lockText(lockOf(entry("demo://a")));
  const bad: [string, string][] = [
    ["<<<<<<< ours\n", `${path}:1`],
    [good.replace("version = 1", "version = 2"), "version 1 was looked for, and it has 2"],
    [good.replace(/digest = .*/, 'digest = "sha256:abc"'), 'no "digest"'],
    [good.replace(/imports = \[/, "imports = [1,"), 'no "imports"'],
    [good.replace(/place = .*\n/, ""), 'no "place"'],
    ['version = 1\ncomponent = "x"\n', 'no "place"'],
    ["version = 1\n[component]\n__proto__ = {}\n", path],
  ];
  for (const [text, message] of bad) {
    const fault = thrown(() => parseLock(text, path));
    expect(fault).toBeInstanceOf(Fault);
    expect(fault.code).toBe("LK0108");
    expect(fault.message).toContain(message);
  }
});

test("an empty lock is not written, and the same lock is not written again", async () => {
  await changeLock(path, () => {});
  expect(existsSync(path)).toBe(false);
  await changeLock(path, (entries) => void entries.set("demo://a", entry("demo://a")));
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace("# Written by loop", "# Kept by hand"));
  await changeLock(path, (entries) => void entries.set("demo://a", entry("demo://a")));
  expect(readFileSync(path, "utf8")).toContain("# Kept by hand");
});

test("many processes that write at once lose no entry", async () => {
  const script = join(folder, "writer.ts");
  writeFileSync(
    script,
    `import { changeLock } from ${JSON.stringify(join(import.meta.dir, "lock.ts"))};
     const [path, name] = process.argv.slice(2);
     for (let at = 0; at < 5; at++) {
       const identifier = "demo://" + name + at;
       await changeLock(path!, (entries) => void entries.set(identifier, {
         identifier, place: "x", digest: "sha256:${"0".repeat(64)}", signers: [], imports: [], exports: [],
       }));
     }`,
  );
  const writers = ["a", "b", "c", "d"].map((name) =>
    Bun.spawn([process.execPath, script, path, name], { stderr: "inherit" }),
  );
  for (const writer of writers) expect(await writer.exited).toBe(0);
  expect(readLock(path).size).toBe(20);
  expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
}, 60_000);
