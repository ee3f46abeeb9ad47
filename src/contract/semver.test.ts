import { expect, test } from "bun:test";
import { compatible, matchInterface, otherVersions, versionOf } from "./semver.ts";

test("versions of one major are compatible in both directions", () => {
  expect(compatible("1.2.3", "1.9.0")).toBe(true);
  expect(compatible("1.9.0", "1.2.3")).toBe(true);
  expect(compatible("1.0.0", "2.0.0")).toBe(false);
});

test("below 1.0.0 the minor is the track, below 0.1.0 the patch", () => {
  expect(compatible("0.2.0", "0.2.12")).toBe(true);
  expect(compatible("0.2.0", "0.3.0")).toBe(false);
  expect(compatible("0.0.1", "0.0.2")).toBe(false);
  expect(compatible("0.0.1", "0.0.1")).toBe(true);
});

test("a pre-release matches only itself", () => {
  expect(compatible("0.3.0-rc-2025", "0.3.0-rc-2025")).toBe(true);
  expect(compatible("0.3.0-rc-2025", "0.3.0")).toBe(false);
  expect(compatible("0.3.0", "0.3.0-rc-2025")).toBe(false);
});

test("build metadata does not change the track, and what is no version matches only itself", () => {
  expect(compatible("1.0.0+a", "1.0.1+b")).toBe(true);
  expect(compatible("01.0.0", "1.0.0")).toBe(false);
  expect(compatible("latest", "latest")).toBe(true);
  expect(compatible("latest", "1.0.0")).toBe(false);
});

test("the exact interface wins over a newer compatible one", () => {
  const offered = ["wasi:io/poll@0.2.12", "wasi:io/poll@0.2.3"];
  expect(matchInterface("wasi:io/poll@0.2.3", offered)).toBe("wasi:io/poll@0.2.3");
});

test("without the exact one the newest compatible serves, compared as numbers", () => {
  const offered = ["wasi:io/poll@0.2.9", "wasi:io/poll@0.2.12", "wasi:io/poll@0.3.0", "wasi:io/error@0.2.20"];
  expect(matchInterface("wasi:io/poll@0.2.0", offered)).toBe("wasi:io/poll@0.2.12");
  expect(matchInterface("wasi:io/poll@1.0.0", offered)).toBeUndefined();
});

test("a name without a version is served only by itself", () => {
  expect(matchInterface("a:b/c", ["a:b/c@1.0.0"])).toBeUndefined();
  expect(matchInterface("a:b/c@1.0.0", ["a:b/c"])).toBeUndefined();
  expect(matchInterface("greet", ["greet"])).toBe("greet");
});

test("other versions are listed newest first", () => {
  expect(otherVersions("a:b/c@1.0.0", ["a:b/c@0.9.0", "a:b/c@0.10.0", "a:b/d@1.0.0", "a:b/c@1.0.0"])).toEqual(
    ["a:b/c@0.10.0", "a:b/c@0.9.0"],
  );
  expect(versionOf("wasi:io/poll@0.2.12")).toBe("0.2.12");
  expect(versionOf("greet")).toBeUndefined();
});
