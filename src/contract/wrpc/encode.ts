// Values as bytes, between processes. Owns the component model's value encoding as wRPC uses it, both ways and strict;
// refuses what means nothing in another process (streams, futures) and to know what a resource's handle stands for;
// called by whoever speaks with a sidecar.
// Source: https://github.com/bytecodealliance/wrpc, SPEC.md, and its codec where that is silent.
import { camel, type ResourceType, type Type } from "../model.ts";
import { isOption } from "../type.ts";

/** Bytes are no value of the type that was looked for, or a value is none that can be written. */
export class WireError extends Error {
  override readonly name = "WireError";
}

export type HandleType = Extract<Type, { kind: "own" | "borrow" }>;

/** Turns a resource's object into the bytes that stand for it. Throws WireError, and what its maker has to say. */
export type HandleOf = (value: unknown, type: HandleType) => Uint8Array;

/**
 * What of a type cannot be said to another process, as WIT says it: "own<file>". Undefined where all of it can.
 * `known` says of which resources the other side has handles.
 */
export const cannotCross = (
  type: Type | undefined,
  known: (resource: ResourceType) => boolean = () => false,
): string | undefined => {
  const inner = (one: Type | undefined) => cannotCross(one, known);
  const first = (types: readonly (Type | undefined)[]) => {
    for (const one of types) {
      const found = inner(one);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  switch (type?.kind) {
    case "own":
    case "borrow":
      return known(type.resource) ? undefined : `${type.kind}<${type.resource.name}>`;
    case "stream":
    case "future":
    case "error-context":
      return type.kind;
    case "list":
    case "option":
      return inner(type.element);
    case "map":
      return inner(type.key) ?? inner(type.value);
    case "result":
      return inner(type.ok) ?? inner(type.err);
    case "tuple":
      return first(type.elements);
    case "record":
      return first(type.fields.map((field) => field.type));
    case "variant":
      return first(type.cases.map((one) => one.type));
    default:
      return undefined;
  }
};

/** Values in the JS mapping, one behind the other: a function's arguments, or its one result. Throws WireError. */
export const encode = (
  values: readonly unknown[],
  types: readonly Type[],
  bytesMax: number,
  handleOf?: HandleOf,
): Uint8Array => {
  const writer = new Writer(bytesMax, handleOf);
  for (const [at, type] of types.entries()) writer.value(values[at], type);
  return writer.bytes();
};

const encoder = new TextEncoder();

class Writer {
  readonly #bytesMax: number;
  readonly #handleOf: HandleOf | undefined;
  #buffer = new Uint8Array(256);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  constructor(bytesMax: number, handleOf: HandleOf | undefined) {
    this.#bytesMax = bytesMax;
    this.#handleOf = handleOf;
  }

  bytes(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  value(value: unknown, type: Type): void {
    switch (type.kind) {
      case "bool":
        this.#byte(value ? 1 : 0);
        break;
      case "u8":
      case "s8":
        this.#byte(Number(value) & 0xff);
        break;
      case "u16":
      case "u32":
        this.#count(Number(value));
        break;
      case "u64":
        this.#unsigned(value as bigint);
        break;
      case "s16":
      case "s32":
        this.#signed(BigInt(value as number));
        break;
      case "s64":
        this.#signed(value as bigint);
        break;
      case "f32": {
        const at = this.#room(4);
        this.#view.setFloat32(at, value as number, true);
        break;
      }
      case "f64": {
        const at = this.#room(8);
        this.#view.setFloat64(at, value as number, true);
        break;
      }
      case "char":
        this.#raw(encoder.encode(value as string));
        break;
      case "string":
        this.#sized(encoder.encode(value as string));
        break;
      case "enum":
        this.#count(indexOf(type.cases, value as string));
        break;
      case "flags":
        this.#flags(value as Readonly<Record<string, boolean>>, type.flags);
        break;
      case "own":
      case "borrow":
        if (!this.#handleOf) throw new WireError(`${cannotCross(type)} cannot be said to another process`);
        this.#sized(this.#handleOf(value, type));
        break;
      case "error-context":
      case "stream":
      case "future":
        throw new WireError(`${cannotCross(type)} cannot be said to another process`);
      default:
        this.#compound(value, type);
        break;
    }
  }

  #compound(value: unknown, type: Compound): void {
    switch (type.kind) {
      case "list":
        this.#list(value as ArrayLike<unknown>, type);
        break;
      case "map": {
        const pairs = value as ReadonlyMap<unknown, unknown>;
        this.#count(pairs.size);
        for (const [key, one] of pairs) {
          this.value(key, type.key);
          this.value(one, type.value);
        }
        break;
      }
      case "tuple":
        for (const [at, element] of type.elements.entries())
          this.value((value as readonly unknown[])[at], element);
        break;
      case "record":
        for (const field of type.fields)
          this.value((value as Readonly<Record<string, unknown>>)[camel(field.name)], field.type);
        break;
      case "option":
        this.#option(value, type.element);
        break;
      case "result": {
        const { tag, val } = value as Tagged;
        this.#byte(tag === "ok" ? 0 : 1);
        this.#payload(val, tag === "ok" ? type.ok : type.err);
        break;
      }
      case "variant": {
        const { tag, val } = value as Tagged;
        const names = type.cases.map((one) => one.name);
        const at = indexOf(names, tag);
        this.#count(at);
        this.#payload(val, type.cases[at]!.type);
        break;
      }
    }
  }

  #payload(value: unknown, type: Type | undefined): void {
    if (type) this.value(value, type);
  }

  #option(value: unknown, element: Type): void {
    const nested = isOption(element);
    const there = nested ? (value as Tagged).tag === "some" : value !== undefined;
    this.#byte(there ? 1 : 0);
    if (there) this.value(nested ? (value as Tagged).val : value, element);
  }

  #list(values: ArrayLike<unknown>, { element, length }: Extract<Type, { kind: "list" }>): void {
    if (length === undefined) this.#count(values.length);
    else if (values.length !== length)
      throw new WireError(`a list of ${length} has ${values.length} elements`);
    if (element.kind === "u8") this.#raw(values as ArrayLike<number>);
    else for (let at = 0; at < values.length; at++) this.value(values[at], element);
  }

  #flags(value: Readonly<Record<string, boolean>>, names: readonly string[]): void {
    const bits = new Uint8Array(Math.ceil(names.length / 8));
    for (const [at, name] of names.entries()) if (value[camel(name)]) bits[at >> 3]! |= 1 << (at & 7);
    this.#raw(bits);
  }

  #byte(byte: number): void {
    const at = this.#room(1);
    this.#buffer[at] = byte;
  }

  #sized(bytes: Uint8Array): void {
    this.#count(bytes.length);
    this.#raw(bytes);
  }

  #raw(bytes: ArrayLike<number>): void {
    const at = this.#room(bytes.length);
    this.#buffer.set(bytes, at);
  }

  /** LEB128 of at most 32 bits. */
  #count(value: number): void {
    let rest = value >>> 0;
    for (; rest > 0x7f; rest >>>= 7) this.#byte((rest & 0x7f) | 0x80);
    this.#byte(rest);
  }

  #unsigned(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    for (; rest > 0x7fn; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80);
    this.#byte(Number(rest));
  }

  #signed(value: bigint): void {
    let rest = value;
    for (; rest < -64n || rest > 63n; rest >>= 7n) this.#byte(Number(rest & 0x7fn) | 0x80);
    this.#byte(Number(rest & 0x7fn));
  }

  /** Where the next `count` bytes go. */
  #room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytesMax)
      throw new WireError(`the values are longer than ${this.#bytesMax} bytes, which is the limit`);
    if (this.#length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#buffer.length * 2));
      grown.set(this.#buffer.subarray(0, at));
      this.#buffer = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

interface Tagged {
  readonly tag: string;
  readonly val?: unknown;
}

/** Types that are made of others. */
export type Compound = Extract<
  Type,
  { kind: "list" | "map" | "option" | "result" | "tuple" | "record" | "variant" }
>;

const indexOf = (names: readonly string[], name: string): number => {
  const at = names.indexOf(name);
  if (at < 0) throw new WireError(`"${name}" is none of ${names.join(", ")}`);
  return at;
};
