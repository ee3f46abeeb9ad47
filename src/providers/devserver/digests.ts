import { statSync } from "node:fs";
import { type Digest, digestOf } from "../../base/digest.ts";
import { limits } from "../../base/limits.ts";
import { readBounded } from "../../resolve/file.ts";

/**
 * What files contain, each read again only where something about it is other than before. Times say nothing while they
 * are so recent that another change may have had the same, whatever the file system counts in: until then contents are
 * read each time. One of the times is that of the entry's last change, which nobody can set.
 */
export class Digests {
  readonly #known = new Map<string, { readonly looks: string; readonly digest: Digest }>();
  readonly #read: typeof readBounded;
  readonly #now: () => number;

  /** Others in tests: what reads a file, and the clock. */
  constructor(read: typeof readBounded = readBounded, now: () => number = Date.now) {
    this.#read = read;
    this.#now = now;
  }

  /** Faults: those of `readBounded`. */
  of(file: string): Digest {
    const nowMs = this.#now();
    // Before it is read: what is written meanwhile differs then.
    const stat = statOf(file);
    const looks = textOf(stat);
    const known = this.#known.get(file);
    if (known?.looks === looks) return known.digest;
    this.#known.delete(file);
    const digest = digestOf(this.#read(file));
    if (stat && Math.max(stat.mtimeMs, stat.ctimeMs) < nowMs - limits.devSettledFileMs)
      this.#known.set(file, { looks, digest });
    return digest;
  }

  /** Forgets all others. */
  keep(files: readonly string[]): void {
    const kept = new Set(files);
    for (const file of this.#known.keys()) if (!kept.has(file)) this.#known.delete(file);
  }
}

const textOf = (stat: ReturnType<typeof statOf>): string =>
  `${stat?.dev}:${stat?.ino}:${stat?.size}:${stat?.mtimeMs}:${stat?.ctimeMs}`;

/** Undefined where there is nothing, or nobody may look: whoever reads it says which. */
const statOf = (file: string) => {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
};
