import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { errno, fault } from "./fault.ts";

/** The global `crypto`, because importing node:crypto takes longer than all of a short command's work. */
const unique = (): string => crypto.randomUUID().slice(0, 8);

/**
 * Writes a file whole or not at all: a temporary name beside it, then rename. Creates parent folders. With `sync` it
 * is on the disk when this returns, and so is its name.
 * A full or read-only disk is a fault (LK0006), and leaves no temporary file behind.
 */
export const writeFileAtomic = (
  path: string,
  bytes: Uint8Array | string,
  more: { mode?: number; sync?: boolean } = {},
): void => {
  const temporary = `${path}.${process.pid}.${unique()}.tmp`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const handle = openSync(temporary, "wx", more.mode ?? 0o666);
    try {
      const data = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
      for (let at = 0; at < data.length; ) at += writeSync(handle, data, at);
      if (more.sync) fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, path);
    if (more.sync) syncFolder(dirname(path));
  } catch (error) {
    removeQuietly(temporary);
    throw cannotWrite(path, error);
  }
};

/** Makes a rename in a folder last; where folders cannot be synced (Windows), the system does it in its own time. */
export const syncFolder = (folder: string): void => {
  let handle: number | undefined;
  try {
    handle = openSync(folder, "r");
    fsyncSync(handle);
  } catch {
    // The file itself is whole; only its name could be lost with the power.
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
};

/** Bun 1.4.5 answers EFAULT where a parent is a file, in spite of `force`; the first error is the one to tell. */
export const removeQuietly = (path: string): void => {
  try {
    rmSync(path, { force: true });
  } catch {
    // Nothing was written there.
  }
};

const reasons: Record<string, string> = {
  ENOENT: "its folder is not there, or takes no files",
  EEXIST: "a file is in its place",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission is denied",
  EPERM: "permission is denied",
  ENOTDIR: "a parent is a file, not a folder",
  EISDIR: "a folder is in its place",
  ENAMETOOLONG: "the name is too long",
};

/** The fault for a failed write, in words for the usual causes. */
export const cannotWrite = (path: string, error: unknown) => {
  const code = errno(error);
  const why = (code && reasons[code]) ?? (error instanceof Error ? error.message : String(error));
  return fault("LK0006", `Cannot write ${path}: ${why}`, { cause: error });
};
