import { camel, type Type } from "../model.ts";
import { isOption, numberArrays } from "../type.ts";
import { type Compound, cannotCross, type HandleType, WireError } from "./encode.ts";

/** Turns the bytes that stand for a resource into its object. Throws WireError, and what its maker has to say. */
export type ObjectOf = (handle: Uint8Array, type: HandleType) => unknown;

/**
 * Values of these types, which take up all of the bytes, in the JS mapping. What is claimed is never believed before
 * the bytes for it are there. Throws WireError.
 */
export const decode = (bytes: Uint8Array, types: readonly Type[], objectOf?: ObjectOf): unknown[] => {
  const reader = new Reader(bytes, objectOf);
  const values = types.map((type) => reader.value(type));
  reader.end();
  return values;
};

// A byte order mark is a character like others.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #objectOf: ObjectOf | undefined;
  #at = 0;

  constructor(bytes: Uint8Array, objectOf: ObjectOf | undefined) {
    this.#bytes = bytes;
    this.#objectOf = objectOf;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left > 0) throw new WireError(`${left} bytes are left after the last value`);
  }

  value(type: Type): unknown {
    switch (type.kind) {
      case "bool":
        return this.#choice() === 1;
      case "u8":
        return this.#byte();
      case "s8":
        return (this.#byte() << 24) >> 24;
      case "u16":
        return Number(this.#unsigned(16));
      case "u32":
        return this.#count();
      case "u64":
        return this.#unsigned(64);
      case "s16":
        return Number(this.#signed(16));
      case "s32":
        return Number(this.#signed(32));
      case "s64":
        return this.#signed(64);
      case "f32":
        return this.#view.getFloat32(this.#take(4), true);
      case "f64":
        return this.#view.getFloat64(this.#take(8), true);
      case "char":
        return this.#char();
      case "string":
        return this.#text(this.#count());
      case "enum":
        return this.#case(type.cases);
      case "flags":
        return this.#flags(type.flags);
      case "own":
      case "borrow":
        if (!this.#objectOf) throw new WireError(`${cannotCross(type)} cannot be said by another process`);
        return this.#objectOf(this.#blob(), type);
      case "error-context":
      case "stream":
      case "future":
        throw new WireError(`${cannotCross(type)} cannot be said by another process`);
      default:
        return this.#compound(type);
    }
  }

  #compound(type: Compound): unknown {
    switch (type.kind) {
      case "list":
        return this.#list(type);
      case "map":
        return new Map(
          this.#repeat(this.#elements(), () => [this.value(type.key), this.value(type.value)] as const),
        );
      case "tuple":
        return type.elements.map((element) => this.value(element));
      case "record":
        return Object.fromEntries(type.fields.map((field) => [camel(field.name), this.value(field.type)]));
      case "option": {
        const there = this.#choice() === 1;
        const value = there ? this.value(type.element) : undefined;
        if (!isOption(type.element)) return value;
        return there ? { tag: "some", val: value } : { tag: "none" };
      }
      case "result": {
        const tag = this.#choice() === 0 ? "ok" : "err";
        return this.#tagged(tag, type[tag]);
      }
      case "variant": {
        const chosen = type.cases[this.#index(type.cases.length)]!;
        return this.#tagged(chosen.name, chosen.type);
      }
    }
  }

  #tagged(tag: string, type: Type | undefined): unknown {
    return type ? { tag, val: this.value(type) } : { tag };
  }

  #list({ element, length }: Extract<Type, { kind: "list" }>): unknown {
    const count = length ?? this.#elements();
    const { kind } = element;
    if (length === undefined && kind === "u8") return this.#copied(count);
    const values = this.#repeat(count, () => this.value(element));
    // Lists of a fixed length are tuples in the JS mapping, whatever is in them.
    if (length !== undefined || !(kind in numberArrays)) return values;
    const TypedArray = numberArrays[kind as keyof typeof numberArrays];
    return (TypedArray as { from(values: unknown[]): unknown }).from(values);
  }

  #blob(): Uint8Array {
    return this.#copied(this.#elements());
  }

  /** A copy, and of this very kind: Buffer.slice would be neither. */
  #copied(count: number): Uint8Array {
    const at = this.#take(count);
    return new Uint8Array(this.#bytes.subarray(at, at + count));
  }

  #repeat<T>(count: number, read: () => T): T[] {
    const values: T[] = [];
    for (let i = 0; i < count; i++) values.push(read());
    return values;
  }

  /** How many elements follow: every value of WIT takes up a byte at least. */
  #elements(): number {
    const count = this.#count();
    if (count > this.#bytes.length - this.#at)
      throw new WireError(
        `${count} elements are announced, and ${this.#bytes.length - this.#at} bytes follow`,
      );
    return count;
  }

  #case(names: readonly string[]): string {
    return names[this.#index(names.length)]!;
  }

  #index(count: number): number {
    const index = this.#count();
    if (index >= count) throw new WireError(`case ${index} was chosen of ${count}`);
    return index;
  }

  #flags(names: readonly string[]): unknown {
    const at = this.#take(Math.ceil(names.length / 8));
    const isSet = (bit: number) => ((this.#bytes[at + (bit >> 3)]! >> (bit & 7)) & 1) === 1;
    for (let bit = names.length; bit % 8 !== 0; bit++)
      if (isSet(bit)) throw new WireError(`flag ${bit} is set of ${names.length}`);
    return Object.fromEntries(names.map((name, bit) => [camel(name), isSet(bit)]));
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  #choice(): number {
    const byte = this.#byte();
    if (byte > 1) throw new WireError(`0 or 1 was looked for, and ${byte} is there`);
    return byte;
  }

  #count(): number {
    return Number(this.#unsigned(32));
  }

  #unsigned(bits: number): bigint {
    const { value, width } = this.#leb(bits);
    if (value >> BigInt(bits) !== 0n)
      throw new WireError(`a number of more than ${bits} bits (${width} bytes)`);
    return value;
  }

  #signed(bits: number): bigint {
    const { value, width } = this.#leb(bits);
    const signed = BigInt.asIntN(width * 7, value);
    if (BigInt.asIntN(bits, signed) !== signed)
      throw new WireError(`a number of more than ${bits} bits (${width} bytes)`);
    return signed;
  }

  /** What a LEB128 number of at most `bits` says, its sign aside. */
  #leb(bits: number): { readonly value: bigint; readonly width: number } {
    const widthMax = Math.ceil(bits / 7);
    let small = 0;
    let value = 0n;
    for (let width = 1; width <= widthMax; width++) {
      const byte = this.#byte();
      // Four times seven bits are a small integer still, and most numbers end there.
      if (width <= 4) small |= (byte & 0x7f) << ((width - 1) * 7);
      else value |= BigInt(byte & 0x7f) << BigInt((width - 1) * 7);
      if (byte < 0x80) return { value: value | BigInt(small), width };
    }
    throw new WireError(`a number of ${bits} bits does not end within ${widthMax} bytes`);
  }

  #char(): string {
    const lead = this.#byte();
    const more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    this.#at--;
    const text = this.#text(more + 1);
    if ([...text].length !== 1) throw new WireError("a char is one character");
    return text;
  }

  #text(length: number): string {
    const at = this.#take(length);
    try {
      return decoder.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw new WireError("a text is not in UTF-8");
    }
  }

  /** Where the next `count` bytes lie. */
  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at)
      throw new WireError(`${count} bytes were looked for, and ${this.#bytes.length - at} are left`);
    this.#at += count;
    return at;
  }
}
