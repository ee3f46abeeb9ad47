import { limits } from "../../base/limits.ts";
import { Splitter, type StreamName, showableLine, streamLevels } from "../../host/lines.ts";
import type { LogRecord, OutputSink, Voice } from "../../host/provider.ts";
import { type Moment, Ring } from "./ring.ts";

/** `loop:control/processes#line` as it is kept and sent. */
export interface Line {
  readonly at: number;
  readonly kind: "log" | "swap" | "lost" | StreamName;
  readonly level: string;
  readonly component: string;
  readonly message: string;
}

/** A record of `loop:core/log` as a line. */
export const logLine = (
  component: string,
  level: string,
  message: string,
  fields: LogRecord["fields"],
): Omit<Line, "at"> => ({
  kind: "log",
  level,
  component,
  message: [message, ...fields.map(([name, value]) => `${name}=${value}`)].join(" "),
});

/** The last of what was said in this process, and who wants to hear more. It costs little while nobody does. */
export class Journal {
  readonly #said: (Line & Moment)[] = [];
  readonly #streams = new Map<string, Stream>();
  readonly #listeners = new Set<(line: Line) => void>();
  #order = 0;
  #speaker: Stream | undefined;
  #spokenAt = 0;

  /** What was said until now; what has no end yet as well, unless its end is still to be told to a listener. */
  lines(listening: boolean): Line[] {
    const streams = [...this.#streams.values()].flatMap((stream) => stream.lines(listening));
    return [...this.#said.slice(-limits.controlLinesMax), ...streams]
      .sort((a, b) => a.order - b.order)
      .map(({ order: _, ...line }) => line);
  }

  add(line: Omit<Line, "at">): void {
    this.#speaker = undefined;
    const kept = { ...fit(line), at: Date.now() };
    this.#said.push({ ...kept, order: ++this.#order });
    // Seldom, and many at once: each time would move all of them.
    if (this.#said.length >= 2 * limits.controlLinesMax)
      this.#said.splice(0, this.#said.length - limits.controlLinesMax);
    this.#tell(kept);
  }

  /** What a component writes passes as it is, and its last bytes are kept. */
  hear(
    component: string,
    { stdout, stderr }: Pick<Voice, "stdout" | "stderr">,
  ): Pick<Voice, "stdout" | "stderr"> {
    return {
      stdout: this.#heard(component, "stdout", stdout),
      stderr: this.#heard(component, "stderr", stderr),
    };
  }

  /** The answer ends it. */
  listen(listener: (line: Line) => void): () => void {
    if (this.#listeners.size === 0) for (const stream of this.#streams.values()) stream.follow(true);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) for (const stream of this.#streams.values()) stream.follow(false);
    };
  }

  /** Instances of a component, one after the other or beside each other, write one stream. */
  #heard(component: string, name: StreamName, sink: OutputSink): OutputSink {
    const key = `${name} ${component}`;
    const known = this.#streams.get(key);
    if (!known && this.#streams.size >= limits.controlStreamsMax) return sink;
    const stream = known ?? new Stream(component, name, this);
    this.#streams.set(key, stream);
    if (!known && this.#listeners.size > 0) stream.follow(true);
    return new Heard(sink, stream);
  }

  /** A moment of its own for what was written after something else, or later. */
  momentOf(stream: Stream): Moment | undefined {
    const at = Date.now();
    if (this.#speaker === stream && at === this.#spokenAt) return undefined;
    this.#speaker = stream;
    this.#spokenAt = at;
    return { order: ++this.#order, at };
  }

  tell(line: Omit<Line, "at">): void {
    this.#tell({ ...line, at: Date.now() });
  }

  #tell(line: Line): void {
    for (const listener of this.#listeners) listener(line);
  }
}

const fit = <T extends { readonly message: string }>(line: T): T => ({
  ...line,
  message: showableLine(line.message).slice(0, limits.controlMessageLengthMax),
});

/** One stream of one component. */
class Stream {
  /** From its first byte on. */
  #ring: Ring | undefined;
  readonly #journal: Pick<Journal, "momentOf" | "tell">;
  readonly #like: Pick<Line, "component" | "kind" | "level">;
  /** While somebody listens. */
  #splitter: Splitter | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(component: string, name: StreamName, journal: Pick<Journal, "momentOf" | "tell">) {
    this.#like = { component, kind: name, level: streamLevels[name] };
    this.#journal = journal;
  }

  take(bytes: Uint8Array): void {
    this.#ring ??= new Ring();
    this.#ring.write(bytes, this.#journal.momentOf(this));
    if (this.#splitter) this.#follow(this.#splitter, bytes);
  }

  #follow(splitter: Splitter, bytes: Uint8Array): void {
    this.#pass(splitter.push(bytes));
    clearTimeout(this.#quiet);
    if (!splitter.open) return;
    this.#quiet = setTimeout(() => this.#pass(splitter.settle()), limits.devPartMs);
    this.#quiet.unref();
  }

  /** From now on lines are told as they come, beginning with one that has begun. */
  follow(is: boolean): void {
    clearTimeout(this.#quiet);
    this.#splitter = is ? new Splitter() : undefined;
    if (this.#ring) this.#splitter?.push(this.#ring.openBytes());
  }

  lines(listening: boolean): (Line & Moment)[] {
    const open = !listening || this.#splitter?.open === false;
    return (this.#ring?.lines(open) ?? []).map(({ line, ...moment }) => ({ ...this.#line(line), ...moment }));
  }

  #pass(lines: readonly string[]): void {
    for (const line of lines) this.#journal.tell(this.#line(line));
  }

  #line(message: string): Omit<Line, "at"> {
    return fit({ ...this.#like, message });
  }
}

/** Nothing of it is noticed by who writes, nor by who reads. */
class Heard implements OutputSink {
  readonly #sink: OutputSink;
  readonly #stream: Stream;

  constructor(sink: OutputSink, stream: Stream) {
    this.#sink = sink;
    this.#stream = stream;
  }

  get isTerminal(): boolean {
    return this.#sink.isTerminal;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#stream.take(bytes);
    return this.#sink.write(bytes);
  }

  flush(): void | Promise<void> {
    return this.#sink.flush();
  }
}
