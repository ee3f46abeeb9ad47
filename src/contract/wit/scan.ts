// What a WIT text declares at its outer levels, without parsing what is inside: enough to put the files of
// several packages together. Everything else is for wasm-tools to judge.

export interface Token {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Half-open range of a text. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

export interface Block {
  /** "wasi:cli@0.2.12"; undefined for what stands in a file that names no package. */
  readonly package: string | undefined;
  /** The declaration itself: `package a:b;`, or `package a:b {` and its closing brace. */
  readonly syntax: readonly Extent[];
  readonly extent: Extent;
  readonly worlds: readonly string[];
  readonly interfaces: readonly string[];
  /** Top-level `use` statements, normalised, with their places. */
  readonly uses: readonly (Extent & { readonly statement: string })[];
}

const tokenPattern = /\s+|\/\/[^\n]*|%?[A-Za-z][A-Za-z0-9-]*|[\s\S]/g;

/** Tokens without white space and comments. Block comments nest, as WIT says. */
export const tokensOf = (text: string): Token[] => {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  for (let match = tokenPattern.exec(text); match; match = tokenPattern.exec(text)) {
    const start = match.index;
    if (text.startsWith("/*", start)) {
      tokenPattern.lastIndex = commentEnd(text, start);
      continue;
    }
    if (/^(?:\s|\/\/)/.test(match[0])) continue;
    tokens.push({ text: match[0], start, end: start + match[0].length });
  }
  return tokens;
};

const commentEnd = (text: string, start: number): number => {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    if (text.startsWith("/*", at)) depth++;
    else if (text.startsWith("*/", at) && --depth === 0) return at + 2;
  }
  return text.length;
};

interface OpenBlock {
  package: string | undefined;
  syntax: Extent[];
  worlds: string[];
  interfaces: string[];
  uses: (Extent & { statement: string })[];
  start: number;
}

const openBlock = (name: string | undefined, start: number, syntax: Extent[]): OpenBlock => ({
  package: name,
  syntax,
  worlds: [],
  interfaces: [],
  uses: [],
  start,
});

/** The blocks of a file: the file itself first, then the packages nested in it. */
export const scan = (text: string): Block[] => {
  const tokens = tokensOf(text);
  const outer = openBlock(undefined, 0, []);
  const blocks: Block[] = [];
  let current = outer;
  let depth = 0;
  const level = () => (current === outer ? 0 : 1);
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.text === "{") depth++;
    else if (token.text === "}") {
      depth--;
      if (depth < level()) {
        current.syntax.push(token);
        blocks.push(closed(current, token.end));
        current = outer;
      }
    } else if (depth === level() && isStatementStart(tokens, at)) {
      if (token.text === "package") {
        const { name, last } = packageName(text, tokens, at);
        const closing = tokens[last];
        const syntax = { start: token.start, end: closing?.end ?? text.length };
        if (closing?.text === "{" && current === outer) current = openBlock(name, token.start, [syntax]);
        else if (closing?.text !== "{") {
          outer.package = name;
          outer.syntax.push(syntax);
        }
        if (closing?.text === "{") depth++;
        at = last;
      } else if (token.text === "use") at = takeUse(text, tokens, at, current);
      else if (token.text === "world" || token.text === "interface")
        current[`${token.text}s`].push(tokens[at + 1]?.text.replace(/^%/, "") ?? "");
    }
  }
  return [closed(outer, text.length), ...blocks];
};

const closed = (block: OpenBlock, end: number): Block => ({
  package: block.package,
  syntax: block.syntax,
  worlds: block.worlds,
  interfaces: block.interfaces,
  uses: block.uses,
  extent: { start: block.start, end },
});

/** Keywords count at the start of a statement only: after another one, or after an attribute's parenthesis. */
const isStatementStart = (tokens: readonly Token[], at: number): boolean =>
  at === 0 || [";", "{", "}", ")"].includes(tokens[at - 1]!.text);

const packageName = (text: string, tokens: readonly Token[], at: number): { name: string; last: number } => {
  let last = at + 1;
  while (last < tokens.length && tokens[last]!.text !== ";" && tokens[last]!.text !== "{") last++;
  const name = text.slice(tokens[at]!.end, tokens[last]?.start).replaceAll(/[\s%]/g, "");
  return { name, last };
};

const takeUse = (text: string, tokens: readonly Token[], at: number, block: OpenBlock): number => {
  let last = at;
  while (last < tokens.length - 1 && tokens[last]!.text !== ";") last++;
  const [start, end] = [tokens[at]!.start, tokens[last]!.end];
  block.uses.push({ start, end, statement: text.slice(start, end).replaceAll(/\s+/g, " ") });
  return last;
};
