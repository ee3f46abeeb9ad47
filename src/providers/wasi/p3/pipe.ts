// WASI 0.3's own words over state/: one file a package, and here what all of them share, the streams and futures of
// the asynchronous component model. Owns the JS mapping and the declared errors; refuses to decide anything; called
// by the providers beside it, by those of wasi3.ts.
import { limits } from "../../../base/limits.ts";
import type { Held } from "../p2/io.ts";
import { type Event, Listeners } from "../state/poll.ts";
import type { ByteSink, ByteSource } from "../state/streams.ts";

/** A guest's stream in the host's hands: its readable end, as the linker lifts it. */
export interface GuestStream<T = number> {
  /**
   * At most `count` items, once there are some; `done` where the writer is gone and nothing is left. Where the writer
   * has more than `rejectLength` to give it is told that nobody reads any more, and `rejectedLength` says how many.
   */
  read(options: { readonly count: number; readonly rejectLength?: number }): Promise<{
    readonly value?: ArrayLike<T> | T | undefined;
    readonly done: boolean;
    readonly rejectedLength?: number | undefined;
  }>;
  /** Lets go of it: whoever writes learns that nobody reads any more. */
  [Symbol.dispose](): void;
}

/** A guest's future in the host's hands. Rejected where the guest let go of it without an answer. */
export type GuestFuture<T> = PromiseLike<T>;

/** Lets go of a future: it is read and forgotten, so that its writer does not wait for ever. */
export const letGo = (future: GuestFuture<unknown>): void => {
  future.then(
    () => {},
    () => {},
  );
};

/** A `result` inside another value, in the JS mapping. */
export type Outcome<Err> = { readonly tag: "ok"; readonly val?: undefined } | Failed<Err>;
export interface Failed<Err> {
  readonly tag: "err";
  readonly val: Err;
}

/** What is under way between one instance and the host; it ends with the instance. */
export class Transit {
  readonly #ends = new Set<() => void>();
  #ended = false;

  /** Registers what must end; the answer takes it off again. */
  hold(end: () => void): () => void {
    if (this.#ended) end();
    else this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  /** The instance is gone: what ends now does not end because its guest wanted it to. */
  get ended(): boolean {
    return this.#ended;
  }

  endAll(): void {
    this.#ended = true;
    for (const end of [...this.#ends]) end();
    this.#ends.clear();
  }
}

/** What every adapter of an instance needs. */
export interface Holding extends Held {
  readonly transit: Transit;
}

/** A sink that was told how much will come. */
interface Measured {
  readonly room?: number | undefined;
  refuse?(bytes: number): never;
}

/** Hands all of a guest's bytes to a sink, at the sink's pace. Throws what the sink throws; lets go of the stream. */
export const drainInto = async (
  { transit }: Holding,
  data: GuestStream,
  sink: ByteSink & Measured,
): Promise<void> => {
  const release = transit.hold(() => data[Symbol.dispose]());
  try {
    for (;;) {
      const { room } = sink;
      const { value, done, rejectedLength } = await data.read({
        count: limits.asyncReadBytesMax,
        ...(room !== undefined && { rejectLength: room }),
      });
      if (rejectedLength !== undefined) sink.refuse?.(rejectedLength);
      if (done || value === undefined) break;
      const answer = sink.write(typeof value === "number" ? Uint8Array.of(value) : Uint8Array.from(value));
      if (answer instanceof Promise) await answer;
    }
    await sink.flush();
  } finally {
    release();
    data[Symbol.dispose]();
  }
};

/**
 * A source as a guest reads it, and the future that says how it ended. `errorOf` gives the err for what the source
 * threw; undefined for a bug, which ends the guest. `onDone` is called once, however it ends.
 */
export const streamOut = <Err>(
  { transit }: Holding,
  source: ByteSource,
  errorOf: (error: unknown) => Err | undefined,
  onDone: () => void = () => {},
): [AsyncIterable<Uint8Array>, Promise<Outcome<Err>>] => {
  const max = limits.asyncReadBytesMax;
  return produced(
    transit,
    async () => {
      const bytes = await source.read(max);
      // It goes on being read while the guest holds it: a source may use its buffer again.
      return bytes && bytes.length > 0 ? bytes : undefined;
    },
    errorOf,
    onDone,
  );
};

/** One read of a guest's, which it may take back (`stream.cancel-read`). */
export class Reading {
  /** How many items it takes at most; undefined where the linker does not say. */
  readonly count: number | undefined;
  readonly #listeners = new Listeners();
  #withdrawn = false;
  readonly withdrawn: Event = {
    ready: () => this.#withdrawn,
    listen: (wake) => this.#listeners.add(wake),
  };

  constructor(count: number | undefined) {
    this.count = count;
  }

  withdraw(): void {
    this.#withdrawn = true;
    this.#listeners.wakeAll();
  }
}

/**
 * As `streamOut`, for whatever `next` makes one after the other, ending with undefined. Of a read that was withdrawn
 * undefined is no end: what others may take is left to them.
 */
export const produced = <T, Err>(
  transit: Transit,
  next: (reading: Reading) => Promise<T | undefined>,
  errorOf: (error: unknown) => Err | undefined,
  onDone: () => void = () => {},
): [AsyncIterable<T>, Promise<Outcome<Err>>] => {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome<Err>>();
  // Nobody may ask how it ended.
  promise.catch(() => {});
  let over = false;
  const finish = (settle: () => void) => {
    if (over) return;
    over = true;
    release();
    onDone();
    settle();
  };
  const ended = () => finish(() => resolve({ tag: "ok" }));
  const release = transit.hold(ended);
  const end = { done: true as const, value: undefined };
  let reading = new Reading(undefined);
  const iterator: Producing<T> = {
    [Symbol.asyncIterator]: () => iterator as AsyncIterator<T>,
    async next(count) {
      if (over) return end;
      const own = new Reading(count);
      reading = own;
      try {
        const value = await next(own);
        if (value !== undefined && !over) return { done: false, value };
        if (own.withdrawn.ready() && !over) return { done: false, value: undefined };
        ended();
      } catch (error) {
        const err = errorOf(error);
        finish(() => (err === undefined ? reject(error) : resolve({ tag: "err", val: err })));
      }
      return end;
    },
    async return() {
      ended();
      return end;
    },
    cancel: () => reading.withdraw(),
  };
  return [iterator, promise];
};

/** What a guest reads, as the linker asks for it (host/glue.ts): told how much is wanted, and of a read that is taken back. */
interface Producing<T> extends AsyncIterable<T> {
  next(count?: number): Promise<{ readonly done: boolean; readonly value: T | undefined }>;
  return(): Promise<{ readonly done: true; readonly value: undefined }>;
  cancel(): void;
}

/** How work ended, for a future: its err where it failed as designed; a bug rejects. */
export const outcome = async <Err>(
  work: Promise<unknown>,
  errorOf: (error: unknown) => Err | undefined,
): Promise<Outcome<Err>> => {
  try {
    await work;
    return { tag: "ok" };
  } catch (error) {
    const val = errorOf(error);
    if (val === undefined) throw error;
    return { tag: "err", val };
  }
};
