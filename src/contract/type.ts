import type { Type } from "./model.ts";

/**
 * A type as WIT writes it. Named types are their name; a structure without one is spelled out, which is no WIT
 * but reads like it. `deep` spells out the named ones too, one level.
 */
export const typeText = (type: Type, deep = false): string => {
  switch (type.kind) {
    case "list":
      return `list<${typeText(type.element)}${type.length === undefined ? "" : `, ${type.length}`}>`;
    case "map":
      return `map<${typeText(type.key)}, ${typeText(type.value)}>`;
    case "option":
      return `option<${typeText(type.element)}>`;
    case "result":
      return resultText(type);
    case "tuple":
      return `tuple<${type.elements.map((element) => typeText(element)).join(", ")}>`;
    case "own":
      return type.resource.name;
    case "borrow":
      return `borrow<${type.resource.name}>`;
    case "stream":
    case "future":
      return type.element ? `${type.kind}<${typeText(type.element)}>` : type.kind;
    case "record":
    case "variant":
    case "enum":
    case "flags":
      return type.name !== undefined && !deep ? type.name : `${type.kind} { ${membersOf(type)} }`;
    default:
      return type.kind;
  }
};

const resultText = ({ ok, err }: Extract<Type, { kind: "result" }>): string => {
  if (!ok) return err ? `result<_, ${typeText(err)}>` : "result";
  return err ? `result<${typeText(ok)}, ${typeText(err)}>` : `result<${typeText(ok)}>`;
};

const membersOf = (type: Extract<Type, { kind: "record" | "variant" | "enum" | "flags" }>): string => {
  switch (type.kind) {
    case "record":
      return type.fields.map((field) => `${field.name}: ${typeText(field.type)}`).join(", ");
    case "variant":
      return type.cases
        .map((item) => (item.type ? `${item.name}(${typeText(item.type)})` : item.name))
        .join(", ");
    case "enum":
      return type.cases.join(", ");
    case "flags":
      return type.flags.join(", ");
  }
};

/** Inclusive bounds of WIT's integers. */
export const integerRanges = {
  u8: [0n, 0xffn],
  u16: [0n, 0xffffn],
  u32: [0n, 0xffff_ffffn],
  u64: [0n, 0xffff_ffff_ffff_ffffn],
  s8: [-0x80n, 0x7fn],
  s16: [-0x8000n, 0x7fffn],
  s32: [-0x8000_0000n, 0x7fff_ffffn],
  s64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
} as const satisfies Record<string, readonly [bigint, bigint]>;

/** The typed arrays that stand for lists of numbers in the JS mapping. */
export const numberArrays = {
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
  u64: BigUint64Array,
  s8: Int8Array,
  s16: Int16Array,
  s32: Int32Array,
  s64: BigInt64Array,
  f32: Float32Array,
  f64: Float64Array,
} as const;

/** Whether an option of this type is nested, so that JS needs `{tag, val}` to tell `none` from `some(none)`. */
export const isOption = (type: Type): type is Extract<Type, { kind: "option" }> => type.kind === "option";
