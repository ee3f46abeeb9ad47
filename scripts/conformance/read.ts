// The s-expressions of .wast scripts: atoms, strings and lists, each with where it stands in the text.

export type Node = { readonly start: number; readonly end: number } & (
  | { readonly kind: "atom"; readonly text: string }
  /** `bytes` because a string may hold any. */
  | { readonly kind: "string"; readonly bytes: Uint8Array }
  | { readonly kind: "list"; readonly items: readonly Node[] }
);
export type List = Extract<Node, { kind: "list" }>;

/** Reads all top-level lists of a script. Throws on unbalanced text, with the line. */
export const readScript = (text: string): List[] => {
  const reader = new Reader(text);
  const lists: List[] = [];
  for (let node = reader.next(); node; node = reader.next()) {
    if (node.kind !== "list") throw new Error(`Line ${lineOf(text, node.start)}: a list was looked for`);
    lists.push(node);
  }
  return lists;
};

export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split("\n").length;

export const atomOf = (node: Node | undefined): string | undefined =>
  node?.kind === "atom" ? node.text : undefined;

export const stringOf = (node: Node | undefined): string | undefined =>
  node?.kind === "string" ? new TextDecoder().decode(node.bytes) : undefined;

/** The word that a list begins with. */
export const headOf = (node: Node | undefined): string | undefined =>
  node?.kind === "list" ? atomOf(node.items[0]) : undefined;

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Node | undefined {
    this.#skip();
    const start = this.#at;
    const char = this.#text[start];
    if (char === undefined) return undefined;
    if (char === "(") return this.#list(start);
    if (char === '"') return this.#string(start);
    if (char === ")") throw new Error(`Line ${lineOf(this.#text, start)}: ")" closes nothing`);
    while (!/[\s()";]/.test(this.#text[this.#at] ?? " ")) this.#at++;
    // A lone ";" would stand still.
    if (this.#at === start) this.#at++;
    return { kind: "atom", start, end: this.#at, text: this.#text.slice(start, this.#at) };
  }

  #list(start: number): Node {
    this.#at++;
    const items: Node[] = [];
    for (;;) {
      this.#skip();
      if (this.#text[this.#at] === ")") break;
      const item = this.next();
      if (!item) throw new Error(`Line ${lineOf(this.#text, start)}: "(" is not closed`);
      items.push(item);
    }
    this.#at++;
    return { kind: "list", start, end: this.#at, items };
  }

  #string(start: number): Node {
    const bytes: number[] = [];
    this.#at++;
    for (;;) {
      const code = this.#text.codePointAt(this.#at);
      if (code === undefined) throw new Error(`Line ${lineOf(this.#text, start)}: a string is not closed`);
      const char = String.fromCodePoint(code);
      this.#at += char.length;
      if (char === '"') break;
      bytes.push(...(char === "\\" ? this.#escape() : Buffer.from(char)));
    }
    return { kind: "string", start, end: this.#at, bytes: Uint8Array.from(bytes) };
  }

  #escape(): Iterable<number> {
    const rest = this.#text.slice(this.#at, this.#at + 12);
    const hex = /^[0-9a-fA-F]{2}/.exec(rest);
    if (hex) {
      this.#at += 2;
      return [Number.parseInt(hex[0], 16)];
    }
    const unicode = /^u\{([0-9a-fA-F_]+)\}/.exec(rest);
    if (unicode) {
      this.#at += unicode[0].length;
      return Buffer.from(String.fromCodePoint(Number.parseInt(unicode[1]!.replaceAll("_", ""), 16)));
    }
    this.#at++;
    const named: Record<string, string> = { n: "\n", t: "\t", r: "\r" };
    return Buffer.from(named[rest[0]!] ?? rest[0] ?? "");
  }

  #skip(): void {
    for (;;) {
      const rest = this.#text.slice(this.#at, this.#at + 2);
      if (/^\s/.test(rest)) this.#at++;
      else if (rest === ";;") this.#at = endOf(this.#text.indexOf("\n", this.#at), this.#text.length);
      else if (rest === "(;") this.#comment();
      else return;
    }
  }

  /** Block comments nest. */
  #comment(): void {
    let depth = 0;
    do {
      const two = this.#text.slice(this.#at, this.#at + 2);
      if (two === "") throw new Error("A comment is not closed");
      if (two === "(;" || two === ";)") {
        depth += two === "(;" ? 1 : -1;
        this.#at += 2;
      } else this.#at++;
    } while (depth > 0);
  }
}

const endOf = (found: number, length: number): number => (found < 0 ? length : found);
