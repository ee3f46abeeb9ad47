import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { sha256 } from "./digest.ts";
import { writeFileAtomic } from "./files.ts";
import { cacheFolder } from "./paths.ts";
import { compiled } from "./resources.ts";

/**
 * Where a native library that the executable carries lies on disk: in the cache, in a folder named by its digest
 * that nobody else can write. Bun would extract it to the temporary folder, under a name that anyone can guess,
 * and has taken a damaged file of the same size for it; here the content is checked each time.
 * From source it is the file itself. Fault: LK0006.
 */
export const nativeLibrary = (path: string): string => {
  if (!compiled) return path;
  const bytes = readFileSync(path);
  const digest = sha256(bytes);
  const folder = join(cacheFolder(), "native", digest);
  const place = join(folder, basename(path));
  if (digestAt(place) === digest) return place;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  writeFileAtomic(place, bytes, { mode: 0o500 });
  return place;
};

const digestAt = (path: string): string | undefined => {
  try {
    return sha256(readFileSync(path));
  } catch {
    return undefined;
  }
};

/** Loads a Node addon from its path, carried or not. */
export const loadAddon = <T>(path: string): T => createRequire(import.meta.url)(nativeLibrary(path)) as T;
