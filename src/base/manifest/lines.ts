// Where each key of a TOML document is written. smol-toml tells positions of syntax errors only, and a person
// wants the line of a wrong key too.

/** A key's path from the root: table names and array indices. */
export type KeyPath = readonly (string | number)[];

/** Deeper paths have their enclosing path's line: noting them all would cost the square of the depth. */
const notedDepthMax = 64;

/**
 * Line numbers (from 1) of every key and array element of a document that smol-toml has accepted. What the
 * scanner does not need to know, such as the syntax of numbers, it does not check.
 */
export class Lines {
  readonly #lines = new Map<string, number>();
  readonly #elements = new Map<string, number>();
  readonly #text: string;
  #at = 0;
  #line = 1;

  constructor(text: string) {
    this.#text = text;
    this.#document();
  }

  /** The line of a path, or of the nearest enclosing path that is written somewhere; 1 for the root. */
  of(path: KeyPath): number {
    for (let length = Math.min(path.length, notedDepthMax); length > 0; length--) {
      const line = this.#lines.get(JSON.stringify(path.slice(0, length)));
      if (line !== undefined) return line;
    }
    return 1;
  }

  #document(): void {
    let table: KeyPath = [];
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at = 1;
    for (this.#blank(); this.#at < this.#text.length; this.#blank())
      if (this.#text[this.#at] === "[") table = this.#header();
      else this.#pair(table);
  }

  #header(): KeyPath {
    const line = this.#line;
    const array = this.#text.startsWith("[[", this.#at);
    this.#at += array ? 2 : 1;
    const path = this.#open(this.#key("]"), line, array);
    if (array) this.#at++;
    return path;
  }

  /** Notes a header's path; a name that stands for an array of tables means its last element. */
  #open(keys: readonly string[], line: number, array: boolean): KeyPath {
    const path: (string | number)[] = [];
    for (const [at, key] of keys.entries()) {
      path.push(key);
      if (path.length > notedDepthMax) continue;
      this.#note(path, line);
      const id = JSON.stringify(path);
      if (array && at === keys.length - 1) this.#elements.set(id, (this.#elements.get(id) ?? -1) + 1);
      const element = this.#elements.get(id);
      if (element !== undefined) path.push(element);
    }
    // A table may be named by its children's headers before its own; its own is where a person looks.
    if (path.length <= notedDepthMax) this.#lines.set(JSON.stringify(path), line);
    return path;
  }

  #pair(table: KeyPath): void {
    const line = this.#line;
    const path = [...table];
    for (const key of this.#key("=")) {
      path.push(key);
      this.#note(path, line);
    }
    this.#value(path);
  }

  #note(path: KeyPath, line: number): void {
    if (path.length > notedDepthMax) return;
    const id = JSON.stringify(path);
    if (!this.#lines.has(id)) this.#lines.set(id, line);
  }

  /** A dotted key up to `end`, which is passed over. */
  #key(end: "]" | "="): string[] {
    const keys: string[] = [];
    while (this.#at < this.#text.length) {
      const c = this.#text[this.#at]!;
      if (c === end) {
        this.#at++;
        break;
      }
      if (c === '"' || c === "'") keys.push(this.#quotedKey(c));
      else if (/[\w-]/.test(c)) keys.push(this.#match(/[\w-]+/y));
      else this.#step();
    }
    return keys;
  }

  #quotedKey(quote: string): string {
    const from = this.#at;
    this.#string();
    const inner = this.#text.slice(from + 1, this.#at - 1);
    return quote === "'" ? inner : unescaped(inner);
  }

  #value(path: KeyPath): void {
    this.#blank();
    const c = this.#text[this.#at];
    if (c === '"' || c === "'") this.#string();
    else if (c === "[") this.#array(path);
    else if (c === "{") this.#inlineTable(path);
    else if (!this.#match(/[^,\]}#\n]+/y)) this.#step();
  }

  #array(path: KeyPath): void {
    this.#at++;
    for (let index = 0; ; index++) {
      this.#blank();
      if (this.#ends("]")) return;
      this.#note([...path, index], this.#line);
      this.#value([...path, index]);
      this.#blank();
      if (this.#text[this.#at] === ",") this.#at++;
    }
  }

  #inlineTable(path: KeyPath): void {
    this.#at++;
    for (;;) {
      this.#blank();
      if (this.#ends("}")) return;
      this.#pair(path);
      this.#blank();
      if (this.#text[this.#at] === ",") this.#at++;
    }
  }

  #ends(bracket: string): boolean {
    if (this.#at < this.#text.length && this.#text[this.#at] !== bracket) return false;
    this.#at++;
    return true;
  }

  /** Passes over a string of any of the four kinds. */
  #string(): void {
    const quote = this.#text[this.#at]!;
    const long = this.#text.startsWith(quote.repeat(3), this.#at);
    const end = long ? quote.repeat(3) : quote;
    this.#at += end.length;
    while (this.#at < this.#text.length && !this.#text.startsWith(end, this.#at)) {
      if (quote === '"' && this.#text[this.#at] === "\\") this.#step();
      this.#step();
    }
    this.#at += end.length;
    // Up to two quotes may stand before the closing three.
    if (long) this.#match(quote === '"' ? /"{0,2}/y : /'{0,2}/y);
  }

  /** Passes over white space, line ends and comments. */
  #blank(): void {
    while (this.#at < this.#text.length) {
      const c = this.#text[this.#at]!;
      if (c === "#") this.#match(/[^\n]*/y);
      else if (c === " " || c === "\t" || c === "\r" || c === "\n") this.#step();
      else return;
    }
  }

  #step(): void {
    if (this.#text[this.#at++] === "\n") this.#line++;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    // No pattern here matches a line end, so the line stays the same.
    this.#at += found.length;
    return found;
  }
}

const unescaped = (inner: string): string =>
  inner.replace(
    /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|x([0-9A-Fa-f]{2})|(.))/g,
    (_, short, long, byte, letter: string) =>
      letter === undefined
        ? String.fromCodePoint(Number.parseInt(short ?? long ?? byte, 16))
        : (escapes[letter] ?? letter),
  );

const escapes: Record<string, string> = { b: "\b", t: "\t", n: "\n", f: "\f", r: "\r", e: "\x1b" };
