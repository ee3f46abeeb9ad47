import { limits } from "../../base/limits.ts";
import { Splitter, showable } from "../lines.ts";
import type { OutputSink } from "../provider.ts";

/**
 * Passes on what a sidecar says on standard error, a line at a time and under its name, so that nobody takes it for
 * loop's own. Whoever reads it slowly, or not at all, holds no sidecar up: what is too much is left out and counted.
 */
export const passLines = async (
  stream: ReadableStream<Uint8Array>,
  name: string,
  sink: OutputSink,
): Promise<void> => {
  const splitter = new Splitter();
  const lines = new Lines(name, sink);
  try {
    for await (const piece of stream) {
      lines.put(splitter.push(piece));
      // One that never stops would leave no time for anything else, not even for the deadline that ends it.
      await new Promise((resolve) => setImmediate(resolve));
    }
  } catch {
    // A pipe that breaks has ended.
  }
  lines.put(splitter.settle());
};

class Lines {
  readonly #name: string;
  readonly #sink: OutputSink;
  readonly #encoder = new TextEncoder();
  #waitingBytes = 0;
  #leftOut = 0;

  constructor(name: string, sink: OutputSink) {
    this.#name = name;
    this.#sink = sink;
  }

  put(lines: readonly string[]): void {
    if (lines.length === 0) return;
    if (this.#waitingBytes > limits.logQueueBytesMax) {
      this.#leftOut += lines.length;
      return;
    }
    const more = this.#leftOut > 0 ? [`${this.#leftOut} lines were left out`] : [];
    this.#leftOut = 0;
    this.#write(this.#encoder.encode([...more, ...lines].map((line) => this.#named(line)).join("")));
  }

  #named(line: string): string {
    return `${this.#name}: ${showable(line)}\n`;
  }

  #write(bytes: Uint8Array): void {
    this.#waitingBytes += bytes.length;
    const written = () => {
      this.#waitingBytes -= bytes.length;
    };
    try {
      // Where nobody reads standard error any more there is nowhere to say so.
      Promise.resolve(this.#sink.write(bytes)).then(written, written);
    } catch {
      written();
    }
  }
}
