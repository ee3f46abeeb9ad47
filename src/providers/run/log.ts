import { limits } from "../../base/limits.ts";
import { GuestExit, type OutputSink } from "../../host/provider.ts";

/** Lines of a server that never wait and never fail: while their reader is slow some are kept, the rest are counted. */
export class Lines {
  readonly #sink: OutputSink;
  readonly #gone: () => void;
  #waitingBytes = 0;
  #dropped = 0;

  /** `gone` is told once when nobody reads any more. */
  constructor(sink: OutputSink, gone: () => void = () => {}) {
    this.#sink = sink;
    this.#gone = gone;
  }

  write(text: string): void {
    const bytes = new TextEncoder().encode(text);
    if (this.#waitingBytes + bytes.length > limits.logQueueBytesMax) {
      this.#dropped++;
      return;
    }
    try {
      const waiting = this.#sink.write(bytes);
      if (!(waiting instanceof Promise)) return;
      this.#waitingBytes += bytes.length;
      waiting.then(
        () => this.#drained(bytes.length),
        (error) => this.#failed(error),
      );
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Lines that could not be kept since this was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #drained(bytes: number): void {
    this.#waitingBytes -= bytes;
  }

  /** A full disk stops no server; a reader that went away is the end of one that is there for its log. */
  #failed(error: unknown): void {
    this.#waitingBytes = 0;
    if (error instanceof GuestExit) this.#gone();
  }
}
