// How the shipped commands lay text out. Guest code, bundled into each of them; it imports only WIT.

import { columns, styled } from "loop:cli/terminal@0.1.0";
import type { Fault } from "loop:cli/types@0.1.0";

/** A WIT err of `loop:cli/command#run`: thrown, it becomes the fault that the person reads. */
export const fault = (code: string, message: string, hint?: string): Fault => ({
  code,
  message,
  hint,
  causes: [],
});

/** 1093797 → "1.1 MB"; decimal units, as file managers show them. */
export const size = (bytes: number | bigint): string => {
  const units = ["B", "kB", "MB", "GB"];
  let value = Number(bytes);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
};

/** 820 → "820 ms", 4210 → "4.2 s". */
export const duration = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);

const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** What a component, a file or a registry may have written, without what would move the cursor; line ends stay. */
const plain = (text: string): string =>
  text.replace(unsafe, (character) => (character === "\n" ? character : " "));

export const bold = (text: string): string => (styled() ? `\x1b[1m${plain(text)}\x1b[22m` : plain(text));
export const dim = (text: string): string => (styled() ? `\x1b[2m${plain(text)}\x1b[22m` : plain(text));

/**
 * Rows as aligned columns, two spaces apart, the last one wrapped to a terminal, and below the others where it is
 * too narrow; each line ends in "\n". Cells carry no styles: they may be a component's own words.
 */
export const table = (given: readonly (readonly string[])[], indent = ""): string => {
  const rows = given.map((row) => row.map((cell) => cell.replace(unsafe, " ")));
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count - 1 }, (_, at) =>
    Math.max(...rows.map((row) => (row[at] ?? "").length)),
  );
  const width = columns();
  const beside = indent.length + widths.reduce((sum, width) => sum + width + 2, 0);
  const below = width > 0 && width - beside < 24;
  const left = below ? indent.length + 4 : beside;
  return rows
    .map((row) => {
      const cells = widths.map((width, at) => (row[at] ?? "").padEnd(width));
      const last = wrap(row[count - 1] ?? "", width === 0 ? Infinity : Math.max(1, width - left));
      if (below && last.join("") !== "") last.unshift("");
      const head = indent + [...cells, last[0] ?? ""].join("  ");
      return [head, ...last.slice(1).map((line) => " ".repeat(left) + line)]
        .map((line) => `${line.trimEnd()}\n`)
        .join("");
    })
    .join("");
};

const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  return [...lines, line];
};

export const json = (value: unknown): string =>
  `${JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? Number(inner) : inner), 2)}\n`;
