// Guest code: travels inside every TypeScript component. One object per WIT type, with `lower` (the value that
// the guest wrote → what the engine wants, or a Mismatch) and `lift` (what the engine gives → jco's JS mapping).
// Whatever cannot be exact is refused here, so that neither engine gets to round, wrap or saturate.
import { quickjs } from "loop:engine";

/** A value that does not fit its type; each layer outwards adds its part of the path. */
export class Mismatch {
  constructor(kind, expected, value, given = shown(value)) {
    this.kind = kind;
    this.text = `${expected} was expected, and ${given} was given`;
    this.path = "";
  }
  error(where) {
    return new this.kind(`${where}${this.path}: ${this.text}`);
  }
}

const shown = (value) => {
  if (typeof value === "string")
    return value.length > 40 ? `a string of ${value.length}` : JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (value === null || typeof value !== "object")
    return typeof value === "function" ? "a function" : String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return Object.hasOwn(value, "tag") ? `an object tagged ${JSON.stringify(value.tag)}` : "an object";
};

const wrongType = (expected, value) => new Mismatch(TypeError, expected, value);
const outOfRange = (expected, value) => new Mismatch(RangeError, expected, value);

const below = (error, step) => {
  if (error instanceof Mismatch) error.path = step + error.path;
  return error;
};

const same = (value) => value;

export const bool = {
  lower(value) {
    if (typeof value !== "boolean") throw wrongType("true or false", value);
    return value;
  },
  lift: same,
};

// QuickJS reads every integer of up to 32 bits as signed and saturates what is larger, and hands u32 back as
// signed; `| 0` and `>>> 0` are the exact way there and back.
const integer = (name, low, high) => {
  const expected = `${name} (an integer from ${low} to ${high})`;
  return {
    lower(value) {
      if (typeof value !== "number") throw wrongType(expected, value);
      if (!(value >= low && value <= high) || Math.trunc(value) !== value) throw outOfRange(expected, value);
      return quickjs ? value | 0 : value;
    },
    lift: quickjs && name === "u32" ? (value) => value >>> 0 : same,
  };
};

export const u8 = integer("u8", 0, 0xff);
export const u16 = integer("u16", 0, 0xffff);
export const u32 = integer("u32", 0, 0xffffffff);
export const s8 = integer("s8", -0x80, 0x7f);
export const s16 = integer("s16", -0x8000, 0x7fff);
export const s32 = integer("s32", -0x80000000, 0x7fffffff);

// QuickJS would carry 64 bits as a Number. The builder changes its runtime to carry sixteen hexadecimal digits
// (and a Number only where that is exact), see wide.ts.
const wide = (name, low, high, wrap) => {
  const expected = `${name} (a bigint from ${low} to ${high})`;
  return {
    lower(value) {
      const exact = Number.isSafeInteger(value) ? BigInt(value) : value;
      if (typeof exact !== "bigint") throw wrongType(expected, value);
      if (exact < low || exact > high) throw outOfRange(expected, value);
      return quickjs ? BigInt.asUintN(64, exact).toString(16).padStart(16, "0") : exact;
    },
    // StarlingMonkey gives negative s64 as what they are in u64.
    lift: (value) => wrap(64, typeof value === "string" ? BigInt(`0x${value}`) : BigInt(value)),
  };
};

export const u64 = wide("u64", 0n, 2n ** 64n - 1n, BigInt.asUintN);
export const s64 = wide("s64", -(2n ** 63n), 2n ** 63n - 1n, BigInt.asIntN);

// StarlingMonkey's componentizer reads an argument or answer that is one core number as a small integer: a u32
// from 2^31 becomes another number and a negative s64 stops the guest. In memory (lists, long signatures) both
// are right. What it would garble is refused.
const garbled =
  "what is beyond goes wrong in StarlingMonkey's componentizer; use the engine quickjs, or a list";

const within = (type, expected, low, high) => ({
  lower(value) {
    const lowered = type.lower(value);
    if (lowered < low || lowered > high) throw outOfRange(`${expected} here (${garbled})`, value);
    return lowered;
  },
  lift: type.lift,
});

export const flat_u32 = within(u32, "u32 up to 2147483647", 0, 0x7fffffff);
export const flat_s64 = within(s64, "s64 from 0", 0n, 2n ** 63n - 1n);

const float = (name) => ({
  lower(value) {
    if (typeof value !== "number") throw wrongType(`${name} (a number)`, value);
    return value;
  },
  lift: same,
});

export const f32 = float("f32");
export const f64 = float("f64");

export const char = {
  lower(value) {
    if (typeof value !== "string") throw wrongType("char (a string of one character)", value);
    const point = value.codePointAt(0);
    if (
      point === undefined ||
      value.length !== (point > 0xffff ? 2 : 1) ||
      (point >= 0xd800 && point <= 0xdfff)
    )
      throw outOfRange("char (a string of one character)", value);
    return value;
  },
  lift: same,
};

export const string = {
  lower(value) {
    if (typeof value !== "string") throw wrongType("string", value);
    // A lone surrogate has no UTF-8; TextEncoder, and so jco, writes U+FFFD.
    return value.isWellFormed() ? value : value.toWellFormed();
  },
  lift: same,
};

const listed = (value, expected) => {
  if (Array.isArray(value)) return value;
  if (value === null || typeof value !== "object" || typeof value[Symbol.iterator] !== "function")
    throw wrongType(expected, value);
  return Array.from(value);
};

const lowerAll = (element, items) => {
  const out = new Array(items.length);
  let at = 0;
  try {
    for (; at < items.length; at++) out[at] = element.lower(items[at]);
  } catch (error) {
    throw below(error, `[${at}]`);
  }
  return out;
};

export const list = (element) => ({
  lower: (value) => lowerAll(element, listed(value, "list (an array)")),
  lift: element.lift === same ? same : (value) => value.map((item) => element.lift(item)),
});

/** A list of numbers: a typed array of its own kind both ways; a plain array of exact numbers is taken too. */
export const numbers = (element, Kind) => {
  const exact = Kind === BigInt64Array || Kind === BigUint64Array ? BigInt : same;
  const check =
    quickjs && exact === BigInt
      ? (item) => BigInt(Number.isSafeInteger(item) ? item : exactly(element, item))
      : (item) => element.lower(item);
  return {
    lower(value) {
      if (value instanceof Kind) return value;
      const items = listed(value, `list (${Kind.name} or an array)`);
      const out = new Kind(items.length);
      let at = 0;
      try {
        for (; at < items.length; at++) out[at] = check(items[at]);
      } catch (error) {
        throw below(error, `[${at}]`);
      }
      return out;
    },
    lift: (value) => (value instanceof Kind ? value : Kind.from(value, (item) => element.lift(item))),
  };
};

const exactly = (element, item) => {
  element.lower(item);
  return item;
};

export const tuple = (...elements) => ({
  lower(value) {
    const items = listed(value, `tuple (an array of ${elements.length})`);
    if (items.length !== elements.length) throw wrongType(`tuple (an array of ${elements.length})`, value);
    let at = 0;
    try {
      return elements.map((element, index) => {
        at = index;
        return element.lower(items[index]);
      });
    } catch (error) {
      throw below(error, `[${at}]`);
    }
  },
  lift: (value) => elements.map((element, at) => element.lift(value[at])),
});

/** Fields as [name in the JS mapping, name that the engine uses, type]. */
export const record = (...fields) => ({
  lower(value) {
    if (value === null || typeof value !== "object") throw wrongType("record (an object)", value);
    const out = {};
    let name = "";
    try {
      for (const [js, native, type] of fields) {
        name = js;
        out[native] = type.lower(value[js]);
      }
    } catch (error) {
      throw below(error, `.${name}`);
    }
    return out;
  },
  lift(value) {
    const out = {};
    for (const [js, native, type] of fields) out[js] = type.lift(value[native]);
    return out;
  },
});

const tagged = (expected, cases, liftEmpty) => {
  const types = new Map(cases);
  const caseOf = (value) => {
    if (value === null || typeof value !== "object" || !types.has(value.tag))
      throw wrongType(expected, value);
    return types.get(value.tag);
  };
  return {
    lower(value) {
      const type = caseOf(value);
      if (!type) return { tag: value.tag };
      try {
        return { tag: value.tag, val: type.lower(value.val) };
      } catch (error) {
        throw below(error, `(${value.tag})`);
      }
    },
    lift(value) {
      const type = types.get(value.tag);
      return type ? { tag: value.tag, val: type.lift(value.val) } : liftEmpty(value.tag);
    },
  };
};

/** Cases as [name, type or undefined]. */
export const variant = (...cases) =>
  tagged(`variant (an object tagged ${cases.map(([name]) => name).join(", ")})`, cases, (tag) => ({ tag }));

/** A result that is not a function's own: `{ tag: "ok" | "err", val }`. */
export const result = (ok, err) =>
  tagged(
    "result (an object tagged ok or err)",
    [
      ["ok", ok],
      ["err", err],
    ],
    (tag) => ({ tag, val: undefined }),
  );

export const option = (element) => ({
  lower: (value) =>
    value === undefined || value === null ? (quickjs ? null : undefined) : element.lower(value),
  lift: (value) => (value === undefined || value === null ? undefined : element.lift(value)),
});

/** An option of an option, where `none` and `some(none)` have to differ. */
export const nested = (element) =>
  tagged(
    "option (an object tagged some or none)",
    [
      ["none", undefined],
      ["some", element],
    ],
    (tag) => ({ tag }),
  );

export const enumeration = (...cases) => {
  const known = new Set(cases);
  return {
    lower(value) {
      if (!known.has(value)) throw wrongType(`enum (${cases.join(", ")})`, value);
      return value;
    },
    lift: same,
  };
};

/** Flags as [name in the JS mapping, name that the engine uses]. */
export const flags = (...names) => ({
  lower(value) {
    if (value !== undefined && (value === null || typeof value !== "object"))
      throw wrongType("flags (an object of booleans)", value);
    const out = {};
    for (const [js, native] of names) out[native] = Boolean(value?.[js]);
    return out;
  },
  lift(value) {
    const out = {};
    for (const [js, native] of names) out[js] = Boolean(value[native]);
    return out;
  },
});
