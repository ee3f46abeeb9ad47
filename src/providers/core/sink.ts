import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import {
  ClosedPipe,
  type LogLevel,
  type LogRecord,
  type LogSink,
  type OutputSink,
} from "../../host/provider.ts";

export interface StderrSinkOptions {
  /** Whose log it is: one line names it. */
  readonly component: string;
  /** "human" (the default): one line for a person; "json": one JSON object a line. */
  readonly form?: "human" | "json";
  readonly level?: LogLevel;
  /** Milliseconds since 1970, for the JSON form. */
  readonly now?: () => number;
}

/**
 * A log on an output stream, one line a record. It never waits: while the stream asks to wait, lines are kept
 * up to a bound, and what comes beyond is dropped and counted in a line of its own.
 */
export const stderrSink = (output: Pick<OutputSink, "write">, options: StderrSinkOptions): LogSink => {
  const line = options.form === "json" ? jsonLine(options) : humanLine(options);
  const queue = new LineQueue(output, (dropped) =>
    line({ level: "warn", message: "Log messages were dropped", fields: [["dropped", dropped]] }),
  );
  return { level: options.level ?? "info", write: (record) => queue.put(line(record)) };
};

const jsonLine =
  ({ component, now = Date.now }: StderrSinkOptions) =>
  ({ level, message, fields }: LogRecord): string =>
    // Fields apart, so that none can pretend to be the level or the component; pairs, so that none hides another.
    `${JSON.stringify({
      time: new Date(now()).toISOString(),
      level,
      component,
      message,
      fields: fields.map(([name, value]) => [name, jsonValue(value)]),
    })}\n`;

/** JSON has no 64-bit integers and no infinities; those become text rather than something else. */
const jsonValue = (value: LogRecord["fields"][number][1]): string | number | boolean => {
  if (typeof value === "bigint")
    return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  return typeof value === "number" && !Number.isFinite(value) ? `${value}` : value;
};

const humanLine =
  ({ component }: StderrSinkOptions) =>
  ({ level, message, fields }: LogRecord): string => {
    const shown = fields.map(([name, value]) => ` ${plain(name)}=${humanValue(value)}`).join("");
    return `${level.padEnd(5)} ${plain(component)}: ${plain(message)}${shown}\n`;
  };

const humanValue = (value: LogRecord["fields"][number][1]): string => {
  if (typeof value !== "string") return `${value}`;
  return /^[^\s"=\\\p{C}]+$/u.test(value) ? value : `"${plain(value).replaceAll('"', '\\"')}"`;
};

/** Control and format characters escaped: a guest's text cannot forge a line or drive the terminal. */
const plain = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });

const encoder = new TextEncoder();

class LineQueue {
  readonly #output: Pick<OutputSink, "write">;
  readonly #droppedLine: (count: number) => string;
  #kept: Uint8Array[] = [];
  #keptBytes = 0;
  #dropped = 0;
  #waiting = false;
  #closed = false;

  constructor(output: Pick<OutputSink, "write">, droppedLine: (count: number) => string) {
    this.#output = output;
    this.#droppedLine = droppedLine;
  }

  put(line: string): void {
    if (this.#closed) return;
    const bytes = encoder.encode(line);
    if (!this.#waiting) this.#write(bytes);
    else this.#keep(bytes);
  }

  #keep(bytes: Uint8Array): void {
    if (this.#dropped > 0 || this.#keptBytes + bytes.length > limits.logQueueBytesMax) {
      this.#dropped++;
      return;
    }
    this.#kept.push(bytes);
    this.#keptBytes += bytes.length;
  }

  #write(bytes: Uint8Array): void {
    try {
      const answer = this.#output.write(bytes);
      if (!(answer instanceof Promise)) return;
      this.#waiting = true;
      answer.then(
        () => this.#drain(),
        (error) => this.#close(error),
      );
    } catch (error) {
      this.#close(error);
    }
  }

  #drain(): void {
    this.#waiting = false;
    const kept = this.#kept;
    if (this.#dropped > 0) kept.push(encoder.encode(this.#droppedLine(this.#dropped)));
    this.#kept = [];
    this.#keptBytes = 0;
    this.#dropped = 0;
    if (kept.length > 0) this.#write(Buffer.concat(kept));
  }

  /** A log that cannot be written is no reason to fail: nothing more is written. */
  #close(error: unknown): void {
    this.#closed = true;
    this.#kept = [];
    if (!(error instanceof ClosedPipe || error instanceof Fault)) throw error;
  }
}
