const width = 72;

/**
 * A place in a text for a person: line and column (both from 1, in characters) and the line with a caret below
 * the place, cut to a terminal's width.
 */
export const excerpt = (text: string, offset: number): { line: number; column: number; lines: string } => {
  const lineStart = text.lastIndexOf("\n", offset - 1) + 1;
  const lineEnd = text.indexOf("\n", offset);
  const before = [...text.slice(lineStart, offset)];
  const whole = [...text.slice(lineStart, lineEnd < 0 ? undefined : lineEnd)];
  const from = Math.max(0, before.length - width / 2);
  const shown = whole
    .slice(from, from + width)
    .join("")
    .replace(/\p{Cc}/gu, " ");
  return {
    line: text.slice(0, lineStart).split("\n").length,
    column: before.length + 1,
    lines: `  ${shown}\n  ${" ".repeat(before.length - from)}^`,
  };
};
