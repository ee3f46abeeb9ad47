import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../../base/fault.ts";
import { libraryPath } from "../fixture.ts";
import { findWindowDawn, tryLibrary } from "./library.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-wgpu-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, bytes: Uint8Array | string): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  return path;
};

const real = readFileSync(libraryPath);
/** An ELF of the same functions for another machine: e_machine says AArch64. */
const foreign = Buffer.from(real);
foreign.writeUInt16LE(183, 18);
/** One that begins well, and lacks what comes after. */
const cut = real.subarray(0, real.length >> 1);
/** One whose functions have other names. */
const renamed = Buffer.from(real);
renamed.write("x", renamed.indexOf("zwgpuSurfacePresent\0"));

const wrong = {
  "absent.so": undefined,
  "garbage.so": "no library at all",
  "foreign.so": foreign,
  "cut.so": cut,
  "renamed.so": renamed,
} as const;

test.each(Object.entries(wrong))(
  "%s is refused by name where it is named, and nothing of it is run",
  (name, bytes) => {
    const path = bytes === undefined ? join(folder, name) : file(name, bytes);
    for (const ask of [
      () => findWindowDawn(path, {}, undefined),
      () => findWindowDawn(undefined, { LOOP_WEBGPU: path }, undefined),
    ]) {
      const thrown = (() => {
        try {
          return ask();
        } catch (error) {
          return error;
        }
      })();
      expect(thrown).toBeInstanceOf(Fault);
      const { code, message } = thrown as Fault;
      expect(code).toBe("LK0744");
      expect(message).toContain(path);
      expect(message).toContain(
        bytes === undefined ? "there is no such file" : "is not libwebgpu_wrapper.so",
      );
    }
  },
);

test.each(Object.entries(wrong))("%s is as if it were not there where it is carried", (name, bytes) => {
  const path = bytes === undefined ? join(folder, name) : file(name, bytes);
  expect(findWindowDawn(undefined, {}, path)).toBeUndefined();
});

test("the flag comes before the environment, that before what is carried, and off wants none", () => {
  const environment = { LOOP_WEBGPU: file("garbage.so", "none") };
  expect(findWindowDawn(libraryPath, environment, undefined)?.where).toBe(libraryPath);
  expect(() => findWindowDawn(undefined, environment, libraryPath)).toThrow("garbage.so");
  expect(findWindowDawn(undefined, {}, libraryPath)?.where).toBe("carried");
  expect(findWindowDawn("off", environment, libraryPath)).toBeUndefined();
  expect(findWindowDawn(undefined, { LOOP_WEBGPU: "off" }, libraryPath)).toBeUndefined();
  expect(findWindowDawn(undefined, {}, undefined)).toBeUndefined();
});

test("the library that the package brings is the one whose structures are known", () => {
  expect(tryLibrary(libraryPath, "here")).toMatchObject({
    where: "here",
    name: expect.stringContaining("0.1.7"),
  });
});
