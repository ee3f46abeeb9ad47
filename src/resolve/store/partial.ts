import {
  closeSync,
  existsSync,
  fdatasync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  write,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Digest, noteDigest } from "../../base/digest.ts";
import { fault } from "../../base/fault.ts";
import { cannotWrite, syncFolder } from "../../base/files.ts";
import { limits } from "../../base/limits.ts";

export interface PartialOptions {
  readonly folder: string;
  /** Where the blob goes once it is whole. */
  readonly target: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Bytes [from, to) that are still missing. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * A blob on its way into the store: a file named `<hex>.<pid>.<unique>` with the bytes at their places, and behind
 * them one byte for each chunk, 1 once the chunk is there. A process that ends in between leaves the file, and the
 * next one that wants the blob goes on with it. That may be wrong after a power cut, so the digest of the whole is
 * checked at the end, before it is synced and renamed into the store.
 */
export class Partial {
  readonly bytes: Uint8Array;
  readonly #options: PartialOptions;
  readonly #path: string;
  readonly #handle: number;
  readonly #done: Uint8Array;
  readonly #hasher = new Bun.CryptoHasher("sha256");
  /** How much of the beginning is there and hashed. */
  #hashed = 0;
  #closed = false;
  #finished = false;
  /** Chunks on their way to the disk, by other threads: this one is busy with what comes and with its digest. */
  readonly #saving: Promise<unknown>[] = [];
  #failure: unknown;

  /** Fault: LK0006. */
  constructor(options: PartialOptions) {
    const { folder, target, size } = options;
    this.#options = options;
    this.bytes = new Uint8Array(size);
    this.#done = new Uint8Array(Math.ceil(size / limits.fetchChunkBytes));
    this.#path = join(folder, `${basename(target)}.${process.pid}.${crypto.randomUUID().slice(0, 8)}`);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const left = claim(folder, basename(target), this.#path);
      this.#handle = openSync(this.#path, left ? "r+" : "wx+", 0o600);
      if (left) this.#resume();
    } catch (error) {
      throw cannotWrite(this.#path, error);
    }
  }

  /** What is missing, chunk by chunk. */
  missing(): Span[] {
    return [...this.#done.keys()]
      .filter((chunk) => this.#done[chunk] === 0)
      .map((chunk) => this.#span(chunk));
  }

  #span(chunk: number): Span {
    const from = chunk * limits.fetchChunkBytes;
    return { from, to: Math.min(from + limits.fetchChunkBytes, this.bytes.length) };
  }

  /** Puts bytes at their place, within a chunk in order: one whose end is written counts as there. */
  write(at: number, part: Uint8Array): void {
    this.bytes.set(part, at);
    const end = at + part.length;
    const first = Math.floor(at / limits.fetchChunkBytes);
    for (let chunk = first; chunk < this.#done.length && this.#span(chunk).to <= end; chunk++) {
      this.#done[chunk] = 1;
      this.#saving.push(this.#save(chunk).catch((error: unknown) => (this.#failure ??= error)));
    }
    this.#hash();
  }

  /** Writes a chunk, then that it is there, and lets the disk begin with it. */
  async #save(chunk: number): Promise<void> {
    const { from, to } = this.#span(chunk);
    for (let at = from; at < to; ) at += await writeAt(this.#handle, this.bytes, at, to - at, at);
    await writeAt(this.#handle, this.#done, chunk, 1, this.bytes.length + chunk);
    await synced(this.#handle);
  }

  /** Hashes what has become whole from the beginning on, while the network is busy with the rest. */
  #hash(): void {
    for (;;) {
      const chunk = this.#hashed / limits.fetchChunkBytes;
      if (!Number.isInteger(chunk) || this.#done[chunk] !== 1) return;
      const { from, to } = this.#span(chunk);
      this.#hasher.update(this.bytes.subarray(from, to));
      this.#hashed = to;
    }
  }

  #resume(): void {
    const size = this.bytes.length;
    readSync(this.#handle, this.#done, 0, this.#done.length, size);
    for (const [chunk, done] of this.#done.entries()) {
      const { from, to } = this.#span(chunk);
      const read = done === 1 ? readSync(this.#handle, this.bytes, from, to - from, from) : 0;
      this.#done[chunk] = read === to - from ? 1 : 0;
    }
    this.#hash();
  }

  /**
   * Moves the whole blob, which is `what` for reports, into the store. Faults: LK0006, LK0105 where the bytes have another
   * digest; it is gone then.
   */
  async finish(what: string): Promise<void> {
    const { target, digest } = this.#options;
    const found = `sha256:${this.#hasher.digest("hex")}`;
    this.#finished = true;
    if (found !== digest) {
      await this.close();
      throw fault("LK0105", `${what} should have digest ${digest}, and what came has ${found}`, {
        hint: "try again; where it stays so, the server gives other bytes than it says: tell whoever runs it",
      });
    }
    await Promise.all(this.#saving);
    try {
      if (this.#failure) throw this.#failure;
      ftruncateSync(this.#handle, this.bytes.length);
      // Waited for on another thread: this one has the tools to load that look at these bytes next.
      await synced(this.#handle);
      mkdirSync(dirname(target), { recursive: true });
      renameSync(this.#path, target);
      syncFolder(dirname(target));
      noteDigest(this.bytes, digest);
    } catch (error) {
      throw cannotWrite(target, error);
    }
  }

  /** Lets go of the file. What was not finished stays for the next attempt, unless nothing was worth keeping. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all(this.#saving);
    closeSync(this.#handle);
    if (this.#finished || !this.#done.includes(1)) rmSync(this.#path, { force: true });
    else if (existsSync(this.#path))
      renameSync(this.#path, join(this.#options.folder, `${basename(this.#options.target)}.0.left`));
  }
}

/** Writes on another thread; answers how many bytes were taken. */
const writeAt = (
  handle: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  place: number,
): Promise<number> =>
  new Promise((resolve, reject) =>
    write(handle, bytes, offset, length, place, (error, count) => (error ? reject(error) : resolve(count))),
  );

const synced = (handle: number): Promise<void> =>
  new Promise((resolve, reject) => fdatasync(handle, (error) => (error ? reject(error) : resolve())));

/** Takes over what an ended process left of a blob; renaming is what only one process can do. */
const claim = (folder: string, hex: string, path: string): boolean => {
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${hex}.`) || isOwned(name)) continue;
    try {
      renameSync(join(folder, name), path);
      return true;
    } catch {
      // Another process was quicker.
    }
  }
  return false;
};

/** Whether the process that a file is named after lives. A number that was given to another only costs a download. */
const isOwned = (name: string): boolean => {
  const pid = Number(name.split(".")[1]);
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
};

/** Removes downloads that nobody went on with. */
export const removeAbandoned = (folder: string): void => {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const info = statSync(path, { throwIfNoEntry: false });
    if (info && !isOwned(name) && Date.now() - info.mtimeMs > limits.partialMsMax)
      rmSync(path, { force: true });
  }
};
