import { limits } from "../../base/limits.ts";
import { plain } from "../../base/plain.ts";
import type { LogRecord } from "../../host/provider.ts";

/** `loop:control/processes#line` as it is kept and sent. */
export interface Line {
  readonly at: number;
  readonly kind: "log" | "swap" | "lost";
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

/** The last of what was said in this process, and who wants to hear more. It costs nothing while nothing is said. */
export class Journal {
  readonly #lines: Line[] = [];
  readonly #listeners = new Set<(line: Line) => void>();

  get lines(): readonly Line[] {
    return this.#lines;
  }

  add(line: Omit<Line, "at">): void {
    const message = plain(line.message).slice(0, limits.controlMessageLengthMax);
    const kept = { at: Date.now(), ...line, message };
    this.#lines.push(kept);
    // Seldom, and many at once: each time would move all of them.
    if (this.#lines.length >= 2 * limits.controlLinesMax)
      this.#lines.splice(0, this.#lines.length - limits.controlLinesMax);
    for (const listener of this.#listeners) listener(kept);
  }

  /** The answer ends it. */
  listen(listener: (line: Line) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
