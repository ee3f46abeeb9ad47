import {
  type BigIntStats,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { errno } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { again } from "./again.ts";
import { Fd } from "./descriptor.ts";
import { Budget } from "./handles.ts";
import { refusal } from "./refusal.ts";
import type { ByteSink, ByteSource } from "./streams.ts";
import { type NewTime, setTimes } from "./times.ts";

/** How a file was opened, and whether its grant allows changes to what it says of itself. */
export interface FileMode {
  readonly read: boolean;
  readonly write: boolean;
  /** O_SYNC, O_DSYNC or both, as they were asked for. */
  readonly sync: number;
  readonly mutable: boolean;
}

/** What one instance has open, so that all of it is closed when the instance is dropped. */
export class OpenFiles {
  readonly entries = new Budget("folder entries", limits.directoryEntriesMax);
  readonly #budget = new Budget("open files", limits.openFilesMax);
  readonly #closes = new Set<() => void>();
  #closed = false;

  /**
   * Opens something and counts it; the answer closes it, once. EMFILE beyond `openFilesMax`, EBADF when all was
   * closed: a guest that outlives its instance opens nothing more.
   */
  keep<T extends { close(): void }>(open: () => T): { opened: T; close: () => void } {
    if (this.#closed) throw refusal("EBADF", "the instance is dropped");
    if (!this.#budget.tryTake()) throw refusal("EMFILE", "too many open files");
    try {
      const opened = open();
      const closeOnce = () => {
        if (!this.#closes.delete(closeOnce)) return;
        this.#budget.give();
        opened.close();
      };
      this.#closes.add(closeOnce);
      return { opened, close: closeOnce };
    } catch (error) {
      this.#budget.give();
      throw error;
    }
  }

  get count(): number {
    return this.#budget.held;
  }

  closeAll(): void {
    this.#closed = true;
    for (const close of [...this.#closes]) close();
  }
}

/** Positions beyond this are beyond every file system, and beyond what node:fs takes exactly. */
const positionMax = BigInt(Number.MAX_SAFE_INTEGER);
const signedMax = 2n ** 63n - 1n;

/** An open file, whatever its kind, but no folder. Its descriptor lives until the last user lets go. */
export class OpenFile {
  readonly mode: FileMode;
  /** Whether it has positions; pipes and terminals have none. */
  readonly seekable: boolean;
  /** The granted folder, by the host's path, below which it was opened. */
  readonly origin: string;
  readonly #fd: Fd;
  readonly #files: OpenFiles;
  readonly #close: () => void;
  #users = 1;

  constructor(files: OpenFiles, fd: Fd, close: () => void, mode: FileMode, origin: string) {
    this.origin = origin;
    this.#files = files;
    this.#fd = fd;
    this.#close = close;
    this.mode = mode;
    const stats = fstatSync(fd.number);
    this.seekable = stats.isFile() || stats.isBlockDevice();
  }

  /** A stream goes on when the descriptor that it came from is dropped. */
  retain(): this {
    this.#users += 1;
    return this;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#close();
  }

  /** The same open file for another instance, which counts it as its own. EMFILE beyond `openFilesMax`. */
  sharedWith(files: OpenFiles, mutable: boolean): OpenFile {
    const { opened, close } = files.keep(() => this.#fd.again());
    return new OpenFile(files, opened, close, { ...this.mode, mutable }, this.origin);
  }

  /** Whether what it says of itself may be changed. */
  get mutable(): boolean {
    return this.mode.mutable;
  }

  /** Where it lies now, as `Fd.place`. */
  get place(): string | undefined {
    return this.#fd.place;
  }

  stat(): BigIntStats {
    return fstatSync(this.#fd.number, { bigint: true });
  }

  /** Bytes from `offset`, at most `streamReadBytesMax`; fewer near the end, none at it. EBADF if not readable. */
  read(length: bigint, offset: bigint): Uint8Array {
    this.checkRead();
    const position = this.#position(offset);
    // Nothing lies beyond the last position that can be named.
    if (position === undefined) return new Uint8Array(0);
    const max = length > limits.streamReadBytesMax ? limits.streamReadBytesMax : Number(length);
    const buffer = new Uint8Array(max);
    return buffer.subarray(0, readSync(this.#fd.number, buffer, 0, max, this.seekable ? position : null));
  }

  /** Bytes written from `offset`, which may lie beyond the end. EBADF if not writable, EFBIG too far out. */
  write(bytes: Uint8Array, offset: bigint): number {
    this.checkWrite();
    const position = this.#position(offset);
    if (position === undefined) throw refusal("EFBIG", "file too large");
    return writeSync(this.#fd.number, bytes, 0, bytes.length, this.seekable ? position : null);
  }

  /** EINVAL where it was not opened to be written, as ftruncate has it. */
  setSize(size: bigint): void {
    if (!this.mode.write) throw refusal("EINVAL", "not opened to be written");
    const length = this.#position(size);
    if (length === undefined) throw refusal("EFBIG", "file too large");
    ftruncateSync(this.#fd.number, length);
  }

  setTimes(access: NewTime, modified: NewTime): void {
    if (!this.mode.mutable) throw refusal("EROFS", "the folder was granted read-only", "writing");
    setTimes({ fd: this.#fd.number }, access, modified);
  }

  /** Does nothing for what was not opened to be written. */
  sync(what: "data" | "all"): void {
    if (!this.mode.write) return;
    if (what === "data") fdatasyncSync(this.#fd.number);
    else fsyncSync(this.#fd.number);
  }

  /** The bytes from `offset` on; it never waits where the file has positions. */
  source(offset: bigint): ByteSource {
    this.checkRead();
    let at = offset;
    const next = (max: number): Uint8Array | undefined => {
      const bytes = this.read(BigInt(max), at);
      at += BigInt(bytes.length);
      return bytes.length === 0 ? undefined : bytes;
    };
    return { read: (max) => promptly(() => next(max)) };
  }

  /** Writes from `offset` on. */
  sink(offset: bigint): ByteSink {
    this.checkWrite();
    let at = offset;
    return {
      flush() {},
      write: (bytes) =>
        writeAll(bytes, (rest) => {
          const count = this.write(rest, at);
          at += BigInt(count);
          return count;
        }),
    };
  }

  /** Writes at the end, wherever that is by then. `close` when done. */
  appender(): ByteSink & { close(): void } {
    this.checkWrite();
    const own = this.#reopened();
    const fd = own?.opened ?? this.#fd;
    return {
      flush() {},
      close: () => own?.close(),
      write: (bytes) =>
        writeAll(bytes, (rest) => {
          const end = own || !this.seekable ? null : fstatSync(fd.number).size;
          return writeSync(fd.number, rest, 0, rest.length, end);
        }),
    };
  }

  checkRead(): void {
    if (!this.mode.read) throw refusal("EBADF", "not opened to be read");
  }

  checkWrite(): void {
    if (!this.mode.write) throw refusal("EBADF", "not opened to be written");
  }

  /**
   * The same file with O_APPEND, so that the system finds the end, other writers or not. Undefined where the
   * system cannot open it again; then the end is asked for before each write.
   */
  #reopened() {
    if (process.platform !== "linux" || !this.seekable) return undefined;
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | this.mode.sync;
    const path = `/proc/self/fd/${this.#fd.number}`;
    try {
      return this.#files.keep(() => new Fd(openSync(path, flags)));
    } catch (error) {
      if (errno(error) === "EMFILE") throw error;
      return undefined;
    }
  }

  #position(offset: bigint): number | undefined {
    if (offset > signedMax) throw refusal("EINVAL", "invalid offset");
    return offset > positionMax ? undefined : Number(offset);
  }
}

/** Tries at once; where the system says EAGAIN, as pipes do, tries again later. */
const promptly = <T>(work: () => T): T | Promise<T> => {
  try {
    return work();
  } catch (error) {
    if (errno(error) !== "EAGAIN") throw error;
    return again(work);
  }
};

const writeAll = (bytes: Uint8Array, write: (rest: Uint8Array) => number): void | Promise<void> => {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += write(bytes.subarray(at));
    } catch (error) {
      if (errno(error) !== "EAGAIN") throw error;
      return writeLater(bytes.slice(at), write);
    }
  }
};

const writeLater = async (bytes: Uint8Array, write: (rest: Uint8Array) => number): Promise<void> => {
  for (let at = 0; at < bytes.length; ) at += await again(() => write(bytes.subarray(at)));
};
