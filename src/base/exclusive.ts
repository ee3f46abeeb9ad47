import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { limits } from "./limits.ts";

/**
 * Runs work while no other process of this machine does what holds the same file: a kernel's lock (flock), which a
 * killed process lets go of. Waits at most `limits.exclusiveWaitMsMax`, and where the platform has no such lock not at
 * all: files are written whole, so at worst the later of two writers wins.
 */
export const exclusively = async <T>(path: string, work: () => T | Promise<T>): Promise<T> => {
  mkdirSync(dirname(path), { recursive: true });
  const handle = openSync(path, "a", 0o600);
  try {
    const deadline = performance.now() + limits.exclusiveWaitMsMax;
    while (!tryLock(handle) && performance.now() < deadline) await Bun.sleep(10);
    return await work();
  } finally {
    // Closing lets go of it. The file stays: removing it would give two processes two files of one name.
    closeSync(handle);
  }
};

const exclusive = 2;
const withoutWaiting = 4;

let flock: ((handle: number, operation: number) => number) | undefined;

/** Whether the lock is held now; true as well where there is none to be had. */
const tryLock = (handle: number): boolean => {
  flock ??= libraryFlock();
  return flock(handle, exclusive | withoutWaiting) === 0;
};

const libraryFlock = (): NonNullable<typeof flock> => {
  const library = { linux: "libc.so.6", darwin: "libSystem.B.dylib" }[process.platform as string];
  if (!library) return () => 0;
  try {
    const { dlopen } = process.getBuiltinModule("bun:ffi") as typeof import("bun:ffi");
    return dlopen(library, { flock: { args: ["i32", "i32"], returns: "i32" } }).symbols.flock;
  } catch {
    return () => 0;
  }
};
