import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { camel } from "../../contract/model.ts";
import type { ResourceType } from "./state.ts";

// Value types as the canonical ABI sees them: resolved, with size, alignment and flattening
// (component-model CanonicalABI.md, "Alignment", "Element Size", "Flattening"; 32-bit memories).

export type CoreKind = "i32" | "i64" | "f32" | "f64";

export type ScalarKind =
  | "bool"
  | "u8"
  | "s8"
  | "u16"
  | "s16"
  | "u32"
  | "s32"
  | "u64"
  | "s64"
  | "f32"
  | "f64"
  | "char";

export interface Field {
  /** As the host's objects spell it. */
  readonly key: string;
  readonly type: ValueType;
}

export interface Case {
  readonly name: string;
  readonly type: ValueType | undefined;
}

export type Shape =
  | { readonly kind: ScalarKind }
  | { readonly kind: "string" }
  | { readonly kind: "list"; readonly element: ValueType }
  | { readonly kind: "array"; readonly element: ValueType; readonly length: number }
  | { readonly kind: "map"; readonly entry: ValueType }
  | { readonly kind: "record"; readonly fields: readonly Field[] }
  | { readonly kind: "tuple"; readonly fields: readonly Field[] }
  | { readonly kind: "variant" | "option" | "result"; readonly cases: readonly Case[] }
  | { readonly kind: "enum"; readonly labels: readonly string[] }
  | { readonly kind: "flags"; readonly labels: readonly string[] }
  | { readonly kind: "own" | "borrow"; readonly resource: ResourceType }
  /** A type of the asynchronous model: it may be declared, and a function that uses it cannot be linked. */
  | { readonly kind: "async"; readonly name: string };

interface Layout {
  readonly size: number;
  readonly alignment: number;
  /** Core types that it takes as a parameter; undefined where they are more than 16. */
  readonly flat: readonly CoreKind[] | undefined;
  /** Nodes of the type written out in full, and its nesting; both are bounded. */
  readonly nodes: number;
  readonly depth: number;
  /** Whether a handle is inside. */
  readonly handles: boolean;
  /** Whether every bit pattern of its bytes is a value and no byte is padding, so that bytes can be copied. */
  readonly plain: boolean;
}

export type ValueType = Shape & Layout;
export type Of<K extends Shape["kind"]> = Extract<Shape, { kind: K }> & Layout;

export interface FuncType {
  readonly params: readonly Field[];
  readonly result: ValueType | undefined;
}

export const flatParamsMax = 16;

const scalars: Readonly<Record<ScalarKind, readonly [size: number, core: CoreKind]>> = {
  bool: [1, "i32"],
  u8: [1, "i32"],
  s8: [1, "i32"],
  u16: [2, "i32"],
  s16: [2, "i32"],
  u32: [4, "i32"],
  s32: [4, "i32"],
  u64: [8, "i64"],
  s64: [8, "i64"],
  f32: [4, "f32"],
  f64: [8, "f64"],
  char: [4, "i32"],
};

export const scalarSize = (kind: ScalarKind): number => scalars[kind][0];
export const scalarCore = (kind: ScalarKind): CoreKind => scalars[kind][1];
export const isScalar = (type: Shape): type is Extract<Shape, { kind: ScalarKind }> => type.kind in scalars;
/** Kinds whose lists are typed arrays in JavaScript. */
export const isNumber = (type: Shape): boolean =>
  isScalar(type) && type.kind !== "bool" && type.kind !== "char";

export const alignTo = (at: number, alignment: number): number => Math.ceil(at / alignment) * alignment;

/** Bytes of a discriminant for so many cases. */
export const discriminantSize = (cases: number): 1 | 2 | 4 => (cases <= 256 ? 1 : cases <= 65_536 ? 2 : 4);
export const flagsSize = (labels: number): 1 | 2 | 4 => (labels <= 8 ? 1 : labels <= 16 ? 2 : 4);

/** Where a variant's payload lies behind its discriminant. */
export const payloadOffset = (cases: readonly Case[]): number =>
  alignTo(
    discriminantSize(cases.length),
    cases.reduce((most, { type }) => Math.max(most, type?.alignment ?? 1), 1),
  );

/** Offsets of fields laid out in order, then the size of the whole, padded. */
export const fieldOffsets = (fields: readonly { readonly type: ValueType }[]): number[] => {
  let at = 0;
  let alignment = 1;
  const offsets: number[] = [];
  for (const { type } of fields) {
    at = alignTo(at, type.alignment);
    offsets.push(at);
    at += type.size;
    alignment = Math.max(alignment, type.alignment);
  }
  offsets.push(alignTo(at, alignment));
  return offsets;
};

/** Joins several flattenings in a row; undefined beyond 16. */
export const flatRow = (types: readonly ValueType[]): readonly CoreKind[] | undefined => {
  const flat: CoreKind[] = [];
  for (const type of types) {
    if (!type.flat || flat.length + type.flat.length > flatParamsMax) return undefined;
    flat.push(...type.flat);
  }
  return flat;
};

const join = (a: CoreKind, b: CoreKind): CoreKind => {
  if (a === b) return a;
  return (a === "i32" && b === "f32") || (a === "f32" && b === "i32") ? "i32" : "i64";
};

const flatVariant = (cases: readonly Case[]): readonly CoreKind[] | undefined => {
  const payload: CoreKind[] = [];
  for (const { type } of cases) {
    if (!type) continue;
    if (!type.flat) return undefined;
    for (const [at, core] of type.flat.entries())
      payload[at] = payload[at] === undefined ? core : join(payload[at], core);
  }
  return payload.length < flatParamsMax ? ["i32", ...payload] : undefined;
};

/** Types directly inside. */
export const parts = (shape: Shape): readonly ValueType[] => {
  switch (shape.kind) {
    case "list":
    case "array":
      return [shape.element];
    case "map":
      return [shape.entry];
    case "record":
    case "tuple":
      return shape.fields.map(({ type }) => type);
    case "variant":
    case "option":
    case "result":
      return shape.cases.flatMap(({ type }) => (type ? [type] : []));
    default:
      return [];
  }
};

/** Gives a shape its layout. Faults: LK0203 for a size the specification forbids, LK0204 beyond our bounds. */
export const laidOut = (shape: Shape): ValueType => {
  const inner = parts(shape);
  const depth = 1 + inner.reduce<number>((most, type) => Math.max(most, type.depth), 0);
  const nodes = 1 + inner.reduce<number>((sum, type) => sum + type.nodes, 0);
  if (depth > limits.typeDepthMax || nodes > limits.typeNodesMax)
    throw fault(
      "LK0204",
      `A type of the component is larger than loop takes (${limits.typeDepthMax} levels, ${limits.typeNodesMax} parts)`,
    );
  const layout = layoutOf(shape);
  if (layout.size >= 2 ** 28) throw fault("LK0203", "A type of the component takes 2^28 bytes or more");
  const handles = shape.kind === "own" || shape.kind === "borrow" || inner.some((type) => type.handles);
  return { ...shape, ...layout, nodes, depth, handles, plain: isPlain(shape, layout.size) };
};

const layoutOf = (shape: Shape): Pick<Layout, "size" | "alignment" | "flat"> => {
  if (isScalar(shape)) {
    const [size, core] = scalars[shape.kind];
    return { size, alignment: size, flat: [core] };
  }
  switch (shape.kind) {
    case "string":
    case "list":
    case "map":
      return { size: 8, alignment: 4, flat: ["i32", "i32"] };
    case "array": {
      const { element, length } = shape;
      const flat =
        element.flat && element.flat.length * length <= flatParamsMax
          ? new Array<readonly CoreKind[]>(length).fill(element.flat).flat()
          : undefined;
      return { size: element.size * length, alignment: element.alignment, flat };
    }
    case "record":
    case "tuple": {
      const types = parts(shape);
      const alignment = types.reduce<number>((most, type) => Math.max(most, type.alignment), 1);
      return { size: fieldOffsets(shape.fields).at(-1)!, alignment, flat: flatRow(types) };
    }
    case "variant":
    case "option":
    case "result": {
      const types = parts(shape);
      const disc = discriminantSize(shape.cases.length);
      const alignment = types.reduce<number>((most, type) => Math.max(most, type.alignment), disc);
      const payload = types.reduce<number>((most, type) => Math.max(most, type.size), 0);
      const size = alignTo(payloadOffset(shape.cases) + payload, alignment);
      return { size, alignment, flat: flatVariant(shape.cases) };
    }
    case "enum": {
      const size = discriminantSize(shape.labels.length);
      return { size, alignment: size, flat: ["i32"] };
    }
    case "flags": {
      const size = flagsSize(shape.labels.length);
      return { size, alignment: size, flat: ["i32"] };
    }
    default:
      return { size: 4, alignment: 4, flat: ["i32"] };
  }
};

const isPlain = (shape: Shape, size: number): boolean => {
  if (isNumber(shape)) return true;
  if (shape.kind === "array") return shape.element.plain;
  if (shape.kind !== "record" && shape.kind !== "tuple") return false;
  const types = parts(shape);
  return types.every((type) => type.plain) && types.reduce((sum, type) => sum + type.size, 0) === size;
};

const scalarTypes = new Map<string, ValueType>();

/** The one type object of a primitive. */
export const primitive = (kind: ScalarKind | "string" | "error-context"): ValueType => {
  let type = scalarTypes.get(kind);
  if (!type) {
    type = laidOut(kind === "error-context" ? { kind: "async", name: kind } : { kind });
    scalarTypes.set(kind, type);
  }
  return type;
};

export const fieldsOf = (fields: readonly { readonly name: string; readonly type: ValueType }[]): Field[] =>
  fields.map(({ name, type }) => ({ key: camel(name), type }));

export const tupleOf = (types: readonly ValueType[]): ValueType =>
  laidOut({ kind: "tuple", fields: types.map((type, at) => ({ key: `${at}`, type })) });

/** An option of an option keeps both levels apart with tags; a plain option is a value or undefined. */
export const isTaggedOption = (type: Of<"variant" | "option" | "result">): boolean =>
  type.kind === "option" && type.cases[1]!.type!.kind === "option";

/**
 * Names a type by its structure, resources by their place in `resources`, to which new ones are added: what two
 * functions must share to run the same generated code.
 */
export const structure = (type: ValueType | undefined, resources: ResourceType[]): string => {
  if (!type) return "_";
  const inner = () => parts(type).map((part) => structure(part, resources));
  switch (type.kind) {
    case "own":
    case "borrow": {
      if (!resources.includes(type.resource)) resources.push(type.resource);
      return `${type.kind}#${resources.indexOf(type.resource)}`;
    }
    case "array":
      return `array(${type.length},${inner()})`;
    case "record":
      return `record(${type.fields.map(({ key, type }) => `${JSON.stringify(key)}:${structure(type, resources)}`)})`;
    case "variant":
    case "result":
    case "option":
      return `${type.kind}(${type.cases.map((c) => `${JSON.stringify(c.name)}:${structure(c.type, resources)}`)})`;
    case "enum":
    case "flags":
      return `${type.kind}${JSON.stringify(type.labels)}`;
    case "async":
      return type.name;
    default:
      return `${type.kind}${parts(type).length > 0 ? `(${inner()})` : ""}`;
  }
};
