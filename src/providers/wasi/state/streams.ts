import { limits } from "../../../base/limits.ts";
import { ClosedPipe, type OutputSink, type Stdio } from "../../../host/provider.ts";
import { trap } from "./handles.ts";
import { always, type Event, Listeners } from "./poll.ts";

/** Where an input's bytes come from; the standard input of an instance is one. */
export type ByteSource = Pick<Stdio["stdin"], "read">;
/** Where an output's bytes go. */
export type ByteSink = Pick<OutputSink, "write" | "flush">;

/**
 * Bytes asked of a source when a guest only wants to know whether there are any. What is pulled is no longer
 * there for whoever reads the source later, so it is little.
 */
const probeBytes = 1024;

const none = new Uint8Array(0);

/** A byte stream into the guest. Nothing is asked of the source before the guest reads or polls. */
export class Input {
  readonly #source: ByteSource;
  readonly #listeners = new Listeners();
  readonly event: Event;
  #held: Uint8Array = none;
  #pulling = false;
  #ended = false;
  #failure: unknown;

  /** `prompt` says that the source never waits, so polling need not ask it. */
  constructor(source: ByteSource, more: { prompt?: boolean } = {}) {
    this.#source = source;
    this.event = more.prompt
      ? always
      : {
          ready: () => {
            if (!this.#settled) this.#pull(probeBytes);
            return this.#settled;
          },
          listen: (wake) => this.#listeners.add(wake),
        };
  }

  /** At most `max` bytes; none where there are none yet, undefined at the end. Throws what the source threw. */
  read(max: number): Uint8Array | undefined {
    const most = Math.min(max, limits.streamReadBytesMax);
    if (!this.#settled && most > 0) this.#pull(most);
    if (this.#held.length > 0) {
      const bytes = this.#held.subarray(0, most);
      this.#held = this.#held.subarray(most);
      return bytes;
    }
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    return this.#ended ? undefined : none;
  }

  /** Nothing more is read from it, what was already taken from the source included. */
  end(): void {
    this.#ended = true;
    this.#held = none;
    this.#failure = undefined;
    this.#listeners.wakeAll();
  }

  get #settled(): boolean {
    return this.#held.length > 0 || this.#ended;
  }

  #pull(max: number): void {
    if (this.#pulling) return;
    try {
      const answer = this.#source.read(max);
      if (!(answer instanceof Promise)) {
        this.#take(answer);
        return;
      }
      this.#pulling = true;
      answer.then(
        (bytes) => this.#arrive(() => this.#take(bytes)),
        (error) => this.#arrive(() => this.#fail(error)),
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #arrive(take: () => void): void {
    this.#pulling = false;
    if (this.#ended) return;
    take();
    this.#listeners.wakeAll();
  }

  #take(bytes: Uint8Array | undefined): void {
    // A source has no way to say "none yet" but a promise, so an empty answer is an end too.
    if (bytes === undefined || bytes.length === 0) this.#ended = true;
    else this.#held = bytes;
  }

  /** A failed stream is a closed one, once it has said why. */
  #fail(error: unknown): void {
    this.#failure = error;
    this.#ended = true;
  }
}

/**
 * A byte stream out of the guest. A write is handed on whole; while the sink asks to wait, nothing more is
 * accepted, so one window is the most that the host keeps for a slow reader.
 */
export class Output {
  readonly #sink: ByteSink;
  readonly #listeners = new Listeners();
  readonly event: Event = {
    ready: () => !this.#waiting,
    listen: (wake) => this.#listeners.add(wake),
  };
  #waiting = false;
  #closed = false;
  #flushNext = false;
  #failure: unknown;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Bytes that one `write` may bring now; 0 while the sink waits. Throws ClosedPipe, or once what failed. */
  capacity(): number {
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      throw failure;
    }
    if (this.#closed) throw new ClosedPipe("The stream is closed");
    return this.#waiting ? 0 : limits.streamWriteBytesMax;
  }

  write(bytes: Uint8Array): void {
    const capacity = this.capacity();
    if (bytes.length > capacity)
      trap(`The component wrote ${bytes.length} bytes to a stream that permitted ${capacity}`);
    if (bytes.length > 0) this.#hand(() => this.#sink.write(bytes));
  }

  /** Asks for what was written to go out; while that takes time, nothing more is accepted. */
  flush(): void {
    if (this.capacity() > 0) this.#hand(() => this.#sink.flush());
    else this.#flushNext = true;
  }

  #hand(work: () => void | Promise<void>): void {
    try {
      const answer = work();
      if (!(answer instanceof Promise)) return;
      this.#waiting = true;
      answer.then(
        () => this.#settle(),
        (error) => this.#settle(error),
      );
    } catch (error) {
      this.#closed = true;
      throw error;
    }
  }

  #settle(error?: unknown): void {
    this.#waiting = false;
    if (error !== undefined) this.#fail(error);
    else if (this.#flushNext) {
      this.#flushNext = false;
      try {
        this.#hand(() => this.#sink.flush());
      } catch (refusal) {
        this.#fail(refusal);
      }
      if (this.#waiting) return;
    }
    this.#listeners.wakeAll();
  }

  #fail(error: unknown): void {
    this.#closed = true;
    if (!(error instanceof ClosedPipe)) this.#failure = error;
  }
}
