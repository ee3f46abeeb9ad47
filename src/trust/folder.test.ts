import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import { parseFolder } from "./folder.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "loop-folder-")));
mkdirSync(join(root, "data/deep"), { recursive: true });
writeFileSync(join(root, "file"), "x");
symlinkSync(join(root, "data"), join(root, "link"));
afterAll(() => rmSync(root, { recursive: true }));

const refused = (text: string): string => {
  try {
    parseFolder(text, root);
  } catch (error) {
    if (error instanceof Fault) return `${error.code} ${error.message}`;
    throw error;
  }
  return "accepted";
};

test("a folder alone is seen under the name that was written", () => {
  expect(parseFolder("data", root)).toEqual({ host: join(root, "data"), guest: "data", readOnly: false });
  expect(parseFolder(".", root)).toEqual({ host: root, guest: ".", readOnly: false });
});

test("a guest name and read-only are taken off the end", () => {
  expect(parseFolder("data::/d", root)).toEqual({ host: join(root, "data"), guest: "/d", readOnly: false });
  expect(parseFolder("data::/d:ro", root)).toEqual({ host: join(root, "data"), guest: "/d", readOnly: true });
  expect(parseFolder("data:ro", root)).toEqual({ host: join(root, "data"), guest: "data", readOnly: true });
});

test("an absolute path and a trailing slash mean the same folder", () => {
  expect(parseFolder(`${root}/data/::/`, "/")).toEqual({
    host: join(root, "data"),
    guest: "/",
    readOnly: false,
  });
  expect(parseFolder("data/deep/", root).guest).toBe("data/deep");
});

test("a symbolic link is resolved when it is granted", () => {
  expect(parseFolder("link", root)).toEqual({ host: join(root, "data"), guest: "link", readOnly: false });
});

test("a missing folder is refused with its path", () => {
  expect(refused("absent")).toBe(`LK0702 The folder ${root}/absent of --dir absent does not exist`);
  expect(refused("file/below")).toStartWith("LK0702 The folder");
});

test.if(process.platform === "linux")("what shows processes is granted to nobody, by no spelling", () => {
  symlinkSync("/proc/self", join(root, "self"));
  for (const text of ["/proc", "/proc/self::/p:ro", "/tmp/../proc/1", "self"])
    expect(refused(text)).toContain("shows processes");
});

test("a file is no folder", () => {
  expect(refused("file")).toBe(`LK0702 A folder was looked for at ${root}/file, and a file is there`);
});

test("empty and surplus parts are refused", () => {
  for (const text of ["", "::", "::/d", "data::", ":ro", "data::a::b", "data\0"])
    expect(refused(text)).toStartWith("LK0702 A folder is granted as");
});
