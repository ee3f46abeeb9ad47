import { limits } from "../../base/limits.ts";
import type { Event } from "../../host/provider.ts";
import { Refusal } from "./refusal.ts";

// The component's ends of a child's pipes. Knows no WIT.

/** Whom to tell when something changed. */
export class Wakes {
  readonly #wakes = new Set<() => void>();

  listen(wake: () => void): () => void {
    // Two who wait with one function are still two.
    const own = () => wake();
    this.#wakes.add(own);
    return () => void this.#wakes.delete(own);
  }

  all(): void {
    const wakes = [...this.#wakes];
    this.#wakes.clear();
    for (const wake of wakes) wake();
  }
}

/**
 * A child's output. One chunk at a time is taken from the pipe and none before somebody asks, so a child whose
 * output nobody reads waits, and one chunk is the most that the host holds.
 */
export class OutputPipe implements Event {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #wakes = new Wakes();
  #held: Uint8Array = new Uint8Array(0);
  #ended = false;
  #pulling: Promise<void> | undefined;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** At least one and at most `max` bytes; undefined at the end. */
  async read(max: number): Promise<Uint8Array | undefined> {
    const most = Math.min(max, limits.childReadBytesMax);
    if (most === 0) return new Uint8Array(0);
    while (this.#held.length === 0 && !this.#ended) await this.#pull();
    if (this.#held.length === 0) return undefined;
    const bytes = this.#held.subarray(0, most);
    this.#held = this.#held.subarray(most);
    return bytes;
  }

  ready(): boolean {
    if (this.#held.length === 0 && !this.#ended) void this.#pull();
    return this.#held.length > 0 || this.#ended;
  }

  listen(wake: () => void): () => void {
    return this.#wakes.listen(wake);
  }

  /** Nobody reads any more: the child gets a broken pipe. */
  close(): void {
    this.#ended = true;
    this.#reader.cancel().catch(() => {});
    this.#wakes.all();
  }

  #pull(): Promise<void> {
    this.#pulling ??= this.#reader
      .read()
      .then(({ value, done }) => {
        if (value) this.#held = value;
        if (done) this.#ended = true;
      })
      // A pipe that breaks has ended: what a child has to say of its failure is its status.
      .catch(() => {
        this.#ended = true;
      })
      .finally(() => {
        this.#pulling = undefined;
        this.#wakes.all();
      });
    return this.#pulling;
  }
}

/** What Bun gives for a piped standard input. */
export type ByteSink = Pick<Bun.FileSink, "write" | "flush" | "end">;

/** A child's input. One write is on its way at a time; the next waits until the child's pipe took it. */
export class InputPipe implements Event {
  readonly #sink: ByteSink;
  readonly #wakes = new Wakes();
  #pending: Promise<void> | undefined;
  #closed = false;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Takes all of `bytes`, which the caller may reuse. Refusals: invalid (too many), closed. */
  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length > limits.childWriteBytesMax)
      throw new Refusal("invalid", `At most ${limits.childWriteBytesMax} bytes are taken at once`);
    const copy = bytes.slice();
    await this.flush();
    if (copy.length > 0) this.#start(copy);
  }

  async flush(): Promise<void> {
    while (this.#pending) await this.#pending;
    if (this.#closed) throw new Refusal("closed", "Nobody reads");
  }

  ready(): boolean {
    return this.#pending === undefined;
  }

  listen(wake: () => void): () => void {
    return this.#wakes.listen(wake);
  }

  async end(): Promise<void> {
    await this.flush();
    this.close();
  }

  /** Ends the child's input once what was written is taken. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const end = () => Promise.resolve(this.#sink.end()).catch(() => {});
    if (this.#pending) this.#pending.then(end);
    else end();
  }

  #start(bytes: Uint8Array): void {
    // Bun may answer before the pipe took everything; its flush does not.
    this.#pending = (async () => {
      await this.#sink.write(bytes);
      await this.#sink.flush();
    })()
      .catch(() => {
        this.#closed = true;
      })
      .finally(() => {
        this.#pending = undefined;
        this.#wakes.all();
      });
  }
}
