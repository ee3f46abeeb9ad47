// Random types and values of them, for tests that hold two ways of writing values against each other.
import { camel, type PrimitiveKind, type Type } from "./model.ts";

const text: Type = { kind: "string" };
const u8: Type = { kind: "u8" };
const option = (element: Type): Type => ({ kind: "option", element });
const list = (element: Type): Type => ({ kind: "list", element });
const result = (ok?: Type, err?: Type): Type => ({ kind: "result", ok, err });

export const randomSource = (state: number) => {
  let at = state >>> 0;
  // mulberry32: small, and good enough to choose shapes.
  return (below: number): number => {
    at = (at + 0x6d2b79f5) >>> 0;
    let t = Math.imul(at ^ (at >>> 15), at | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
};

export type Random = ReturnType<typeof randomSource>;
const pick = <T>(random: Random, from: readonly T[]): T => from[random(from.length)]!;
const times = <T>(n: number, make: (index: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));
const wordList = ["a", "some", "ok", "err", "none", "true", "nan", "inf", "get-it", "x2", "HTTP-get", "b-1"];
const names = (random: Random): string[] => wordList.slice(random(4), 5 + random(wordList.length - 5));

const scalars: readonly PrimitiveKind[] = [
  ...([
    "bool",
    "u8",
    "u16",
    "u32",
    "u64",
    "s8",
    "s16",
    "s32",
    "s64",
    "f32",
    "f64",
    "char",
    "string",
  ] as const),
];

export const randomType = (random: Random, depth: number): Type => {
  const inner = () => randomType(random, depth - 1);
  const maybe = () => (random(2) ? inner() : undefined);
  if (depth === 0 || random(3) === 0) return { kind: pick(random, scalars) };
  const makers: (() => Type)[] = [
    () => list(inner()),
    () => ({ kind: "list", element: inner(), length: 1 + random(3) }),
    () => ({ kind: "map", key: pick(random, [text, u8]), value: inner() }),
    () => option(inner()),
    () => result(maybe(), maybe()),
    () => ({ kind: "tuple", elements: times(1 + random(3), inner) }),
    () => ({ kind: "record", name: "r", fields: names(random).map((name) => ({ name, type: inner() })) }),
    () => ({ kind: "variant", name: "v", cases: names(random).map((name) => ({ name, type: maybe() })) }),
    () => ({ kind: "enum", name: "e", cases: names(random) }),
    () => ({ kind: "flags", name: "f", flags: names(random) }),
  ];
  return pick(random, makers)();
};

const chars = [
  "a",
  '"',
  "'",
  "\\",
  "\n",
  "\t",
  "\0",
  "é",
  "\u{301}",
  "☃",
  "😀",
  "\u{202e}",
  "\u{10ffff}",
  " ",
  "\u{a0}",
];
const floats = [
  0,
  -0,
  1,
  -1.5,
  Math.PI,
  1e21,
  5e-324,
  1.7976931348623157e308,
  Infinity,
  -Infinity,
  Number.NaN,
];

const randomNumber = (random: Random, kind: string): number | bigint => {
  if (kind === "f64")
    return random(2) ? pick(random, floats) : (random(2 ** 32) - 2 ** 31) / (1 + random(1000));
  if (kind === "f32") return Math.fround(randomNumber(random, "f64") as number);
  const bits = BigInt(kind.slice(1));
  const raw = (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32));
  const value = kind[0] === "u" ? BigInt.asUintN(Number(bits), raw) : BigInt.asIntN(Number(bits), raw);
  return bits === 64n ? value : Number(value);
};

const arrays: Record<string, { from(values: unknown[]): unknown }> = {
  ...{ u8: Uint8Array, u16: Uint16Array, u32: Uint32Array, u64: BigUint64Array, f32: Float32Array },
  ...{ s8: Int8Array, s16: Int16Array, s32: Int32Array, s64: BigInt64Array, f64: Float64Array },
} as never;

export const randomValue = (random: Random, type: Type): unknown => {
  const inner = (of: Type) => randomValue(random, of);
  const tagged = (tag: string, of: Type | undefined) => (of ? { tag, val: inner(of) } : { tag });
  switch (type.kind) {
    case "bool":
      return random(2) === 1;
    case "char":
      return pick(random, chars);
    case "string":
      return times(random(6), () => pick(random, chars)).join("");
    case "list": {
      const values = times(type.length ?? random(4), () => inner(type.element));
      return (type.length === undefined && arrays[type.element.kind]?.from(values)) || values;
    }
    case "map":
      return new Map(times(random(3), () => [inner(type.key), inner(type.value)]));
    case "option":
      if (type.element.kind === "option")
        return random(2) ? { tag: "some", val: inner(type.element) } : { tag: "none" };
      return random(2) ? inner(type.element) : undefined;
    case "result": {
      const tag = pick(random, ["ok", "err"] as const);
      return tagged(tag, type[tag]);
    }
    case "tuple":
      return type.elements.map(inner);
    case "record":
      return Object.fromEntries(type.fields.map((field) => [camel(field.name), inner(field.type)]));
    case "variant": {
      const chosen = pick(random, type.cases);
      return tagged(chosen.name, chosen.type);
    }
    case "enum":
      return pick(random, type.cases);
    case "flags":
      return Object.fromEntries(type.flags.map((flag) => [camel(flag), random(2) === 1]));
    default:
      return randomNumber(random, type.kind);
  }
};

/** Typed arrays as tagged plain ones: bun's toEqual finds a NaN inside a typed array unequal to itself. */
export const plain = (value: unknown): unknown => {
  if (ArrayBuffer.isView(value)) return [value.constructor.name, ...(value as Uint8Array)];
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return ["Map", ...[...value].map(plain)];
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
};
