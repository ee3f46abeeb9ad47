import { limits } from "../../../base/limits.ts";
import { ClosedPipe } from "../../../host/provider.ts";
import type { ByteSink, ByteSource } from "./streams.ts";

/**
 * Bytes on their way from one side to another, in memory and bounded: a writer is told to wait once
 * `pipeBytesMax` lie here, or more where it was widened. Each side may end it; the other then learns of it.
 */
export class Queue implements ByteSource, ByteSink {
  #chunks: Uint8Array[] = [];
  #length = 0;
  #most: number = limits.pipeBytesMax;
  #ended = false;
  #failure: unknown;
  #cancelled = false;
  #reader: (() => void) | undefined;
  #writers: (() => void)[] = [];
  /** Called once when the reading side says that it wants no more. */
  onCancel: (() => void) | undefined;

  /** Bytes that lie here. */
  get length(): number {
    return this.#length;
  }

  /** The writing side is done, well or not. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The writing side gave up. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** Takes all; a promise asks to wait until there is room. ClosedPipe where nobody reads any more. */
  write(bytes: Uint8Array): void | Promise<void> {
    return this.push(bytes.slice());
  }

  /** As `write`, for bytes that nobody else changes: they are kept without a copy. */
  push(bytes: Uint8Array): void | Promise<void> {
    if (this.#cancelled) throw new ClosedPipe("Nobody reads the bytes any more");
    if (this.#ended || bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
    this.#wakeReader();
    if (this.#length >= this.#most) return this.#room();
  }

  /** A writer was told to wait. */
  get full(): boolean {
    return this.#writers.length > 0;
  }

  /** Room for so many more bytes than before. */
  widen(bytes: number): void {
    this.#most += bytes;
    if (this.#length < this.#most) this.#wakeWriters();
  }

  /** What was written is with the other side as soon as it lies here. */
  flush(): void | Promise<void> {
    if (this.#length >= this.#most && !this.#cancelled) return this.#room();
  }

  /** No more bytes; what lies here is still read. */
  end(): void {
    this.#ended = true;
    this.#wakeReader();
  }

  /** As `end`, and whoever has read the rest is told why there is no more. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#failure = error;
    this.end();
  }

  /** The reading side wants no more; writers learn that the pipe is closed. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#chunks = [];
    this.#length = 0;
    this.#wakeWriters();
    this.#wakeReader();
    this.onCancel?.();
  }

  read(max: number): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.#length > 0) return this.#take(max);
    if (this.#ended || this.#cancelled) return this.#last();
    return new Promise((resolve, reject) => {
      this.#reader = () => {
        try {
          resolve(this.#length > 0 ? this.#take(max) : this.#last());
        } catch (error) {
          reject(error);
        }
      };
    });
  }

  /** All that lies here, in one piece. */
  takeAll(): Uint8Array {
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : new Uint8Array(Buffer.concat(this.#chunks));
    this.#chunks = [];
    this.#length = 0;
    this.#wakeWriters();
    return all;
  }

  #last(): undefined {
    if (this.#failure === undefined) return undefined;
    const failure = this.#failure;
    this.#failure = undefined;
    throw failure;
  }

  #take(max: number): Uint8Array {
    const first = this.#chunks[0]!;
    const bytes = first.length <= max ? first : first.subarray(0, max);
    if (bytes === first) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(max);
    this.#length -= bytes.length;
    if (this.#length < this.#most) this.#wakeWriters();
    return bytes;
  }

  #room(): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#writers.push(() =>
        this.#cancelled ? reject(new ClosedPipe("Nobody reads the bytes any more")) : resolve(),
      ),
    );
  }

  #wakeReader(): void {
    const wake = this.#reader;
    this.#reader = undefined;
    wake?.();
  }

  #wakeWriters(): void {
    for (const wake of this.#writers.splice(0)) wake();
  }
}
