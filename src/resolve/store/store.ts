// Components by the digest of their bytes, on this machine. Owns the files below `store` in the cache folder: whole
// blobs, unfinished downloads and what identifiers were last found to be; refuses to give bytes that do not have
// their digest; called by the resolver, by fetchers that download, and by `loop store`.
import { closeSync, futimesSync, openSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Digest, digestOf, noteDigest } from "../../base/digest.ts";
import { errno, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { cacheFolder } from "../../base/paths.ts";
import { parseBytes } from "../../base/quantity.ts";
import { Names } from "./names.ts";
import { Partial, removeAbandoned } from "./partial.ts";

export interface StoredBlob {
  readonly digest: Digest;
  readonly bytes: number;
  /** When it was last read or written, to the hour. */
  readonly usedAtMs: number;
}

export interface Swept {
  readonly removed: readonly StoredBlob[];
  /** Bytes that are left. */
  readonly bytes: number;
}

/** Reading marks a blob as used at most this often: a mark for every run would be a write for every run. */
const usedMs = 3_600_000;
const hexadecimal = /^[0-9a-f]{64}$/;

/**
 * A store is a folder that any number of processes use at once without asking each other: a blob appears by rename,
 * whole and synced, under its digest, and whoever reads it checks that. Removing any of it is always safe.
 */
export class Store {
  readonly folder: string;
  readonly names: Names;
  readonly #bytesMax: number | undefined;

  constructor(folder: string = join(cacheFolder(), "store"), bytesMax?: number) {
    this.folder = folder;
    this.names = new Names(join(folder, "names"));
    this.#bytesMax = bytesMax;
  }

  /** Where a blob is or would be: `sha256/ab/abcd…`. */
  path(digest: Digest): string {
    const hex = digest.slice("sha256:".length);
    return join(this.folder, "sha256", hex.slice(0, 2), hex);
  }

  get #partials(): string {
    return join(this.folder, "partial");
  }

  /** The bytes of a digest; undefined where they are not here. What turns out damaged is removed. Fault: LK0007. */
  read(digest: Digest): Uint8Array | undefined {
    const path = this.path(digest);
    const bytes = readTouching(path);
    if (bytes === undefined) return undefined;
    if (digestOf(bytes) === digest) {
      noteDigest(bytes, digest);
      return bytes;
    }
    removeQuietly(path);
    return undefined;
  }

  has(digest: Digest): boolean {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.isFile() ?? false;
  }

  /** Keeps bytes under their digest. Faults: LK0006, LK0105 where they have another. */
  async put(bytes: Uint8Array, digest: Digest): Promise<void> {
    const partial = this.begin(digest, bytes.length);
    try {
      partial.write(0, bytes);
      await partial.finish("What is to be stored");
    } finally {
      await partial.close();
    }
  }

  /** Takes out what turned out to be of no use. */
  remove(digest: Digest): void {
    removeQuietly(this.path(digest));
  }

  /** A place to download a blob of `size` bytes into, with what an ended process left of it. Fault: LK0006. */
  begin(digest: Digest, size: number): Partial {
    return new Partial({ folder: this.#partials, target: this.path(digest), digest, size });
  }

  /** Every blob, the least recently used first. */
  list(): StoredBlob[] {
    const root = join(this.folder, "sha256");
    return listed(root)
      .flatMap((two) => listed(join(root, two)).map((hex) => ({ hex, path: join(root, two, hex) })))
      .flatMap(({ hex, path }) => {
        const info = hexadecimal.test(hex) ? statSync(path, { throwIfNoEntry: false }) : undefined;
        return info?.isFile()
          ? [{ digest: `sha256:${hex}` as Digest, bytes: info.size, usedAtMs: info.mtimeMs }]
          : [];
      })
      .sort((a, b) => a.usedAtMs - b.usedAtMs || (a.digest < b.digest ? -1 : 1));
  }

  /** Reads every blob and removes those that do not have their digest; answers how many there were, and those. */
  verify(): { readonly checked: number; readonly damaged: readonly StoredBlob[] } {
    const blobs = this.list();
    // A blob that another process removes meanwhile is none that is damaged.
    const damaged = blobs.filter((blob) => this.read(blob.digest) === undefined && blob.bytes >= 0);
    return { checked: blobs.length, damaged };
  }

  /**
   * Removes the least recently used until at most `bytesMax` are left, and whatever ended processes left behind.
   * What is in `keep` stays. Fault: LK0004 for LOOP_STORE_MAX.
   */
  sweep(bytesMax = this.#limit(), keep: ReadonlySet<Digest> = new Set()): Swept {
    removeAbandoned(this.#partials);
    const blobs = this.list();
    let bytes = blobs.reduce((sum, blob) => sum + blob.bytes, 0);
    const removed: StoredBlob[] = [];
    for (const blob of blobs) {
      if (bytes <= bytesMax) break;
      if (keep.has(blob.digest)) continue;
      removeQuietly(this.path(blob.digest));
      removed.push(blob);
      bytes -= blob.bytes;
    }
    this.names.keep((digest) => this.has(digest));
    return { removed, bytes };
  }

  /** After something was added: sweeps where the store has grown beyond its size. */
  bound(keep: Digest): void {
    const total = this.list().reduce((sum, { bytes }) => sum + bytes, 0);
    if (total > this.#limit()) this.sweep(this.#limit(), new Set([keep]));
  }

  #limit(): number {
    const written = process.env.LOOP_STORE_MAX;
    return this.#bytesMax ?? (written ? parseBytes(written, "LOOP_STORE_MAX") : limits.storedBytesMax);
  }
}

const listed = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) return [];
    throw error;
  }
};

/** A file's bytes, marked as used; undefined where there is none. */
const readTouching = (path: string): Uint8Array | undefined => {
  let handle: number;
  try {
    handle = openSync(path, "r");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) return undefined;
    throw fault("LK0007", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  try {
    const info = statSync(path, { throwIfNoEntry: false });
    // Nothing larger was ever put here.
    if (!info?.isFile() || info.size > limits.componentBytesMax) return new Uint8Array();
    const now = Date.now();
    if (now - info.mtimeMs > usedMs) touch(handle, now);
    return readFileSync(handle);
  } finally {
    closeSync(handle);
  }
};

const touch = (handle: number, now: number): void => {
  try {
    futimesSync(handle, now / 1000, now / 1000);
  } catch {
    // Another's file, or a disk for reading only: it counts as used less recently than it was.
  }
};

const removeQuietly = (path: string): void => {
  try {
    rmSync(path, { force: true });
  } catch {
    // Whoever may not remove it is told when it is read: its digest is checked each time.
  }
};
