import type { StringEncoding } from "../../contract/binary/ast.ts";
import type { Code } from "./code.ts";
import type { ComponentInstance, ResourceType } from "./state.ts";
import type { CoreKind, ValueType } from "./type.ts";

// Where values come from and go to while code is generated: JavaScript, core values in a row, linear memory.

/** One guest's end of a call, by the names that the generated code has for it. */
export interface Side {
  /** "0" or "1"; the names are `memory0`, `realloc0`, `instance0`. */
  readonly id: string;
  readonly instance: ComponentInstance;
  readonly encoding: StringEncoding;
}

export const memoryOf = (side: Side): string => `memory${side.id}`;
export const reallocOf = (side: Side): string => `realloc${side.id}`;
export const instanceOf = (side: Side): string => `instance${side.id}`;

/** Core values in order, consumed as the flattening says. */
export class FlatCursor {
  readonly #values: readonly { readonly name: string; readonly core: CoreKind }[];
  #at: number;

  constructor(values: readonly { readonly name: string; readonly core: CoreKind }[], at = 0) {
    this.#values = values;
    this.#at = at;
  }

  /** The next value as the core type that is wanted, undoing what `join` did to it. */
  next(wanted: CoreKind): string {
    const { name, core } = this.#values[this.#at++]!;
    return core === wanted ? name : narrowed(name, core, wanted);
  }

  /** The same place, for one of several cases. */
  fork(): FlatCursor {
    return new FlatCursor(this.#values, this.#at);
  }

  skip(count: number): void {
    this.#at += count;
  }
}

const narrowed = (name: string, have: CoreKind, wanted: CoreKind): string => {
  if (have === "i32" && wanted === "f32") return `K.f32OfBits(${name})`;
  if (wanted === "i32") return `Number(BigInt.asIntN(32, ${name}))`;
  if (wanted === "f32") return `K.f32OfBits(Number(BigInt.asIntN(32, ${name})))`;
  return `K.f64OfBits(${name})`;
};

/** A core value as the joined type that stands for it. */
export const widened = (value: string, have: CoreKind, wanted: CoreKind): string => {
  if (have === wanted) return value;
  if (have === "f32" && wanted === "i32") return `K.bitsOfF32(${value})`;
  if (have === "i32") return `BigInt((${value}) >>> 0)`;
  if (have === "f32") return `BigInt(K.bitsOfF32(${value}) >>> 0)`;
  return `K.bitsOfF64(${value})`;
};

export type Source =
  | { readonly kind: "js"; readonly value: string }
  | { readonly kind: "flat"; readonly side: Side; readonly cursor: FlatCursor }
  | { readonly kind: "memory"; readonly side: Side; readonly base: string; readonly offset: number };

export type Target =
  | { readonly kind: "js" }
  | { readonly kind: "flat"; readonly side: Side }
  | { readonly kind: "memory"; readonly side: Side; readonly base: string; readonly offset: number };

/** A pointer with a constant added. */
export const plus = (base: string, offset: number): string => (offset === 0 ? base : `${base} + ${offset}`);

/** Index into a view whose elements have `size` bytes. */
export const indexOf = (base: string, offset: number, size: number): string => {
  const at = offset === 0 ? base : `${base} + ${offset}`;
  if (size === 1) return at;
  return `(${at}) >>> ${Math.log2(size)}`;
};

export type GuestSource = Exclude<Source, { kind: "js" }>;
export type GuestTarget = Exclude<Target, { kind: "js" }>;

/** What one call keeps while values move: handles lent and the scope of those lowered as borrows. */
export interface Moving {
  readonly code: Code;
  /** Moves a part of what is being moved: types nest. */
  readonly move: (moving: Moving, type: ValueType, from: Source, to: Target) => string[];
  /** The resource types of the function, in the order of `structure`; the code names them by their place. */
  readonly resources: readonly ResourceType[];
  /** The host reads lists of numbers before it returns: it is given views of the guest's memory. */
  readonly views?: boolean;
  /** Name of the array of lent things. */
  readonly lent: string;
  /** Name of the scope that lowered borrows count in. */
  readonly scope: string;
}
