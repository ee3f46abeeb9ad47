import { limits } from "../../base/limits.ts";
import type { Case, Field, Func, PrimitiveKind, Type } from "../model.ts";
import { type Token, tokensOf } from "../wit/scan.ts";
import { roleOf } from "../world.ts";
import { WireError } from "./encode.ts";

/**
 * A function as its maker wrote it down: `find: func(name: string) -> option<record { name: string, count: u32 }>`.
 * Types are spelled out, since names mean nothing outside of their file; any other word is a
 * resource, of the interface that `ownerOf` says. A name alone says nothing of the types. Throws WireError.
 */
export const readSignature = (
  text: string,
  ownerOf: (resource: string) => string | undefined,
): Func | { readonly name: string } => {
  if (text.length > limits.sidecarSignatureLengthMax)
    throw new WireError(
      `a function is written in ${text.length} characters, and ${limits.sidecarSignatureLengthMax} is the limit`,
    );
  // No name of WIT has a colon in it.
  const at = text.indexOf(":");
  if (at < 0) return { name: text };
  return new Parser(text, at + 1, ownerOf).func(text.slice(0, at).trim());
};

const primitives: ReadonlySet<string> = new Set([
  ...["bool", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64", "char", "string"],
  "error-context",
]);

class Parser {
  readonly #text: string;
  readonly #ownerOf: (resource: string) => string | undefined;
  readonly #tokens: readonly Token[];
  #at = 0;
  #depth = 0;

  constructor(text: string, from: number, ownerOf: (resource: string) => string | undefined) {
    this.#text = text;
    this.#ownerOf = ownerOf;
    this.#tokens = tokensOf(text.slice(from));
  }

  func(name: string): Func {
    const async = this.#takes("async");
    this.#expect("func");
    this.#expect("(");
    const params = this.#members(")", () => this.#field());
    const answers = this.#takes("-");
    if (answers) this.#expect(">");
    const result = answers ? this.#type() : undefined;
    this.#takes(";");
    if (this.#at < this.#tokens.length) throw this.#unexpected("the end");
    return { name, role: roleOf(name), params, result, async };
  }

  #type(): Type {
    if (++this.#depth > limits.typeDepthMax)
      throw new WireError(`a type is more than ${limits.typeDepthMax} levels deep`);
    try {
      return this.#typeOf(this.#word("a type"));
    } finally {
      this.#depth--;
    }
  }

  #typeOf(word: string): Type {
    if (primitives.has(word)) return { kind: word as PrimitiveKind };
    switch (word) {
      case "list":
        return this.#angled(() => {
          const element = this.#type();
          return this.#takes(",")
            ? { kind: "list", element, length: this.#number() }
            : { kind: "list", element };
        });
      case "option":
        return this.#angled(() => ({ kind: "option", element: this.#type() }));
      case "map":
        return this.#angled(() => {
          const key = this.#type();
          this.#expect(",");
          return { kind: "map", key, value: this.#type() };
        });
      case "tuple":
        this.#expect("<");
        return { kind: "tuple", elements: this.#members(">", () => this.#type()) };
      case "result":
        return this.#result();
      case "own":
      case "borrow":
        return this.#angled(() => this.#handle(word, this.#word("a resource")));
      case "stream":
      case "future":
        return this.#peek() === "<"
          ? this.#angled(() => ({ kind: word, element: this.#type() }))
          : { kind: word, element: undefined };
      default:
        return this.#braced(word) ?? this.#handle("own", word);
    }
  }

  #braced(word: string): Type | undefined {
    switch (word) {
      case "record":
        this.#expect("{");
        return { kind: "record", fields: this.#members("}", () => this.#field()) };
      case "variant":
        this.#expect("{");
        return { kind: "variant", cases: this.#members("}", () => this.#case()) };
      case "enum":
        this.#expect("{");
        return { kind: "enum", cases: this.#members("}", () => this.#word("a case")) };
      case "flags":
        this.#expect("{");
        return { kind: "flags", flags: this.#members("}", () => this.#word("a flag")) };
      default:
        return undefined;
    }
  }

  #result(): Type {
    if (this.#peek() !== "<") return { kind: "result", ok: undefined, err: undefined };
    return this.#angled(() => {
      const ok = this.#takes("_") ? undefined : this.#type();
      return { kind: "result", ok, err: this.#takes(",") ? this.#type() : undefined };
    });
  }

  #handle(kind: "own" | "borrow", name: string): Type {
    return { kind, resource: { name, owner: this.#ownerOf(name) } };
  }

  #field(): Field {
    const name = this.#word("a name");
    this.#expect(":");
    return { name, type: this.#type() };
  }

  #case(): Case {
    const name = this.#word("a case");
    if (!this.#takes("(")) return { name, type: undefined };
    const type = this.#type();
    this.#expect(")");
    return { name, type };
  }

  #angled(inner: () => Type): Type {
    this.#expect("<");
    const type = inner();
    this.#expect(">");
    return type;
  }

  /** A last comma may stand, as everywhere in WIT. */
  #members<T>(end: string, member: () => T): T[] {
    const found: T[] = [];
    while (!this.#takes(end)) {
      if (found.length > 0) {
        this.#expect(",");
        if (this.#takes(end)) break;
      }
      found.push(member());
    }
    return found;
  }

  #number(): number {
    let digits = "";
    for (let one = this.#peek(); one !== undefined && /^\d$/.test(one); one = this.#peek()) {
      digits += one;
      this.#at++;
    }
    if (digits === "") throw this.#unexpected("a number");
    return Number(digits);
  }

  #word(what: string): string {
    const word = this.#peek();
    if (word === undefined || !/^%?[A-Za-z]/.test(word)) throw this.#unexpected(what);
    this.#at++;
    return word.replace(/^%/, "");
  }

  #peek(): string | undefined {
    return this.#tokens[this.#at]?.text;
  }

  #takes(text: string): boolean {
    if (this.#peek() !== text) return false;
    this.#at++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#takes(text)) throw this.#unexpected(text);
  }

  #unexpected(wanted: string): WireError {
    const found = this.#peek() ?? "the end";
    return new WireError(`${wanted} was looked for in "${this.#text}", and ${found} is there`);
  }
}
