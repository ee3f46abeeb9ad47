import { waveFault } from "./node.ts";

/** A token of WAVE's grammar, with its offsets in the text; `end` is one past its last unit. */
export interface Token {
  readonly kind:
    | "{"
    | "}"
    | "("
    | ")"
    | "["
    | "]"
    | ":"
    | ","
    | "number"
    | "label"
    | "char"
    | "string"
    | "multiline"
    | "end";
  readonly start: number;
  readonly end: number;
}

const word = "(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*)";
const laterWord = "(?:[a-z0-9]+|[A-Z0-9]+)";
export const labelPattern = `%?${word}(?:-${laterWord})*`;

const skipped = /(?:[ \t\n\r]+|\/\/[^\n]*)*/y;
const symbols = /[{}()[\]:,]/y;
// The lookahead refuses "12abc", "01" and "1.": two tokens to a machine, one mistake to a person.
const number = /-inf(?![a-zA-Z0-9-])|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![a-zA-Z0-9.])/y;
const label = new RegExp(`${labelPattern}(?![a-zA-Z0-9-])`, "y");
const char = /'(?:[^\\'\n]+|\\u\{[^}'\n]*\}|\\[^\n])'/y;
const string = /"[^\\"\n]*(?:\\[^\n][^\\"\n]*)*"/y;
const multiline = /"""[\s\S]*?"""/y;

const patterns: readonly (readonly [RegExp, Token["kind"]])[] = [
  [number, "number"],
  [label, "label"],
  [multiline, "multiline"],
  [string, "string"],
  [char, "char"],
];

const matchAt = (pattern: RegExp, text: string, at: number): string | undefined => {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
};

/** The token at or after `at`, past white space and comments. LK0205 where there is none. */
export const nextToken = (text: string, at: number): Token => {
  const start = at + (matchAt(skipped, text, at)?.length ?? 0);
  if (start >= text.length) return { kind: "end", start: text.length, end: text.length };
  if (matchAt(symbols, text, start)) return { kind: text[start] as Token["kind"], start, end: start + 1 };
  for (const [pattern, kind] of patterns) {
    // An opened triple quote is never an empty string followed by something.
    if (kind === "string" && text.startsWith('"""', start)) continue;
    const found = matchAt(pattern, text, start);
    if (found) return { kind, start, end: start + found.length };
  }
  throw waveFault("LK0205", { text, start, end: start + 1 }, unreadable(text, start), {
    hint: hintFor(text, start),
  });
};

const unreadable = (text: string, start: number): string => {
  const rest = text.slice(start, start + 24);
  if (rest.startsWith('"')) return "a string is opened and not closed on its line";
  if (rest.startsWith("'")) return "a char is one character between single quotes";
  if (/^-?[0-9]/.test(rest)) return `${/^[-+.\w]+/.exec(rest)?.[0]} is not a number of WAVE`;
  const written = /^[\w-]{2,}/.exec(rest)?.[0] ?? String.fromCodePoint(text.codePointAt(start)!);
  return `${written} has no meaning in WAVE`;
};

const hintFor = (text: string, start: number): string | undefined => {
  if (text[start] === '"') return 'Write \\n for a line end and \\" for a quote inside a string';
  if (text[start] === "'") return 'Strings are written "in double quotes"';
  if (/^-?[0-9]/.test(text.slice(start))) return "Write numbers in base ten: 42, -7, 2.5, 6.02e23";
  if (/^[a-zA-Z_]/.test(text.slice(start)))
    return "Names are words joined by hyphens: some-name (texts need double quotes)";
  return undefined;
};
