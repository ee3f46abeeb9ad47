import { chmodSync, lstatSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { sha256 } from "./digest.ts";
import { Fault, fault } from "./fault.ts";
import { cannotWrite, writeFileAtomic } from "./files.ts";
import { cacheFolder } from "./paths.ts";
import { compiled } from "./resources.ts";
import { shellWord } from "./word.ts";

/**
 * Where a native library that the executable carries lies on disk: in the cache, in a folder named by its digest
 * that nobody else can write. Bun would extract it to the temporary folder, under a name that anyone can guess,
 * and has taken a damaged file of the same size for it; here the content is checked each time.
 * From source it is the file itself. Fault: LK0006.
 */
export const nativeLibrary = (path: string): string =>
  compiled ? extracted(basename(path), readFileSync(path), join(cacheFolder(), "native")) : path;

/** As `nativeLibrary`, of these bytes, below a folder. */
export const extracted = (name: string, bytes: Uint8Array, root: string): string => {
  const digest = sha256(bytes);
  const folder = join(root, digest);
  const place = join(folder, name);
  // What was right when it was looked at has to be so when it is loaded: nobody else may write on the way there.
  for (const own of [root, folder]) ownFolder(own);
  if (digestAt(place) === digest) return place;
  writeFileAtomic(place, bytes, { mode: 0o500 });
  return place;
};

/** Makes a folder that is this person's alone, or makes it so. Fault: LK0006. */
const ownFolder = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (process.platform === "win32") return;
    const there = lstatSync(folder);
    if (!there.isDirectory()) throw foreign(folder, "is a link");
    if (there.uid !== process.getuid?.()) throw foreign(folder, "belongs to somebody else");
    if ((there.mode & 0o777) !== 0o700) chmodSync(folder, 0o700);
  } catch (error) {
    throw error instanceof Fault ? error : cannotWrite(folder, error);
  }
};

const foreign = (folder: string, why: string) =>
  fault(
    "LK0006",
    `Machine code is kept in ${folder}, and that ${why}: whoever made it could run what they like`,
    {
      hint: `rm -r ${shellWord(folder)}`,
    },
  );

const digestAt = (path: string): string | undefined => {
  try {
    return sha256(readFileSync(path));
  } catch {
    return undefined;
  }
};

/** Loads a Node addon from its path, carried or not. */
export const loadAddon = <T>(path: string): T => createRequire(import.meta.url)(nativeLibrary(path)) as T;
