import { closeSync, openSync, readSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fault } from "../../../base/fault.ts";
import { nativeLibrary } from "../../../base/native.ts";
import { carriedFile } from "../../../base/resources.ts";
import { type Sdl, tryLibrary } from "./binding.ts";

// Which SDL 2 is used: the one that a person names, the one that the executable carries, the system's. No loop.toml
// names one: it would let a checkout run its own machine code.

/** How the build names the one that it puts into the executable. */
export const carriedName = "native/sdl2";

/** The environment's variable for an explicit path; the flag comes before it. */
export const variable = "LOOP_SDL";

const systemNames: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ["libSDL2-2.0.so.0", "libSDL2-2.0.so", "libSDL2.so"],
  darwin: [
    "libSDL2-2.0.0.dylib",
    "/opt/homebrew/lib/libSDL2-2.0.0.dylib",
    "/usr/local/lib/libSDL2-2.0.0.dylib",
  ],
  win32: ["SDL2.dll"],
};

/** Where a library was found, for `loop --version --verbose`: "carried", "system (libSDL2-2.0.so.0)", a path. */
export interface Found {
  readonly sdl: Sdl;
  readonly where: string;
}

/** Fault LK0732 where there is none, or the named one cannot be loaded. */
export const findSdl = (named: string | undefined): Found => {
  const path = named ?? (process.env[variable] || undefined);
  if (path !== undefined) return explicit(path);
  const carried = carriedFile(carriedName);
  const failures: string[] = [];
  if (carried !== undefined) {
    const found = tryLibrary(nativeLibrary(carried));
    if (typeof found !== "string") return { sdl: found, where: "carried" };
    failures.push(`the one that loop carries does not load (${found})`);
  } else failures.push("loop carries none");
  const names = systemNames[process.platform] ?? [];
  for (const name of names) {
    const found = tryLibrary(name);
    if (typeof found !== "string") return { sdl: found, where: `system (${name})` };
  }
  failures.push(`the system has no ${names[0] ?? "SDL 2"}`);
  throw fault("LK0732", `A window needs the library SDL 2: ${failures.join(", and ")}`, {
    hint: `${installs[process.platform] ?? "install SDL 2"}, or name one with --sdl PATH; --headless needs none`,
  });
};

const installs: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  linux: "apt install libsdl2-2.0-0",
  darwin: "brew install sdl2",
};

const explicit = (path: string): Found => {
  const absolute = resolve(path);
  const found = unfit(absolute) ?? tryLibrary(absolute);
  if (typeof found !== "string") return { sdl: found, where: absolute };
  throw fault("LK0732", `SDL 2 was to be loaded from ${absolute}, and that failed: ${found}`, {
    hint: `a shared library of SDL 2; without --sdl and ${variable} loop looks for one itself`,
  });
};

/** `e_machine` of ELF (its specification, "ELF Header") for what loop runs on. */
const machines: Readonly<Record<number, string>> = {
  3: "ia32",
  40: "arm",
  62: "x64",
  183: "arm64",
  243: "riscv64",
};

/** Why the system's loader need not be asked: it would wait for a pipe, and calls a strange machine's file absent. */
const unfit = (path: string): string | undefined => {
  const about = statSync(path, { throwIfNoEntry: false });
  if (!about) return "there is no such file";
  if (!about.isFile()) return about.isDirectory() ? "it is a folder" : "it is no file";
  const head = Buffer.alloc(20);
  const handle = openSync(path, "r");
  readSync(handle, head, 0, head.length, 0);
  closeSync(handle);
  if (process.platform !== "linux") return undefined;
  if (head.readUInt32BE(0) !== 0x7f454c46) return "it is no library of this system";
  const machine = machines[head.readUInt16LE(18)] ?? "another machine";
  return machine === process.arch ? undefined : `it is made for ${machine}, and this is ${process.arch}`;
};
