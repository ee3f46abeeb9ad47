import { type Span, waveFault } from "./node.ts";

const escapes: Readonly<Record<string, string>> = {
  "'": "'",
  '"': '"',
  "\\": "\\",
  t: "\t",
  n: "\n",
  r: "\r",
};

/** Decodes escapes in `text` from `start` to `end`; positions serve the faults (LK0205). */
export const unescaped = (text: string, start: number, end: number): string => {
  let value = "";
  for (let at = start; at < end; ) {
    const next = text.indexOf("\\", at);
    if (next < 0 || next >= end) return wellFormed(value + text.slice(at, end), { text, start, end });
    value += text.slice(at, next);
    const { char, length } = escapeAt(text, next, end);
    value += char;
    at = next + length;
  }
  return wellFormed(value, { text, start, end });
};

const escapeAt = (text: string, at: number, end: number): { char: string; length: number } => {
  const span = { text, start: at, end: at + 2 };
  const simple = escapes[text[at + 1] ?? ""];
  if (simple !== undefined && at + 1 < end) return { char: simple, length: 2 };
  const unicode = /^\\u\{([0-9a-fA-F]{1,6})\}/.exec(text.slice(at, Math.min(end, at + 10)));
  if (!unicode)
    throw waveFault("LK0205", span, "this escape does not exist", {
      hint: "The escapes are \\' \\\" \\\\ \\t \\n \\r and \\u{1F600}",
    });
  const scalar = Number.parseInt(unicode[1]!, 16);
  if (scalar > 0x10ffff || (scalar >= 0xd800 && scalar <= 0xdfff))
    throw waveFault("LK0205", span, `U+${unicode[1]!.toUpperCase()} is no Unicode scalar value`);
  return { char: String.fromCodePoint(scalar), length: unicode[0].length };
};

/** Half a surrogate pair can reach us from JavaScript, and no component can take it. */
const wellFormed = (value: string, span: Span): string => {
  if (value.isWellFormed()) return value;
  throw waveFault("LK0205", span, "this text holds half a surrogate pair");
};

/**
 * Decodes a multi-line string from the offsets of its opening and closing quotes. The spaces before the closing
 * quotes are taken off every line; the first and the last line break are not part of the value.
 */
export const multilineValue = (text: string, start: number, end: number): string => {
  const inner = text.slice(start + 3, end - 3);
  const closing = { text, start: end - 3, end };
  const lines = inner.split("\n");
  if (lines.length < 2 || !/^\r?$/.test(lines[0]!))
    throw waveFault("LK0205", { text, start, end: start + 3 }, 'a line break must follow the opening """');
  const indent = lines.pop()!;
  if (!/^ *$/.test(indent))
    throw waveFault("LK0205", closing, 'only spaces may stand before the closing """ on its line');
  let at = start + 3 + lines[0]!.length + 1;
  const values: string[] = [];
  for (const line of lines.slice(1)) {
    if (!line.startsWith(indent))
      throw waveFault(
        "LK0205",
        { text, start: at, end: at + 1 },
        'this line is indented less than its closing """',
      );
    const length = line.endsWith("\r") ? line.length - 1 : line.length;
    values.push(unescaped(text, at + indent.length, at + Math.max(length, indent.length)));
    at += line.length + 1;
  }
  return values.join("\n");
};
