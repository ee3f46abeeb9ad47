// Dawn as a shared library with the C interface (webgpu.h), called through bun:ffi: the part of WebGPU that loop:gfx uses,
// and what no JavaScript binding has, surfaces of windows. Owns where the library is looked for and which one it may be;
// refuses every library whose structures it does not know, since a wrong one would be somebody else's memory; called by
// adapter.ts for what is drawn in windows that somebody sees, and by nobody where no library is there.
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { sha256 } from "../../../base/digest.ts";
import { Fault, fault } from "../../../base/fault.ts";
import { nativeLibrary } from "../../../base/native.ts";
import { carriedFile } from "../../../base/resources.ts";
import { openLibrary } from "./functions.ts";
import { Instance } from "./instance.ts";

/** How the build names the one that it puts into the executable. */
export const carriedName = "native/webgpu";

/** The environment's variable for an explicit path; the flag comes before it. "off" wants none, not even the carried one. */
export const variable = "LOOP_WEBGPU";
const off = "off";

/** Which libraries `layout.ts` and `functions.ts` describe, and what they are called. */
export const known: Readonly<Partial<Record<string, { readonly digest: string; readonly name: string }>>> = {
  "linux-x64": {
    digest: "3190c3777f2c07fcf6a0640833cbf5d0cde859dc53aed6d9083946d093198788",
    name: "libwebgpu_wrapper.so of bun-webgpu 0.1.7",
  },
};

export interface WindowDawn {
  /** "carried", or a path. */
  readonly where: string;
  readonly name: string;
  readonly instance: () => Promise<GPU>;
}

/**
 * The library that draws into windows; undefined where there is none, or none is wanted. LK0744 where one is named and is
 * not one that loop knows; one that is carried and does not load is as if it were not there.
 */
export const findWindowDawn = (
  named: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  carried = carriedFile(carriedName),
): WindowDawn | undefined => {
  const path = named ?? (environment[variable] || undefined);
  if (path === off) return undefined;
  if (path !== undefined) return explicit(resolve(path));
  if (carried === undefined) return undefined;
  try {
    const found = tryLibrary(nativeLibrary(carried), "carried");
    return typeof found === "string" ? undefined : found;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
};

const explicit = (path: string): WindowDawn => {
  const found = tryLibrary(path, path);
  if (typeof found !== "string") return found;
  throw fault("LK0744", `Windows were to be drawn into by ${path}, and that failed: ${found}`, {
    hint: `npm install bun-webgpu@0.1.7 brings it; without --webgpu and ${variable} pictures are read back`,
  });
};

/** Those that were opened: a library is never closed. */
const opened = new Map<string, WindowDawn>();

/** The library at a path, or why it is none. */
export const tryLibrary = (path: string, where: string): WindowDawn | string => {
  const before = opened.get(path);
  if (before) return { ...before, where };
  const expected = known[`${process.platform}-${process.arch}`];
  if (!expected) return `there is none that loop knows for ${process.platform}-${process.arch}`;
  if (!existsSync(path)) return "there is no such file";
  try {
    if (sha256(readFileSync(path)) !== expected.digest)
      return `it is not ${expected.name}, the only one whose structures loop knows (SHA-256 ${expected.digest})`;
    const wgpu = openLibrary(path);
    const instance = async () => new Instance(wgpu) as unknown as GPU;
    const found = { where, name: expected.name, instance };
    opened.set(path, found);
    return found;
  } catch (error) {
    return `${error instanceof Error ? error.message : error}`;
  }
};
