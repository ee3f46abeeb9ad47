import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { plainLine } from "../../base/plain.ts";
import { Splitter, type StreamName, showable, showableLine, streamLevels } from "../../host/lines.ts";
import {
  type InstanceContext,
  type LogLevel,
  type LogRecord,
  type LogSink,
  logLevels,
  type OutputSink,
  type Stdio,
  type Voice,
} from "../../host/provider.ts";

/** `loop:devserver/session#telling` in the JS mapping. */
export interface Telling {
  readonly form: "untouched" | "lines" | "drawn" | "data";
  readonly logs: readonly string[];
}

/** `loop:devserver/session#line` in the JS mapping. */
export interface Line {
  readonly component: string;
  readonly source: "stdout" | "stderr" | "log";
  readonly level: LogLevel;
  readonly text: string;
  readonly fields: ReadonlyArray<readonly [string, string]>;
}

interface Listener {
  line(line: Line): void;
  typing(is: boolean): void;
}

/** loop's own lines, which no filter hides. */
const own = "loop";

/** What a line costs to keep, over its text. */
const lineBytes = 128;

/**
 * What the components of a session write and log, told apart and line by line. Streams wait while what they said is
 * not taken, as at a pipe; log records, which never wait, are counted then. Where the person is to type, whoever draws
 * makes room first, and what is written from then on passes as it is.
 */
export class Voices {
  readonly #stdio: Stdio;
  readonly #form: Telling["form"];
  readonly #levels: ReadonlyMap<string, LogLevel>;
  readonly #told = new Set<Told>();
  /** By component: its instances, one after the other or beside each other, speak with one voice. */
  readonly #voices = new Map<string, Voice>();
  #listener: Listener = { line: () => {}, typing: () => {} };
  #waiting: (() => void)[] = [];
  #unshown: (() => void)[] = [];
  #queuedBytes = 0;
  #dropped = 0;
  #takenMs = performance.now();
  #typing = 0;
  /** Since the application was given the terminal. */
  #given: Promise<void> | undefined;
  #passes = false;
  #hurrying = false;
  #closed = false;

  /** Faults: LK0004 a level that is none. */
  constructor(stdio: Stdio, { form, logs }: Telling) {
    this.#stdio = stdio;
    this.#form = form;
    this.#levels = levelsOf(logs);
  }

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  /** The streams of loop itself, for what it says and asks beside the session's events. */
  own(): Stdio {
    if (this.#form === "untouched") return this.#stdio;
    const { stdin, stdout, stderr } = this.#stdio;
    const alike = (source: StreamName, sink: OutputSink) =>
      this.#tell(own, source, sink, () => sink.isTerminal);
    return {
      stdin: {
        isTerminal: stdin.isTerminal,
        read: async (max) => {
          await this.#makeRoom();
          try {
            return await stdin.read(max);
          } finally {
            this.#takeBack();
          }
        },
      },
      stdout: alike("stdout", stdout),
      stderr: alike("stderr", stderr),
    };
  }

  /** What the application is run with: its voice, and its fillings'. */
  application(identifier: string): Pick<InstanceContext, "stdio" | "log" | "voiceOf"> {
    const { stdin } = this.#stdio;
    const voiceOf = (identifier: string) => this.#voice(nameOf(identifier));
    const { stdout, stderr, log } = voiceOf(identifier);
    const input: Stdio["stdin"] =
      this.#form === "drawn" && stdin.isTerminal
        ? { isTerminal: true, read: async (max) => this.#give().then(() => stdin.read(max)) }
        : {
            isTerminal: stdin.isTerminal,
            read: (max) => {
              this.#settle();
              return stdin.read(max);
            },
          };
    return { stdio: { stdin: input, stdout, stderr }, log, voiceOf };
  }

  /** The application has ended: what it left in the middle of a line is told, and the terminal is taken back. */
  ended(): void {
    this.#settle();
    if (!this.#given) return;
    this.#given = undefined;
    this.#passes = false;
    this.#takeBack();
  }

  /** Some of what was queued was taken: all of it that was told as one event. */
  taken(): void {
    this.#queuedBytes = 0;
    this.#takenMs = performance.now();
    if (this.#dropped > 0) {
      const text = `${this.#dropped} log records were dropped`;
      this.#dropped = 0;
      this.#put({ component: own, source: "log", level: "warn", text, fields: [] });
    }
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Everything was taken, and shown. */
  shown(): void {
    for (const go of this.#unshown.splice(0)) go();
  }

  /** It is to end: nobody waits any more, and what is too much is lost. */
  hurry(): void {
    this.#hurrying = true;
    this.#settle();
    for (const go of [...this.#waiting.splice(0), ...this.#unshown.splice(0)]) go();
  }

  /** Nobody listens any more: what is written passes as it is. */
  close(): void {
    this.hurry();
    this.#closed = true;
  }

  #voice(component: string): Voice {
    const voice = this.#voices.get(component) ?? this.#made(component);
    this.#voices.set(component, voice);
    return voice;
  }

  #made(component: string): Voice {
    const { stdout, stderr } = this.#stdio;
    const level = this.#levelOf(component);
    const sink = (source: StreamName, sink: OutputSink): OutputSink => {
      if (!reaches(streamLevels[source], level))
        return { write() {}, flush() {}, isTerminal: sink.isTerminal };
      return this.#form === "untouched" ? sink : this.#tell(component, source, sink, () => false);
    };
    return {
      stdout: sink("stdout", stdout),
      stderr: sink("stderr", stderr),
      log: this.#log(component, level),
    };
  }

  #log(component: string, level: LogLevel | undefined): LogSink {
    return {
      level: level ?? "error",
      write: (record) => {
        if (!reaches(record.level, level)) return;
        if (this.#queuedBytes > limits.logQueueBytesMax) this.#dropped++;
        else this.#put(this.#lineOf(component, record));
      },
    };
  }

  #lineOf(component: string, { level, message, fields }: LogRecord): Line {
    const told = fields.map(([name, value]) => [this.#safe(name), this.#safe(`${value}`)] as const);
    return {
      component,
      source: "log",
      level,
      text: this.#line(message),
      fields: told,
    };
  }

  #levelOf(component: string): LogLevel | undefined {
    if (this.#levels.size === 0) return "info";
    return this.#levels.get(component) ?? this.#levels.get("*");
  }

  #tell(component: string, source: StreamName, sink: OutputSink, isTerminal: () => boolean): Told {
    const level = streamLevels[source];
    const put = (text: string) => this.#put({ component, source, level, text: this.#safe(text), fields: [] });
    const told = new Told(sink, isTerminal, {
      passes: () => this.#closed || this.#passes,
      put,
      room: () => this.#room(),
    });
    this.#told.add(told);
    return told;
  }

  /** Text that may be shown. */
  #safe(text: string): string {
    return this.#form === "data" ? text : showable(text);
  }

  /** A record is one line, but for those who take it as data. */
  #line(message: string): string {
    return this.#form === "data" ? message : showableLine(message);
  }

  #put(line: Line): void {
    if (this.#hurrying && this.#queuedBytes > limits.logQueueBytesMax) return;
    this.#queuedBytes += lineBytes + line.text.length;
    this.#listener.line(line);
  }

  /**
   * Waits where too much is queued; and, now and then, where something is: what is said before a long computation has
   * to be seen before it.
   */
  #room(): Promise<void> | undefined {
    if (this.#hurrying || this.#queuedBytes === 0) return undefined;
    const full = this.#queuedBytes > limits.logQueueBytesMax;
    if (!full && performance.now() - this.#takenMs < limits.devUnseenMs) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #settle(): void {
    for (const told of this.#told) told.settle();
  }

  /** The application has the terminal, until it ends. */
  #give(): Promise<void> {
    this.#given ??= this.#makeRoom().then(() => {
      this.#passes = true;
    });
    return this.#given;
  }

  async #makeRoom(): Promise<void> {
    if (this.#hurrying) return;
    this.#settle();
    if (this.#form !== "drawn") return;
    if (this.#typing++ > 0) return;
    const shown = new Promise<void>((resolve) => this.#unshown.push(resolve));
    this.#listener.typing(true);
    await shown;
  }

  #takeBack(): void {
    if (this.#form !== "drawn" || this.#typing === 0) return;
    if (--this.#typing === 0) this.#listener.typing(false);
  }
}

/** A stream that is told line by line. */
class Told implements OutputSink {
  readonly #sink: OutputSink;
  readonly #isTerminal: () => boolean;
  readonly #how: {
    passes(): boolean;
    put(text: string): void;
    room(): Promise<void> | undefined;
  };
  readonly #splitter = new Splitter();
  #quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(
    sink: OutputSink,
    isTerminal: () => boolean,
    how: { passes(): boolean; put(text: string): void; room(): Promise<void> | undefined },
  ) {
    this.#sink = sink;
    this.#isTerminal = isTerminal;
    this.#how = how;
  }

  get isTerminal(): boolean {
    return this.#isTerminal();
  }

  write(bytes: Uint8Array): void | Promise<void> {
    if (this.#how.passes()) return this.#sink.write(bytes);
    for (const line of this.#splitter.push(bytes)) this.#how.put(line);
    clearTimeout(this.#quiet);
    if (this.#splitter.open) this.#quiet = setTimeout(() => this.settle(), limits.devPartMs);
    return this.#how.room();
  }

  flush(): void | Promise<void> {
    return this.#how.passes() ? this.#sink.flush() : undefined;
  }

  /** Tells what stands in the middle of a line. */
  settle(): void {
    clearTimeout(this.#quiet);
    for (const line of this.#splitter.settle()) this.#how.put(line);
  }
}

const reaches = (level: LogLevel, least: LogLevel | undefined): boolean =>
  least !== undefined && logLevels.indexOf(level) >= logLevels.indexOf(least);

/** What was written after --log. Faults: LK0004. */
const levelsOf = (logs: readonly string[]): ReadonlyMap<string, LogLevel> =>
  new Map(
    logs
      .flatMap((text) => text.split(","))
      .map((text): [string, LogLevel] => {
        const [name = "", level = "info", ...more] = text.trim().split("=");
        if (name === "" || more.length > 0 || !logLevels.includes(level as LogLevel))
          throw fault(
            "LK0004",
            `Lines are chosen by COMPONENT or COMPONENT=LEVEL, a level is one of ${logLevels.join(", ")}, and "${plainLine(text, limits.shownLengthMax)}" was written`,
            { hint: "loop dev --log app=debug" },
          );
        return [name, level as LogLevel];
      }),
  );

/** What a component is called by: the name of its file, or its last part. */
export const nameOf = (identifier: string): string => {
  const last = identifier
    .split(/[/\\]/)
    .at(-1)!
    .replace(/[@?#].*$/, "");
  const parts = last.split(":");
  const part = identifier.includes("://") ? parts[0]! : parts.at(-1)!;
  return (
    plainLine(part.replace(/\.wasm$/, ""), limits.shownNameMax) || plainLine(identifier, limits.shownNameMax)
  );
};

/** Now, in the person's time zone: 2026-11-21T04:05:06+01:00. */
export const localTime = (now = new Date()): string => {
  const minutes = -now.getTimezoneOffset();
  const clock = new Date(now.getTime() + minutes * 60_000).toISOString().slice(0, 19);
  const two = (value: number) => `${Math.trunc(Math.abs(value))}`.padStart(2, "0");
  return `${clock}${minutes < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
};
