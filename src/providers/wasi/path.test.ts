import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errno } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { OpenFile, OpenFiles } from "./state/file.ts";
import { HeldFolder, openFolder, openNamed } from "./state/folder.ts";
import { OpenFolder } from "./state/tree.ts";

// Escapes, for both ways of holding a folder. `outside` lies beside the granted folder; nothing may reach it.

let base: string;
let files: OpenFiles;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "loop-path-")));
  mkdirSync(join(base, "in/sub/deep"), { recursive: true });
  mkdirSync(join(base, "outside"));
  writeFileSync(join(base, "in/f"), "inside");
  writeFileSync(join(base, "in/sub/f"), "below");
  writeFileSync(join(base, "outside/secret"), "secret");
  files = new OpenFiles();
});
afterEach(() => {
  files.closeAll();
  rmSync(base, { recursive: true, force: true });
});

const inside = (path: string) => join(base, "in", path);
const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
  } catch (error) {
    return errno(error);
  }
  return undefined;
};
const contents = (opened: OpenFile | OpenFolder) => {
  if (!(opened instanceof OpenFile)) throw new Error("A file was looked for, and a folder was opened");
  return Buffer.from(opened.read(99n, 0n)).toString();
};

const kinds = { held: openFolder, named: openNamed };

test("on Linux a folder is held by descriptor", () => {
  const folder = openFolder(base);
  expect(folder instanceof HeldFolder).toBe(process.platform === "linux");
  folder.close();
});

for (const [kind, open] of Object.entries(kinds)) {
  const granted = () => OpenFolder.granted(files, join(base, "in"), true, open);

  /** Every operation that takes a path, on one. */
  const everything = (root: OpenFolder, path: string): (() => unknown)[] => [
    () => root.statAt(path, false),
    () => root.statAt(path, true),
    () => root.open(path, { read: true }),
    () => root.open(path, { read: true, follow: true }),
    () => root.open(path, { write: true, create: true, follow: true }),
    () => root.open(path, { folder: true }),
    () => root.setTimesAt(path, true, "now", "now"),
    () => root.makeFolder(path),
    () => root.removeFolder(path),
    () => root.unlink(path),
    () => root.rename(path, root, "new"),
    () => root.rename("f", root, path),
    () => root.link(path, true, root, "new"),
    () => root.link("f", false, root, path),
    () => root.symlink("f", path),
    () => root.readLink(path),
  ];
  const untouched = () => {
    expect(readFileSync(join(base, "outside/secret"), "utf8")).toBe("secret");
    expect(existsSync(join(base, "outside/new"))).toBe(false);
    expect(readFileSync(inside("f"), "utf8")).toBe("inside");
  };

  test(`${kind}: no path leads above the folder`, () => {
    const root = granted();
    for (const path of [
      "..",
      "../outside/secret",
      "../in/f",
      "sub/../../outside/secret",
      "./../outside/secret",
      "sub/deep/../../../outside/secret",
      "f/../../outside/secret",
      "../",
      `${"sub/../".repeat(20)}../outside/secret`,
    ])
      for (const work of everything(root, path)) {
        const code = codeOf(work);
        // A file in the middle of a path is no folder, whatever comes after it.
        expect(path.startsWith("f/") ? ["ENOTDIR"] : ["EPERM"]).toContain(code!);
      }
    untouched();
  });

  test(`${kind}: absolute paths are refused, also where they name what is inside`, () => {
    const root = granted();
    for (const path of ["/", "/etc/passwd", inside("f"), "//x", "/proc/self/fd/0"])
      for (const work of everything(root, path)) expect(codeOf(work)).toBe("EPERM");
    untouched();
  });

  test(`${kind}: a link that leads out is refused in the middle and at the end of a path`, () => {
    const root = granted();
    symlinkSync("../outside", inside("up"));
    symlinkSync(join(base, "outside"), inside("absolute"));
    symlinkSync(inside("sub"), inside("own"));
    symlinkSync("sub/../../outside", inside("round"));
    symlinkSync("up", inside("chain"));
    symlinkSync("/", inside("slash"));
    symlinkSync("../../outside", inside("sub/up"));
    for (const link of ["up", "absolute", "own", "round", "chain", "slash", "sub/up"]) {
      for (const work of everything(root, `${link}/secret`)) expect(codeOf(work)).toBe("EPERM");
      for (const follow of [`${link}/.`, `${link}/..`, link])
        expect(codeOf(() => root.statAt(follow, true))).toBe("EPERM");
      expect(codeOf(() => root.statAt(`${link}/`, false))).toBe("EPERM");
      expect(codeOf(() => root.open(link, { read: true, follow: true }))).toBe("EPERM");
      expect(codeOf(() => root.open(link, { folder: true, follow: true }))).toBe("EPERM");
      expect(codeOf(() => root.open(link, { read: true }))).toBe("ELOOP");
      expect(codeOf(() => root.open(link, { folder: true }))).toBe("ENOTDIR");
      expect(codeOf(() => root.setTimesAt(link, true, "now", "now"))).toBe("EPERM");
      expect(codeOf(() => root.link(link, true, root, "new"))).toBe("EPERM");
    }
    expect(codeOf(() => root.readLink("absolute"))).toBe("EPERM");
    expect(root.readLink("up")).toBe("../outside");
    untouched();
  });

  test(`${kind}: a link is not written through to the outside, dangling or not`, () => {
    const root = granted();
    symlinkSync("../outside/new", inside("dangling"));
    symlinkSync("../outside/secret", inside("pointing"));
    for (const link of ["dangling", "pointing"])
      for (const how of [
        { write: true, create: true, follow: true },
        { write: true, truncate: true, follow: true },
        { write: true, create: true, exclusive: true, follow: true },
        { write: true, create: true },
        { write: true },
      ])
        expect(["EPERM", "ELOOP", "EEXIST"]).toContain(codeOf(() => root.open(link, how))!);
    untouched();
    root.rename("pointing", root, "moved");
    root.unlink("moved");
    root.unlink("dangling");
    untouched();
  });

  test(`${kind}: links that stay inside are followed, wherever they stand`, () => {
    const root = granted();
    symlinkSync("../f", inside("sub/up"));
    symlinkSync("sub/deep/../up", inside("chain"));
    symlinkSync("sub/", inside("folder"));
    symlinkSync(".", inside("self"));
    symlinkSync("made", inside("dangling"));
    expect(contents(root.open("chain", { read: true, follow: true }))).toBe("inside");
    expect(contents(root.open("folder/f", { read: true }))).toBe("below");
    expect(contents(root.open("self/self/folder/../f", { read: true }))).toBe("inside");
    expect(root.statAt("folder/", false).isDirectory()).toBe(true);
    expect(root.statAt("folder", false).isSymbolicLink()).toBe(true);
    root.open("dangling", { write: true, create: true, follow: true });
    expect(existsSync(inside("made"))).toBe(true);
  });

  test(`${kind}: a folder below is a boundary of its own`, () => {
    const below = granted().open("sub", { folder: true });
    if (!(below instanceof OpenFolder)) throw new Error("A folder was looked for");
    for (const path of ["..", "../f", "deep/../../f"])
      expect(codeOf(() => below.statAt(path, true))).toBe("EPERM");
    expect(contents(below.open("deep/../f", { read: true }))).toBe("below");
  });

  test(`${kind}: empty paths, zero bytes, endless links and depths are refused`, () => {
    const root = granted();
    symlinkSync("two", inside("one"));
    symlinkSync("one", inside("two"));
    for (const work of everything(root, "")) expect(codeOf(work)).toBe("ENOENT");
    for (const path of ["a\0b", "\0", "f\0", "../\0"])
      for (const work of everything(root, path)) expect(codeOf(work)).toBe("EINVAL");
    expect(codeOf(() => root.statAt("one", true))).toBe("ELOOP");
    expect(codeOf(() => root.statAt("one/x", false))).toBe("ELOOP");
    expect(codeOf(() => root.statAt("x".repeat(limits.pathBytesMax + 1), false))).toBe("ENAMETOOLONG");
    expect(codeOf(() => root.statAt("x/".repeat(limits.pathBytesMax), false))).toBe("ENAMETOOLONG");
    mkdirSync(inside("d/".repeat(limits.pathDepthMax + 1)), { recursive: true });
    expect(root.statAt("d/".repeat(limits.pathDepthMax), false).isDirectory()).toBe(true);
    expect(codeOf(() => root.statAt(`${"d/".repeat(limits.pathDepthMax + 1)}x`, false))).toBe("ENAMETOOLONG");
    let chain = "f";
    for (let at = 0; at <= limits.pathLinksMax; at++) {
      symlinkSync(chain, inside(`link${at}`));
      chain = `link${at}`;
    }
    expect(root.statAt(`link${limits.pathLinksMax - 1}`, true).isFile()).toBe(true);
    expect(codeOf(() => root.statAt(`link${limits.pathLinksMax}`, true))).toBe("ELOOP");
  });

  test(`${kind}: a folder that was closed is not used any more`, () => {
    const root = granted();
    files.closeAll();
    for (const work of everything(root, "f")) expect(codeOf(work)).toBe("EBADF");
    expect(codeOf(() => root.stat())).toBe("EBADF");
    expect(codeOf(() => root.list())).toBe("EBADF");
    untouched();
  });

  test(`${kind}: slashes and dots in plenty change nothing`, () => {
    const root = granted();
    for (const path of ["sub//f", "./sub/./f", "sub/deep/..//f", ".//sub/f"])
      expect(contents(root.open(path, { read: true }))).toBe("below");
    expect(codeOf(() => root.statAt("f/.", false))).toBe("ENOTDIR");
    expect(codeOf(() => root.statAt("none/..", false))).toBe("ENOENT");
  });
}

test.if(process.platform === "linux")(
  "a held folder stays itself when its path is exchanged for a link",
  () => {
    const root = OpenFolder.granted(files, join(base, "in"), true);
    const below = root.open("sub", { folder: true });
    if (!(below instanceof OpenFolder)) throw new Error("A folder was looked for");
    renameSync(inside("sub"), join(base, "moved"));
    symlinkSync("../outside", inside("sub"));
    expect(codeOf(() => below.statAt("secret", true))).toBe("ENOENT");
    expect(contents(below.open("f", { read: true }))).toBe("below");
    expect(codeOf(() => root.statAt("sub/secret", true))).toBe("EPERM");
  },
);

test.if(process.platform === "linux")(
  "nobody wins the race between check and use",
  async () => {
    const root = OpenFolder.granted(files, join(base, "in"), true);
    writeFileSync(inside("sub/secret"), "below");
    const attacker = Bun.spawn(
      ["sh", "-c", "while mv sub kept; ln -s ../outside sub; rm sub; mv kept sub; do :; done"],
      { cwd: join(base, "in"), stdout: "ignore", stderr: "ignore" },
    );
    const seen = new Set<string>();
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    const bothMet = () => seen.has("below") && (seen.has("ENOENT") || seen.has("EPERM"));
    while (seconds() < 0.5 || (!bothMet() && seconds() < 8)) {
      let answer: string;
      try {
        const file = root.open("sub/secret", { read: true, follow: true }) as OpenFile;
        answer = contents(file);
        file.release();
      } catch (error) {
        answer = errno(error) ?? String(error);
      }
      seen.add(answer);
    }
    attacker.kill();
    await attacker.exited;
    // Both states were met, and neither showed what lies outside.
    expect(bothMet()).toBe(true);
    expect([...seen].filter((answer) => !["below", "ENOENT", "EPERM", "ENOTDIR"].includes(answer))).toEqual(
      [],
    );
  },
  20_000,
);

test.if(process.platform === "linux")(
  "with everything granted, no process is: neither our memory nor our variables",
  () => {
    const files = new OpenFiles();
    const root = OpenFolder.granted(files, "/", true);
    const etc = root.open("etc", { folder: true }) as OpenFolder;
    for (const [from, path] of [
      [root, "proc/self/mem"],
      [root, "proc/self/environ"],
      [root, "proc"],
      [root, "./etc/../proc/self/maps"],
      [root.open(".", { folder: true }) as OpenFolder, "proc/1/environ"],
    ] as const)
      expect(() => from.open(path, { read: true, follow: true })).toThrow("EACCES");
    // A folder of that name elsewhere is a folder.
    expect(() => etc.open("proc/x", { read: true })).toThrow("ENOENT");
    files.closeAll();
  },
);
