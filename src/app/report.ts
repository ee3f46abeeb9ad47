import { type Cause, DeclaredError, Fault } from "../base/fault.ts";
import { plain } from "../base/plain.ts";
import type { Part } from "../base/timings.ts";
import { causeText } from "../host/crossing.ts";
import { GuestExit } from "../host/provider.ts";
import { paint } from "./style.ts";

// How errors and timings read; `main.ts` alone prints them.

export interface Report {
  /** For standard error; with --json the document for standard output instead. */
  readonly text: string;
  readonly exitCode: number;
}

const interruptedExit = 130;
const bugExit = 70;

/** The text and the exit code for whatever ended the program. */
export const reportError = (error: unknown, json: boolean, styled: boolean): Report => {
  // A reader of standard output that went away ends a program without a word.
  if (error instanceof GuestExit) return { text: "", exitCode: error.exitCode };
  const explained = explainError(error, styled);
  const text = json ? `${JSON.stringify({ error: explained.document }, null, 2)}\n` : explained.text;
  if (error instanceof Fault) return { text, exitCode: error.code === "LK0005" ? interruptedExit : 1 };
  return { text, exitCode: bugExit };
};

/** An error as it is printed for a person, and as the fields of a document for programs. */
export const explainError = (error: unknown, styled: boolean): Explained =>
  error instanceof Fault
    ? { text: faultText(error, styled), document: faultDocument(error) }
    : { text: bugText(error, styled), document: bugDocument(error) };

export interface Explained {
  readonly text: string;
  readonly document: object;
}

const faultText = (error: Fault, styled: boolean): string => {
  const { bold, red, dim } = paint(styled);
  // A guest may have written the text: it must not move the cursor.
  const lines = [`${red(bold(`error[${plain(error.code)}]`))}: ${plain(error.message)}`];
  for (const cause of causesOf(error)) lines.push(dim(`  ${plain(causeText(cause))}`));
  if (error.hint) lines.push(`${bold("hint")}: ${plain(error.hint)}`);
  return `${lines.join("\n")}\n`;
};

/** Layers from the innermost outwards, without one that repeats the layer before. */
const causesOf = (error: Fault): Cause[] =>
  error.causes.filter((cause, at, all) => at === 0 || causeText(cause) !== causeText(all[at - 1]!));

const faultDocument = (error: Fault): object => ({
  kind: "fault",
  code: error.code,
  title: error.title,
  message: error.message,
  hint: error.hint,
  causes: causesOf(error),
});

const bugText = (error: unknown, styled: boolean): string => {
  const { bold, red } = paint(styled);
  return [
    `${red(bold("bug"))}: ${messageOf(error)}`,
    stackOf(error),
    "",
    "This is a fault in loop itself; please report it, with the command and the text above",
    "",
  ].join("\n");
};

const bugDocument = (error: unknown): object => ({
  kind: "bug",
  message: messageOf(error),
  stack: stackOf(error),
});

const messageOf = (error: unknown): string => {
  if (error instanceof DeclaredError) return `A WIT err left its guest: ${error.message}`;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
};

const stackOf = (error: unknown): string =>
  error instanceof Error && error.stack ? error.stack.split("\n").slice(1).join("\n") : "";

/** `--timings`: parts in the order in which they began, a part that lies within another one indented. */
export const timingsText = (parts: readonly Part[], totalMs: number): string => {
  const ordered = [...parts].sort((a, b) => a.startMs - b.startMs || b.durationMs - a.durationMs);
  const open: Part[] = [];
  const rows = ordered.map((part) => {
    while (open.length > 0 && endOf(open.at(-1)!) < endOf(part) - 0.001) open.pop();
    const row = `${milliseconds(part.durationMs)}  ${"  ".repeat(open.length)}${part.name}`;
    open.push(part);
    return row;
  });
  return `${[...rows, `${milliseconds(totalMs)}  in all`].join("\n")}\n`;
};

const endOf = ({ startMs, durationMs }: Part): number => startMs + durationMs;
const milliseconds = (ms: number): string => `${ms.toFixed(1).padStart(8)} ms`;
