// WASI 0.2's own words over state/: one file a package, wasi:io here, whose classes the others make their streams
// and pollables of. Owns the JS mapping and the declared errors; refuses to decide anything; called by index.ts.
import { declared, errno } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { ClosedPipe } from "../../../host/provider.ts";
import { type Budget, Handle, trap } from "../state/handles.ts";
import { after, type Event, type Waits } from "../state/poll.ts";
import type { Input, Output } from "../state/streams.ts";

/** What the resources of one instance share. */
export interface Held {
  readonly handles: Budget;
  readonly waits: Waits;
}

/** `error` of wasi:io/error. */
export class IoError extends Handle {
  readonly cause: Error;

  constructor(held: Held, cause: Error) {
    super(held.handles);
    this.cause = cause;
  }

  /** The system's own words without the host's paths, which are none of the guest's business. */
  toDebugString(): string {
    return this.cause.message.replace(/, [a-z]+( '.*)?$/s, "");
  }
}

/** `pollable` of wasi:io/poll. */
export class Pollable extends Handle {
  readonly event: Event;
  readonly #waits: Waits;

  constructor(held: Held, event: Event) {
    super(held.handles);
    this.event = event;
    this.#waits = held.waits;
  }

  ready(): boolean {
    return this.event.ready();
  }

  block(): void | Promise<void> {
    return this.#waits.until(this.event);
  }
}

/** `input-stream` of wasi:io/streams. */
export class InputStream extends Handle {
  readonly #held: Held;
  readonly #input: Input;
  readonly #let: (() => void) | undefined;

  constructor(held: Held, input: Input, letGo?: () => void) {
    super(held.handles);
    this.#held = held;
    this.#input = input;
    this.#let = letGo;
  }

  get event(): Event {
    return this.#input.event;
  }

  read(length: bigint): Uint8Array {
    return streamed(this.#held, () => this.take(bounded(length)));
  }

  blockingRead(length: bigint): Uint8Array | Promise<Uint8Array> {
    // Reading first asks the source for what the guest wants, where waiting alone would ask for a probe.
    const bytes = this.read(length);
    if (bytes.length > 0 || length === 0n) return bytes;
    return after(this.#held.waits.until(this.event), () => this.read(length));
  }

  skip(length: bigint): bigint {
    return BigInt(this.read(length).length);
  }

  blockingSkip(length: bigint): bigint | Promise<bigint> {
    return after(this.blockingRead(length), (bytes) => BigInt(bytes.length));
  }

  subscribe(): Pollable {
    return new Pollable(this.#held, this.event);
  }

  /** At most `max` bytes; `closed` at the end. */
  take(max: number): Uint8Array {
    const bytes = this.#input.read(max);
    if (bytes === undefined) throw closed();
    return bytes;
  }

  protected override release(): void {
    this.#let?.();
  }
}

/** An `input-stream` of a component that stands in a capability's place. */
interface Foreign {
  read(length: bigint): Uint8Array | Promise<Uint8Array>;
  blockingRead(length: bigint): Uint8Array | Promise<Uint8Array>;
}

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** What a `blocking-write-and-flush` may bring at most, by its contract. */
const blockingWriteBytesMax = 4096;

/** `output-stream` of wasi:io/streams. */
export class OutputStream extends Handle {
  readonly #held: Held;
  readonly #output: Output;
  readonly #let: (() => void) | undefined;

  constructor(held: Held, output: Output, letGo?: () => void) {
    super(held.handles);
    this.#held = held;
    this.#output = output;
    this.#let = letGo;
  }

  checkWrite(): bigint {
    return streamed(this.#held, () => BigInt(this.#output.capacity()));
  }

  write(contents: Uint8Array): void {
    streamed(this.#held, () => this.#output.write(contents));
  }

  blockingWriteAndFlush(contents: Uint8Array): void | Promise<void> {
    if (contents.length > blockingWriteBytesMax)
      trap(`The component passed ${contents.length} bytes to a write that takes ${blockingWriteBytesMax}`);
    return this.#whenFree(() => {
      this.write(contents);
      return this.#flushed();
    });
  }

  flush(): void {
    streamed(this.#held, () => this.#output.flush());
  }

  blockingFlush(): void | Promise<void> {
    return this.#flushed();
  }

  subscribe(): Pollable {
    return new Pollable(this.#held, this.#output.event);
  }

  writeZeroes(length: bigint): void {
    const capacity = streamed(this.#held, () => this.#output.capacity());
    if (length > capacity)
      trap(`The component wrote ${length} zeroes to a stream that permitted ${capacity} bytes`);
    this.write(new Uint8Array(Number(length)));
  }

  blockingWriteZeroesAndFlush(length: bigint): void | Promise<void> {
    if (length > blockingWriteBytesMax)
      trap(`The component passed ${length} zeroes to a write that takes ${blockingWriteBytesMax}`);
    return this.blockingWriteAndFlush(new Uint8Array(Number(length)));
  }

  splice(source: InputStream | Foreign, length: bigint): bigint {
    return streamed(this.#held, () => {
      const max = Math.min(this.#output.capacity(), bounded(length));
      // A component that serves a capability has streams of its own, which are read as any guest reads them.
      const bytes = source instanceof InputStream ? source.take(max) : (source as Foreign).read(BigInt(max));
      if (bytes instanceof Promise)
        return trap("The component spliced from a stream of another's that waits");
      this.#output.write(bytes);
      return BigInt(bytes.length);
    });
  }

  blockingSplice(source: InputStream | Foreign, length: bigint): bigint | Promise<bigint> {
    if (!(source instanceof InputStream))
      return this.#whenFree<bigint>(() =>
        after<Uint8Array, bigint>(
          (source as Foreign).blockingRead(least(length, this.checkWrite())),
          (bytes) => {
            this.write(bytes);
            return BigInt(bytes.length);
          },
        ),
      );
    return this.#whenFree(() => {
      // As blockingRead: waiting alone would ask for a probe, and every piece be as small.
      const spliced = this.splice(source, length);
      if (spliced > 0n || length === 0n) return spliced;
      return after(this.#held.waits.until(source.event), () => this.splice(source, length));
    });
  }

  /** Works once a write is taken. Two who wait are woken together, and the first may fill the stream again. */
  #whenFree<T>(work: () => T | Promise<T>): T | Promise<T> {
    const { event } = this.#output;
    if (event.ready()) return work();
    return after(this.#held.waits.until(event), () => this.#whenFree(work));
  }

  /** Until all that was written has gone out; says then what went wrong on the way. */
  #flushed(): void | Promise<void> {
    return this.#whenFree(() => {
      this.flush();
      return this.#whenFree(() => void this.checkWrite());
    });
  }

  protected override release(): void {
    this.#let?.();
  }
}

/** A guest's length as a number that the host can allocate. */
const bounded = (length: bigint): number =>
  length > limits.streamReadBytesMax ? limits.streamReadBytesMax : Number(length);

const closed = () => declared({ tag: "closed" });

/** Runs a stream's operation; what the system refuses becomes a stream-error, a bug stays one. */
const streamed = <T>(held: Held, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    if (error instanceof ClosedPipe) throw closed();
    if (errno(error) === undefined) throw error;
    throw declared({ tag: "last-operation-failed", val: new IoError(held, error as Error) });
  }
};

export const io = (held: Held) => ({
  error: { Error: IoError },
  poll: {
    Pollable,
    poll(pollables: readonly Pollable[]): Uint32Array | Promise<Uint32Array> {
      const ready = held.waits.poll(pollables.map((pollable) => pollable.event));
      return after(ready, (indices) => Uint32Array.from(indices));
    },
  },
  streams: { InputStream, OutputStream },
});
