import { limits } from "../../base/limits.ts";
import { Refusal } from "./refusal.ts";

// The gate before SQLite. bun:sqlite has no authorizer, so what a guest's statement may do is settled by its words
// before SQLite sees it: only statements that begin as listed here, one at a time. Words are found by SQLite's own
// rules (tokenize.c); where this and SQLite could differ, the statement is refused.

interface Token {
  /** "word" bare, "name" in "…", `…` or […], "text" in '…', "sign" a single other character. */
  readonly kind: "word" | "name" | "text" | "sign";
  /** Without quotes, doubled quotes as they stand; lower case. */
  readonly text: string;
  readonly end: number;
}

const first: Readonly<Record<string, readonly string[] | undefined>> = {
  select: undefined,
  values: undefined,
  with: undefined,
  insert: undefined,
  replace: undefined,
  update: undefined,
  delete: undefined,
  create: ["table", "index", "unique", "view", "trigger"],
  drop: ["table", "index", "view", "trigger"],
  alter: ["table"],
};

const allowed = Object.keys(first)
  .map((word) => word.toUpperCase())
  .join(", ");

/**
 * What reaches beyond the database by a name, in whatever quotes: table-valued pragmas (they tell host paths),
 * native libraries, tokenizers given by address, and the table of the key-value interface.
 */
const barred = /pragma_|load_extension|fts3_tokenizer|sqlite_dbpage|writable_schema|loop_key_value/i;

/** The one statement in `text` without what follows it, fit for SQLite. Refusals: denied, invalid, too-large. */
export const checkStatement = (text: string): string => {
  if (Buffer.byteLength(text) > limits.storageStatementBytesMax)
    throw new Refusal("too-large", `A statement has at most ${limits.storageStatementBytesMax} bytes`);
  // SQLite stops reading at a NUL.
  if (text.includes("\0")) throw new Refusal("invalid", "The statement has a NUL");
  const name = barred.exec(text)?.[0];
  if (name) throw new Refusal("denied", `A statement may not name ${name}; a value goes into a parameter`);
  const tokens = tokensOf(text);
  requireKnown(tokens);
  requireOwnSchema(tokens);
  return text.slice(0, requireOne(tokens));
};

const requireKnown = ([head, next]: readonly Token[]): void => {
  if (!head) throw new Refusal("invalid", "There is no statement");
  const word = head.kind === "word" ? head.text : "";
  if (!Object.hasOwn(first, word))
    throw new Refusal(
      "denied",
      word === "begin" || word === "commit" || word === "rollback" || word === "savepoint"
        ? `${word.toUpperCase()} is not for statements; a transaction is begun with loop:storage/sql#begin`
        : `A statement begins with one of ${allowed}`,
    );
  const seconds = first[word];
  if (seconds && !(next?.kind === "word" && seconds.includes(next.text)))
    throw new Refusal(
      "denied",
      `${word.toUpperCase()} is followed by one of ${seconds.map((second) => second.toUpperCase()).join(", ")}`,
    );
};

/** Temporary tables lie outside the database and its quota. */
const requireOwnSchema = (tokens: readonly Token[]): void => {
  for (const [at, { kind, text }] of tokens.entries())
    if (kind !== "sign" && text === "temp" && tokens[at + 1]?.text === "." && tokens[at + 1]?.kind === "sign")
      throw new Refusal("denied", "There are no temporary tables, so nothing is named temp.…");
};

/**
 * The end of the one statement. The body of a trigger has semicolons of its own and ends with "; END", as
 * sqlite3_complete has it.
 */
const requireOne = (tokens: readonly Token[]): number => {
  const trigger = tokens[0]!.text === "create" && tokens[1]?.text === "trigger";
  let last = -1;
  for (const [at, token] of tokens.entries()) {
    if (!isSemicolon(token)) continue;
    const closes = trigger ? isWord(tokens[at - 1], "end") && isSemicolon(tokens[at - 2]) : true;
    if (!closes) continue;
    last = at - 1;
    break;
  }
  if (last < 0) last = tokens.length - 1;
  if (trigger && !isWord(tokens[last], "end")) throw new Refusal("invalid", "A trigger ends with END");
  if (trigger && bodyEnds(tokens) !== last)
    throw new Refusal("denied", "One statement is run at a time, and something follows the trigger's END");
  if (tokens.slice(last + 1).some((token) => !isSemicolon(token)))
    throw new Refusal("denied", "One statement is run at a time, and something follows the semicolon");
  return tokens[last]!.end;
};

/** Where the first "; END" is: SQLite takes the trigger to end there. */
const bodyEnds = (tokens: readonly Token[]): number =>
  tokens.findIndex((token, at) => isWord(token, "end") && isSemicolon(tokens[at - 1]));

const isSemicolon = (token: Token | undefined): boolean => token?.kind === "sign" && token.text === ";";
const isWord = (token: Token | undefined, word: string): boolean =>
  token?.kind === "word" && token.text === word;

const space = /[ \t\n\f\r]+/y;
const lineComment = /--[^\n]*/y;
const blockComment = /\/\*[\s\S]*?(?:\*\/|$)/y;
const word = /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y;
const parameter = /[$@:#][A-Za-z0-9_$\u0080-\uffff]+/y;
const quoted: Readonly<Record<string, RegExp>> = {
  "'": /'(?:[^']|'')*'/y,
  '"': /"(?:[^"]|"")*"/y,
  "`": /`(?:[^`]|``)*`/y,
  "[": /\[[^\]]*\]/y,
};

const tokensOf = (text: string): Token[] => {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  while (at < text.length) {
    if (take(space) !== undefined || take(lineComment) !== undefined || take(blockComment) !== undefined)
      continue;
    const pattern = quoted[text[at]!];
    if (pattern) {
      const found = take(pattern);
      if (found === undefined) throw new Refusal("invalid", `A quote ${text[at]} is not closed`);
      const kind = found[0] === "'" ? "text" : "name";
      tokens.push({ kind, text: found.slice(1, -1).toLowerCase(), end: at });
      continue;
    }
    if (take(parameter) !== undefined) {
      // SQLite takes "$a(…)" as one parameter, quotes and semicolons inside included.
      if (text[at] === "(") throw new Refusal("invalid", "A parameter is followed by a parenthesis");
      tokens.push({ kind: "sign", text: "?", end: at });
      continue;
    }
    const bare = take(word);
    if (bare !== undefined) tokens.push({ kind: "word", text: bare.toLowerCase(), end: at });
    else {
      at++;
      tokens.push({ kind: "sign", text: text[at - 1]!, end: at });
    }
  }
  return tokens;
};
