import { limits } from "../base/limits.ts";
import { plain } from "../base/plain.ts";
import type { LogLevel } from "./provider.ts";

// What components and programs write, told as lines: put together from pieces, and made fit to be shown beside others.

/** What a line of a stream counts as, where lines are chosen by level. */
export const streamLevels = { stdout: "info", stderr: "warn" } as const satisfies Record<string, LogLevel>;
export type StreamName = keyof typeof streamLevels;

/** Puts lines together from what is written, a piece at a time. Lines without end are cut. */
export class Splitter {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The lines that are whole now. */
  push(bytes: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop()!;
    const whole = lines.flatMap((line) => cut(line.replace(/\r$/, "")));
    for (; this.#rest.length > limits.logTextMax; this.#rest = this.#rest.slice(limits.logTextMax))
      whole.push(...cut(this.#rest.slice(0, limits.logTextMax)));
    return whole;
  }

  /** Whether it stands in the middle of a line. */
  get open(): boolean {
    return this.#rest !== "";
  }

  /** What stands in the middle of a line, where something can be seen of it. */
  settle(): string[] {
    const rest = this.#rest;
    this.#rest = "";
    return withoutSequences(overwritten(rest)) === "" ? [] : cut(rest);
  }
}

const cut = (line: string): string[] => {
  const text = overwritten(line);
  const pieces = [text.slice(0, limits.logTextMax)];
  for (let at = limits.logTextMax; at < text.length; at += limits.logTextMax)
    pieces.push(text.slice(at, at + limits.logTextMax));
  return pieces;
};

/** A line that was written over is told as it was at last. */
const overwritten = (line: string): string => line.slice(line.lastIndexOf("\r") + 1);

/** CSI, then strings (OSC, DCS and their like) with their ends, then what other escapes there are. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const sequences = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]/g;

const withoutSequences = (text: string): string => text.replace(sequences, "").replaceAll("\t", "    ");

/** Text that may be shown: without escape sequences, and nothing else in it that moves a cursor; line ends stay. */
export const showable = (text: string): string => plain(withoutSequences(text));

/** The same as one line, whatever is in it: what begins a line is never a guest's. */
export const showableLine = (text: string): string => showable(text).replaceAll("\n", "\\n");
