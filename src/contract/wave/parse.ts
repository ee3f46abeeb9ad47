// WAVE, the text form of component values: a person's text → untyped nodes → values in the JS mapping, and back.
// Refuses resources, streams and futures, which the notation does not have, and what is over its limits.
// Called by whoever takes a call from a command line; grammar: bytecodealliance/wasm-tools, crates/wasm-wave.
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { labelPattern, nextToken, type Token } from "./lex.ts";
import { keywords, type Label, type Span, type WaveCall, type WaveNode, waveFault } from "./node.ts";
import { multilineValue, unescaped } from "./text.ts";

export type { WaveCall, WaveNode, WaveTarget } from "./node.ts";

/**
 * Parses a call: a function's name and its arguments in parentheses. The name is `greet`, `iface.greet`,
 * `ns:pkg/iface.greet@1.0.0` as wasm-wave has it, or `ns:pkg/iface@1.0.0#greet`. LK0205, LK0204.
 */
export const parseCall = (text: string): WaveCall => {
  bounded(text);
  const start = /^\s*/.exec(text)![0].length;
  const open = text.indexOf("(", start);
  const name = text.slice(start, open < 0 ? undefined : open).trimEnd();
  const span = { text, start, end: start + name.length };
  const target = targetOf(name, span);
  if (open < 0)
    throw waveFault(
      "LK0205",
      { text, start: span.end, end: span.end },
      `the arguments of ${name} are missing`,
      {
        hint: `Write ${name}() to call it without arguments`,
      },
    );
  const parser = new Parser(text, open + 1);
  const args = parser.sequence(")");
  parser.finish();
  return { target, args, span };
};

/** Parses one value. LK0205, LK0204. */
export const parseValue = (text: string): WaveNode => {
  bounded(text);
  const parser = new Parser(text, 0);
  const node = parser.value();
  parser.finish();
  return node;
};

const bounded = (text: string): void => {
  if (text.length > limits.waveTextMax)
    throw fault(
      "LK0204",
      `A WAVE text of ${text.length} characters is over the limit of ${limits.waveTextMax}`,
    );
};

const label = labelPattern.replace("%?", "");
const interfaceId = `${label}(?::${label})+/${label}`;
const version = "[0-9][0-9A-Za-z.+-]*";
const bare = new RegExp(`^%?(${label})$`);
const dotted = new RegExp(`^((?:${interfaceId})|${label})\\.%?(${label})(?:@(${version}))?$`);
const hashed = new RegExp(`^((?:(?:${interfaceId})|${label})(?:@${version})?)#%?(.+)$`);

const targetOf = (name: string, span: Span): WaveCall["target"] => {
  let match = bare.exec(name);
  if (match) return { interface: undefined, func: match[1]! };
  match = dotted.exec(name);
  if (match) return { interface: match[3] ? `${match[1]}@${match[3]}` : match[1], func: match[2]! };
  match = hashed.exec(name);
  if (match && (bare.test(match[2]!) || match[2]!.startsWith("[")))
    return { interface: match[1], func: match[2]! };
  if (name.startsWith("[")) return { interface: undefined, func: name };
  throw waveFault(
    "LK0205",
    span,
    name === "" ? "a function's name is missing" : `${name} names no function`,
    {
      hint: 'Write greet("World"), or \'ns:pkg/iface@1.0.0#greet("World")\' for one in an interface',
    },
  );
};

const endNames: Readonly<Partial<Record<Token["kind"], string>>> = { end: "the end of the text" };

/** Recursive descent over tokens read one at a time; one token of lookahead. */
class Parser {
  readonly #text: string;
  #token: Token;
  /** Where the token before this one ended: the end of what was just read. */
  #lastEnd = 0;
  #depth = 0;

  constructor(text: string, at: number) {
    this.#text = text;
    this.#token = nextToken(text, at);
  }

  finish(): void {
    if (!this.#is("end")) throw this.#unexpected("the end");
  }

  value(): WaveNode {
    if (this.#depth >= limits.waveDepthMax)
      throw waveFault("LK0204", this.#span(), `values nest deeper than ${limits.waveDepthMax}`, {
        what: "Beyond a limit",
      });
    this.#depth++;
    const node = this.#valueHere();
    this.#depth--;
    return node;
  }

  /** Values up to the closing token, which is taken; a trailing comma is allowed, a lone one is not. */
  sequence(close: ")" | "]"): WaveNode[] {
    const nodes: WaveNode[] = [];
    while (!this.#is(close)) {
      nodes.push(this.value());
      if (!this.#is(",")) break;
      this.#take();
    }
    this.#expect(close);
    return nodes;
  }

  #valueHere(): WaveNode {
    const token = this.#token;
    const { start, end } = token;
    const text = this.#text;
    switch (token.kind) {
      case "number":
        this.#take();
        return { kind: "number", number: text.slice(start, end), span: { text, start, end } };
      case "char":
        return this.#char();
      case "string":
        this.#take();
        return { kind: "string", value: unescaped(text, start + 1, end - 1), span: { text, start, end } };
      case "multiline":
        this.#take();
        return { kind: "string", value: multilineValue(text, start, end), span: { text, start, end } };
      case "label":
        return this.#labelled();
      case "(":
        return this.#tuple();
      case "[": {
        this.#take();
        const elements = this.sequence("]");
        return { kind: "list", elements, span: this.#since(start) };
      }
      case "{":
        return this.#braced();
      default:
        throw this.#unexpected("a value");
    }
  }

  #char(): WaveNode {
    const span = this.#span();
    const value = unescaped(span.text, span.start + 1, span.end - 1);
    if ([...value].length !== 1)
      throw waveFault("LK0205", span, `a char is one Unicode scalar value, not ${[...value].length}`, {
        hint: 'Strings are written "in double quotes"',
      });
    this.#take();
    return { kind: "char", value, span };
  }

  #labelled(): WaveNode {
    const start = this.#token.start;
    const raw = this.#text.slice(start, this.#token.end);
    const { name } = this.#label("a value");
    const keyword = !raw.startsWith("%") && keywords.has(name);
    if (keyword && (name === "inf" || name === "nan"))
      return { kind: "number", number: name, span: this.#since(start) };
    let payload: WaveNode | undefined;
    if (this.#is("(")) {
      this.#take();
      payload = this.value();
      this.#expect(")");
    }
    return { kind: "label", name, keyword, payload, span: this.#since(start) };
  }

  #tuple(): WaveNode {
    const start = this.#token.start;
    this.#take();
    const elements = this.sequence(")");
    const span = this.#since(start);
    if (elements.length === 0) throw waveFault("LK0205", span, "a tuple holds at least one value");
    return { kind: "tuple", elements, span };
  }

  /** A record `{a: 1}`, the empty record `{:}`, or flags `{a, b}` and `{}`. */
  #braced(): WaveNode {
    const start = this.#token.start;
    this.#take();
    if (this.#is(":")) {
      this.#take();
      this.#expect("}");
      return { kind: "record", fields: [], span: this.#since(start) };
    }
    const names = new Set<string>();
    const flags: Label[] = [];
    const fields: { label: Label; value: WaveNode }[] = [];
    while (!this.#is("}")) {
      const item = this.#label("a field or a flag");
      if (names.has(item.name)) throw waveFault("LK0205", item.span, `${item.name} is given twice`);
      names.add(item.name);
      if (names.size === 1 ? this.#is(":") : fields.length > 0) {
        this.#expect(":");
        fields.push({ label: item, value: this.value() });
      } else flags.push(item);
      if (!this.#is(",")) break;
      this.#take();
    }
    this.#expect("}");
    const span = this.#since(start);
    return fields.length > 0 ? { kind: "record", fields, span } : { kind: "flags", flags, span };
  }

  #label(wanted: string): Label {
    if (!this.#is("label")) throw this.#unexpected(wanted);
    const span = this.#span();
    this.#take();
    return { name: span.text.slice(span.start, span.end).replace(/^%/, ""), span };
  }

  #expect(kind: Token["kind"]): void {
    if (!this.#is(kind)) throw this.#unexpected(`"${kind}"`);
    this.#take();
  }

  #is(kind: Token["kind"]): boolean {
    return this.#token.kind === kind;
  }

  #take(): void {
    this.#lastEnd = this.#token.end;
    this.#token = nextToken(this.#text, this.#token.end);
  }

  #span(): Span {
    return { text: this.#text, start: this.#token.start, end: this.#token.end };
  }

  #since(start: number): Span {
    return { text: this.#text, start, end: this.#lastEnd };
  }

  #unexpected(wanted: string) {
    const { kind, start, end } = this.#token;
    const found = endNames[kind] ?? this.#text.slice(start, Math.min(end, start + 24));
    return waveFault("LK0205", this.#span(), `${wanted} is wanted, ${found} is found`);
  }
}
