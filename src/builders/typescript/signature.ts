import { fault } from "../../base/fault.ts";
import { camel, type Func, type ResourceType, type Type } from "../../contract/model.ts";
import { isOption, numberArrays, typeText } from "../../contract/type.ts";
import { engineCamel } from "./names.ts";

/** Which of the two generated modules a text is for. */
export type Place = "setup" | "entry";

/** What a signature needs of the module that it is written into. */
export interface SignatureContext {
  readonly engine: "quickjs" | "starlingmonkey";
  /** Writes a constant and answers its name. */
  declare(text: string): string;
  /** What names a resource here, and whether it is the guest's own. */
  resource(resource: ResourceType): { readonly text: string; readonly own: boolean } | undefined;
}

/** The most core numbers that arguments take before they go to memory (component-model, CanonicalABI.md). */
const flatParamsMax = 16;

/** Writes what the guest side knows of functions: where, the parameters' types, the answer's and the err's. */
export class Signatures {
  readonly #context: SignatureContext;
  /** Structures written so far in either module, by their text. */
  readonly #known: Record<Place, Map<string, string>> = { setup: new Map(), entry: new Map() };
  #place: Place = "setup";
  /** Whether the type being written is passed as core numbers (StarlingMonkey garbles some of those). */
  #flat = false;
  /** Whether it comes from the engine as an argument of the guest's. */
  #lifting = false;

  constructor(context: SignatureContext) {
    this.#context = context;
  }

  /** The text of a signature, as calls.guest.js reads it; `result` replaces what the function answers. */
  write(place: Place, where: string, func: Func, result?: string): string {
    this.#place = place;
    if (func.async) throw unsupported(where, "an async function");
    const starling = this.#context.engine === "starlingmonkey";
    // Only what goes from the guest to the engine is garbled: an import's arguments, an export's answer.
    const flatParams =
      starling &&
      this.#place === "setup" &&
      sum(func.params.map(({ type }) => flatCount(type))) <= flatParamsMax;
    const flatAnswer =
      starling && this.#place === "entry" && func.result !== undefined && flatCount(func.result) <= 1;
    this.#lifting = this.#place === "entry";
    const params = func.params.map(({ name, type }) => {
      this.#flat = flatParams;
      return `[${quoted(name)}, ${this.#type(type, where)}]`;
    });
    this.#lifting = false;
    this.#flat = flatAnswer;
    const parts = [`where: ${quoted(where)}`, `params: [${params.join(", ")}]`];
    const answer = func.result;
    if (result) parts.push(`result: ${result}`);
    else if (answer?.kind === "result") {
      parts.push(`result: ${answer.ok ? this.#type(answer.ok, where) : "undefined"}`);
      parts.push(`err: { type: ${answer.err ? this.#type(answer.err, where) : "undefined"} }`);
    } else if (answer) parts.push(`result: ${this.#type(answer, where)}`);
    this.#flat = false;
    return `{ ${parts.join(", ")} }`;
  }

  /** Structures are written once in each module and named. */
  #type(type: Type, where: string): string {
    const text = this.#typeText(type, where);
    if (!text.includes("(")) return text;
    const known = this.#known[this.#place];
    const before = known.get(text);
    if (before) return before;
    const name = this.#context.declare(text);
    known.set(text, name);
    return name;
  }

  #typeText(type: Type, where: string): string {
    const inner = (element: Type) => this.#type(element, where);
    const maybe = (element: Type | undefined) => (element ? inner(element) : "undefined");
    switch (type.kind) {
      case "list":
        return this.#list(type, where);
      case "option":
        return `v.${isOption(type.element) ? "nested" : "option"}(${inner(type.element)})`;
      case "result":
        return `v.result(${maybe(type.ok)}, ${maybe(type.err)})`;
      case "tuple":
        return `v.tuple(${type.elements.map(inner).join(", ")})`;
      case "record":
        return `v.record(${type.fields
          .map(
            (field) =>
              `[${quoted(camel(field.name))}, ${quoted(engineCamel(field.name))}, ${inner(field.type)}]`,
          )
          .join(", ")})`;
      case "variant":
        return `v.variant(${type.cases.map((item) => `[${quoted(item.name)}, ${maybe(item.type)}]`).join(", ")})`;
      case "enum":
        return `v.enumeration(${type.cases.map(quoted).join(", ")})`;
      case "flags":
        return `v.flags(${type.flags.map((name) => `[${quoted(camel(name))}, ${quoted(engineCamel(name))}]`).join(", ")})`;
      case "own":
        if (this.#lifting && this.#context.resource(type.resource)?.own && this.#context.engine === "quickjs")
          throw fault(
            "LK0602",
            `${where} takes an own ${type.resource.name}, a resource that the component itself exports, and componentize-qjs hands over another object in its place`,
            { hint: `let it take borrow<${type.resource.name}>, or build with engine = "starlingmonkey"` },
          );
        return `${this.#resource(type.resource, where)}.own`;
      case "borrow":
        return `${this.#resource(type.resource, where)}.borrow`;
      case "map":
      case "stream":
      case "future":
      case "error-context":
        throw unsupported(where, typeText(type));
      default:
        return `v.${this.#flat && (type.kind === "u32" || type.kind === "s64") ? "flat_" : ""}${type.kind}`;
    }
  }

  #list(type: Extract<Type, { kind: "list" }>, where: string): string {
    if (type.length !== undefined) throw unsupported(where, typeText(type));
    const Kind = numberArrays[type.element.kind as keyof typeof numberArrays];
    // Elements lie in memory.
    const before = this.#flat;
    this.#flat = false;
    const element = this.#type(type.element, where);
    this.#flat = before;
    return Kind ? `v.numbers(${element}, ${Kind.name})` : `v.list(${element})`;
  }

  #resource(resource: ResourceType, where: string): string {
    const found = this.#context.resource(resource);
    if (!found)
      throw unsupported(where, `the resource ${resource.name}, which belongs to no interface of the world`);
    return found.text;
  }
}

const quoted = (text: string): string => JSON.stringify(text);

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Core numbers that a type takes when it is not in memory (component-model, CanonicalABI.md, flattening). */
const flatCount = (type: Type): number => {
  const most = (types: readonly (Type | undefined)[]) =>
    1 + Math.max(0, ...types.map((item) => (item ? flatCount(item) : 0)));
  switch (type.kind) {
    case "string":
    case "list":
    case "map":
      return 2;
    case "record":
      return sum(type.fields.map((field) => flatCount(field.type)));
    case "tuple":
      return sum(type.elements.map(flatCount));
    case "option":
      return most([type.element]);
    case "result":
      return most([type.ok, type.err]);
    case "variant":
      return most(type.cases.map((item) => item.type));
    default:
      return 1;
  }
};

const unsupported = (where: string, what: string) =>
  fault("LK0602", `${where} uses ${what}, which TypeScript components cannot carry yet`, {
    hint: "change the WIT, or write this component in another language",
  });
