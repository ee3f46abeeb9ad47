import {
  type GuestSource,
  type GuestTarget,
  indexOf,
  type Moving,
  memoryOf,
  type Source,
  type Target,
} from "./place.ts";
import { type ScalarKind, scalarCore, scalarSize } from "./type.ts";

// Code that moves one scalar, and the raw integers behind discriminants, flags and handles.

/** What brings any core i32 into the kind's range; high bits are ignored. */
const narrow: Partial<Record<ScalarKind, (value: string) => string>> = {
  bool: (value) => `${value} !== 0`,
  u8: (value) => `${value} & 255`,
  s8: (value) => `${value} << 24 >> 24`,
  u16: (value) => `${value} & 65535`,
  s16: (value) => `${value} << 16 >> 16`,
  u32: (value) => `${value} >>> 0`,
  s32: (value) => `${value} | 0`,
  u64: (value) => `BigInt.asUintN(64, ${value})`,
  s64: (value) => `BigInt.asIntN(64, ${value})`,
  char: (value) => `K.scalarValue(${value} >>> 0)`,
};

/** What a host's value must fulfil; the name is bound before, so it is read once. */
const fits: Record<ScalarKind, (name: string) => string> = {
  bool: (v) => `!!${v}`,
  u8: (v) => `(${v} & 255) === ${v} ? ${v} : K.misfit("u8", ${v})`,
  s8: (v) => `(${v} << 24 >> 24) === ${v} ? ${v} : K.misfit("s8", ${v})`,
  u16: (v) => `(${v} & 65535) === ${v} ? ${v} : K.misfit("u16", ${v})`,
  s16: (v) => `(${v} << 16 >> 16) === ${v} ? ${v} : K.misfit("s16", ${v})`,
  u32: (v) => `(${v} >>> 0) === ${v} ? ${v} : K.misfit("u32", ${v})`,
  s32: (v) => `(${v} | 0) === ${v} ? ${v} : K.misfit("s32", ${v})`,
  u64: (v) => `typeof ${v} === "bigint" && BigInt.asUintN(64, ${v}) === ${v} ? ${v} : K.misfit("u64", ${v})`,
  s64: (v) => `typeof ${v} === "bigint" && BigInt.asIntN(64, ${v}) === ${v} ? ${v} : K.misfit("s64", ${v})`,
  f32: (v) => `typeof ${v} === "number" ? ${v} : K.misfit("f32", ${v})`,
  f64: (v) => `typeof ${v} === "number" ? ${v} : K.misfit("f64", ${v})`,
  char: (v) => `K.codePoint(${v})`,
};

export const viewOf: Record<ScalarKind, string> = {
  bool: "u8",
  u8: "u8",
  s8: "s8",
  u16: "u16",
  s16: "s16",
  u32: "u32",
  s32: "s32",
  u64: "u64",
  s64: "s64",
  f32: "f32",
  f64: "f64",
  char: "u32",
};

/** A scalar in its plain form: number, bigint, boolean, or a character's code point. */
export const scalar = ({ code }: Moving, kind: ScalarKind, from: Source): string => {
  switch (from.kind) {
    case "js": {
      // BigInt operators throw on numbers and the reverse, so the test of the type stands in the code.
      const name = code.bind(from.value);
      return code.bind(fits[kind](name));
    }
    case "flat": {
      const value = from.cursor.next(scalarCore(kind));
      const narrowing = narrow[kind];
      return narrowing ? `(${narrowing(value)})` : value;
    }
    case "memory": {
      const index = indexOf(from.base, from.offset, scalarSize(kind));
      const value = `${memoryOf(from.side)}.${viewOf[kind]}[${index}]`;
      if (kind === "bool") return `(${value} !== 0)`;
      return kind === "char" ? `K.scalarValue(${value})` : value;
    }
  }
};

export const put = ({ code }: Moving, kind: ScalarKind, value: string, to: Target): string[] => {
  switch (to.kind) {
    case "js":
      return [kind === "char" ? `String.fromCodePoint(${value})` : value];
    case "flat":
      return [kind === "bool" ? `(${value} ? 1 : 0)` : value];
    case "memory": {
      const index = indexOf(to.base, to.offset, scalarSize(kind));
      const stored = kind === "bool" ? `${value} ? 1 : 0` : value;
      code.line(`${memoryOf(to.side)}.${viewOf[kind]}[${index}] = ${stored};`);
      return [];
    }
  }
};

/** An unsigned i32 of a kind that JavaScript does not see: a discriminant, flags, a handle's index. */
export const raw = (from: GuestSource, size: 1 | 2 | 4): string => {
  if (from.kind === "flat") return `(${from.cursor.next("i32")} >>> 0)`;
  return `${memoryOf(from.side)}.u${size * 8}[${indexOf(from.base, from.offset, size)}]`;
};

export const putRaw = ({ code }: Moving, value: string, size: 1 | 2 | 4, to: GuestTarget): string[] => {
  if (to.kind === "flat") return [value];
  code.line(`${memoryOf(to.side)}.u${size * 8}[${indexOf(to.base, to.offset, size)}] = ${value};`);
  return [];
};
