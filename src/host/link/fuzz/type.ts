import type { ScalarKind } from "../type.ts";
import type { Random } from "./random.ts";

// Random WIT types, as WIT text and as what random values are made from.

export type FuzzType =
  | { readonly kind: ScalarKind | "string" }
  | { readonly kind: "list" | "option"; readonly element: FuzzType }
  | { readonly kind: "tuple"; readonly elements: readonly FuzzType[] }
  | { readonly kind: "result"; readonly ok: FuzzType | undefined; readonly err: FuzzType | undefined }
  | { readonly kind: "record"; readonly name: string; readonly fields: readonly FuzzType[] }
  | { readonly kind: "variant"; readonly name: string; readonly cases: readonly (FuzzType | undefined)[] }
  | { readonly kind: "enum" | "flags"; readonly name: string; readonly count: number };

const scalars: readonly (ScalarKind | "string")[] = [
  "bool",
  "u8",
  "s8",
  "u16",
  "s16",
  "u32",
  "s32",
  "u64",
  "s64",
  "f32",
  "f64",
  "char",
  "string",
  "string",
];

/** Makes types; named ones are kept, with their WIT text, in the order in which they have to be declared. */
export class Types {
  readonly declarations: string[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  type(depth: number): FuzzType {
    const random = this.#random;
    if (depth <= 0 || random.chance(3)) return { kind: random.pick(scalars) };
    const some = (max: number) => Array.from({ length: 1 + random.below(max) }, () => this.type(depth - 1));
    const maybe = () => (random.chance(3) ? undefined : this.type(depth - 1));
    switch (random.below(8)) {
      case 0:
      case 1:
        return { kind: "list", element: this.type(depth - 1) };
      case 2:
        return { kind: "option", element: this.type(depth - 1) };
      case 3:
        return { kind: "tuple", elements: some(4) };
      case 4:
        return { kind: "result", ok: maybe(), err: maybe() };
      case 5: {
        const fields = some(6);
        return {
          kind: "record",
          name: this.#declare(
            "record",
            fields.map((f, i) => `field-${i}: ${wit(f)}`),
          ),
          fields,
        };
      }
      case 6: {
        const cases = Array.from({ length: 1 + random.below(5) }, maybe);
        const texts = cases.map((one, i) => `case-${i}${one ? `(${wit(one)})` : ""}`);
        return { kind: "variant", name: this.#declare("variant", texts), cases };
      }
      default: {
        const kind = random.pick(["enum", "flags"] as const);
        // Counts around the widths at which the representation changes.
        const count = kind === "enum" ? random.pick([1, 2, 7, 256, 257]) : random.pick([1, 8, 9, 16, 17, 32]);
        const texts = Array.from({ length: count }, (_, i) => `label-${i}`);
        return { kind, name: this.#declare(kind, texts), count };
      }
    }
  }

  #declare(keyword: string, parts: readonly string[]): string {
    const name = `t${this.declarations.length}`;
    this.declarations.push(`${keyword} ${name} { ${parts.join(", ")} }`);
    return name;
  }
}

export const wit = (type: FuzzType): string => {
  switch (type.kind) {
    case "list":
    case "option":
      return `${type.kind}<${wit(type.element)}>`;
    case "tuple":
      return `tuple<${type.elements.map(wit).join(", ")}>`;
    case "result":
      if (!type.ok && !type.err) return "result";
      return `result<${type.ok ? wit(type.ok) : "_"}${type.err ? `, ${wit(type.err)}` : ""}>`;
    case "record":
    case "variant":
    case "enum":
    case "flags":
      return type.name;
    default:
      return type.kind;
  }
};

const wide = 2n ** 63n;
const edges: Partial<Record<ScalarKind, readonly unknown[]>> = {
  bool: [true, false],
  u8: [0, 1, 127, 128, 255],
  s8: [0, -1, 127, -128],
  u16: [0, 255, 256, 65535],
  s16: [0, -1, 32767, -32768],
  u32: [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1],
  s32: [0, -1, 2 ** 31 - 1, -(2 ** 31)],
  u64: [0n, 1n, 2n ** 53n + 1n, wide, 2n * wide - 1n],
  s64: [0n, -1n, wide - 1n, -wide],
  f32: [0, -0, 1.5, -1e30, Number.POSITIVE_INFINITY, Number.NaN].map(Math.fround),
  f64: [0, -0, 0.1, -1e300, Number.NEGATIVE_INFINITY, Number.NaN],
  char: ["a", "\0", "é", "€", "\u{10ffff}", "\ud7ff", "\ue000"],
};
const texts = [
  "",
  "a",
  "hello, world",
  "naïve café",
  "日本語",
  "😀👍🏽",
  "\0",
  "x".repeat(300),
  "é".repeat(50),
];

const arrays: Partial<Record<string, (values: never[]) => unknown>> = {
  u8: (values) => Uint8Array.from(values),
  s8: (values) => Int8Array.from(values),
  u16: (values) => Uint16Array.from(values),
  s16: (values) => Int16Array.from(values),
  u32: (values) => Uint32Array.from(values),
  s32: (values) => Int32Array.from(values),
  u64: (values) => BigUint64Array.from(values),
  s64: (values) => BigInt64Array.from(values),
  f32: (values) => Float32Array.from(values),
  f64: (values) => Float64Array.from(values),
};

/** A random value of a type in the JS mapping, exactly as lifting gives it. */
export const value = (random: Random, type: FuzzType): unknown => {
  switch (type.kind) {
    case "string":
      return random.pick(texts);
    case "list": {
      const length = random.pick([0, 1, 2, 5]);
      const values = Array.from({ length }, () => value(random, type.element));
      return arrays[type.element.kind]?.(values as never[]) ?? values;
    }
    case "option": {
      const none = random.chance(3);
      if (type.element.kind !== "option") return none ? undefined : value(random, type.element);
      return none ? { tag: "none" } : { tag: "some", val: value(random, type.element) };
    }
    case "tuple":
      return type.elements.map((one) => value(random, one));
    case "result": {
      const tag = random.pick(["ok", "err"] as const);
      const inner = type[tag];
      return { tag, val: inner ? value(random, inner) : undefined };
    }
    case "record":
      return Object.fromEntries(type.fields.map((one, i) => [`field${i}`, value(random, one)]));
    case "variant": {
      const index = random.below(type.cases.length);
      const inner = type.cases[index];
      return inner ? { tag: `case-${index}`, val: value(random, inner) } : { tag: `case-${index}` };
    }
    case "enum":
      return `label-${random.below(type.count)}`;
    case "flags":
      return Object.fromEntries(
        Array.from({ length: type.count }, (_, i) => [`label${i}`, random.chance(2)]),
      );
    default:
      return random.pick(edges[type.kind]!);
  }
};
