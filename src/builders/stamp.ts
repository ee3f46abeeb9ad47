import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import pkg from "../../package.json" with { type: "json" };
import { type Digest, digestOf, sha256 } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { writeFileAtomic } from "../base/files.ts";

// build/NAME.stamp.json: what the component in build/ was made from. A build is fresh while all of it still
// holds. Times are looked at first, contents only where a time has changed, so that a checkout or a `touch`
// rebuilds nothing. The time of the last change of a file's entry is among them, since nobody can set it: a file that was
// replaced by one of the same size and an older time is another all the same.

interface InputStamp {
  /** Relative to the project's folder, so that a moved folder stays fresh. */
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly digest: string;
}

/** How far a file system's clock may lag behind the process's: kernels step it in jiffies of up to 10 ms. */
const clockStepMs = 20;

/** Who built it and how it was asked to. */
export interface Identity {
  readonly builder: string;
  readonly settings: string;
}

export interface Stamp {
  readonly loop: string;
  readonly identity: Identity;
  readonly component: { readonly size: number; readonly digest: string };
  readonly inputs: readonly InputStamp[];
  /** Folders whose list of files counts, with that list: a new WIT file changes the world. */
  readonly folders: readonly { readonly path: string; readonly files: readonly string[] }[];
  readonly generated: readonly string[];
}

/** The stamp of an earlier build; undefined where there is none or it is not readable as one. */
export const readStamp = (path: string): Stamp | undefined => {
  try {
    const stamp = JSON.parse(readFileSync(path, "utf8"));
    return stamp?.loop === loopVersion ? stamp : undefined;
  } catch {
    return undefined;
  }
};

/** Where the stamp of a built component lies: beside it. */
export const stampBeside = (component: string): string => component.replace(/\.wasm$/, ".stamp.json");

const loopVersion = `${pkg.version} stamp-1`;

export const writeStamp = (path: string, stamp: Stamp): void =>
  writeFileAtomic(path, `${JSON.stringify(stamp)}\n`);

export const stampOf = (from: {
  readonly folder: string;
  readonly identity: Identity;
  /** When the build began to read, in milliseconds since the epoch. */
  readonly startedMs: number;
  /** Absolute paths. */
  readonly inputs: readonly string[];
  /** Relative paths. */
  readonly folders: readonly string[];
  readonly generated: readonly string[];
  readonly digest: string;
  readonly size: number;
}): Stamp => ({
  loop: loopVersion,
  identity: from.identity,
  component: { size: from.size, digest: from.digest },
  inputs: [...new Set(from.inputs.map((path) => resolve(from.folder, path)))].sort().map((path) => {
    const input = stampInput(from.folder, path);
    // A file written while the build ran, or put there, may be newer than what was built: it counts as changed.
    const lastMs = Math.max(input.mtimeMs, input.ctimeMs);
    return lastMs >= from.startedMs - clockStepMs ? { ...input, mtimeMs: 0, ctimeMs: 0, digest: "" } : input;
  }),
  folders: from.folders.map((path) => ({ path, files: filesBelow(join(from.folder, path)) })),
  generated: from.generated,
});

const stampInput = (folder: string, absolute: string): InputStamp => {
  const path = relative(folder, absolute);
  const stat = statSync(absolute, { throwIfNoEntry: false });
  if (!stat) return { path, size: -1, mtimeMs: 0, ctimeMs: 0, digest: "" };
  const { size, mtimeMs, ctimeMs } = stat;
  return { path, size, mtimeMs, ctimeMs, digest: sha256(readFileSync(absolute)) };
};

const readDigest = (file: string): Digest => digestOf(readFileSync(file));

/** Whether everything that the stamp names is still as it was, the component itself included, by the digest that it has. */
export const isFresh = (
  stamp: Stamp,
  folder: string,
  identity: Identity,
  component: string,
  digestOfFile: (file: string) => Digest = readDigest,
): boolean => {
  try {
    return (
      stamp.identity.builder === identity.builder &&
      stamp.identity.settings === identity.settings &&
      stamp.generated.every((path) => statSync(join(folder, path), { throwIfNoEntry: false })) &&
      stamp.inputs.every((input) => isUnchanged(folder, input)) &&
      stamp.folders.every(({ path, files }) => same(files, filesBelow(join(folder, path)))) &&
      isBuilt(stamp, component, digestOfFile)
    );
  } catch (error) {
    // A stamp of another shape, or a file that cannot be read: the build finds out which.
    if (error instanceof Fault || error instanceof Error) return false;
    throw error;
  }
};

const isUnchanged = (folder: string, { path, size, mtimeMs, ctimeMs, digest }: InputStamp): boolean => {
  const absolute = resolve(folder, path);
  const stat = statSync(absolute, { throwIfNoEntry: false });
  if (!stat) return size === -1;
  if (stat.size !== size) return false;
  const isSame = stat.mtimeMs === mtimeMs && stat.ctimeMs === ctimeMs;
  return isSame || sha256(readFileSync(absolute)) === digest;
};

const isBuilt = (stamp: Stamp, component: string, digestOfFile: (file: string) => Digest): boolean => {
  const stat = statSync(component, { throwIfNoEntry: false });
  if (stat?.size !== stamp.component.size) return false;
  return digestOfFile(component) === stamp.component.digest;
};

const filesBelow = (folder: string): string[] => {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
      .sort();
  } catch {
    return [];
  }
};

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((item, at) => item === b[at]);
