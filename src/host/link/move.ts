import { camel } from "../../contract/model.ts";
import { property, quoted } from "./code.ts";
import {
  indexOf,
  instanceOf,
  type Moving,
  memoryOf,
  reallocOf,
  type Side,
  type Source,
  type Target,
  widened,
} from "./place.ts";
import {
  type Case,
  discriminantSize,
  type Field,
  fieldOffsets,
  flagsSize,
  isNumber,
  isScalar,
  isTaggedOption,
  type Of,
  payloadOffset,
  type ScalarKind,
  scalarCore,
  scalarSize,
  type ValueType,
} from "./type.ts";

// Generates the code that moves one value of a type from a source to a target. Every pairing but JavaScript to
// JavaScript exists, so one traversal lifts, lowers and copies from guest to guest with nothing in between.
// Result: expressions. One for JavaScript, one for each core value for a flat target, none for memory.

/** Types with more parts than this become functions of their own when they lie in memory. */
const inlineNodesMax = 24;

export const move = (moving: Moving, type: ValueType, from: Source, to: Target): string[] => {
  if (type.nodes > inlineNodesMax && from.kind !== "flat" && to.kind !== "flat")
    return outlined(moving, type, from, to);
  return moveHere(moving, type, from, to);
};

const moveHere = (moving: Moving, type: ValueType, from: Source, to: Target): string[] => {
  if (isScalar(type)) return put(moving, type.kind, scalar(moving, type.kind, from), to);
  switch (type.kind) {
    case "string":
      return moveString(moving, from, to);
    case "list":
      return moveList(moving, type, from, to);
    case "array":
      return moveArray(moving, type, from, to);
    case "map":
      return moveMap(moving, type, from, to);
    case "record":
    case "tuple":
      return moveFields(moving, type, from, to);
    case "variant":
    case "option":
    case "result":
      return moveCases(moving, type, from, to);
    case "enum":
      return moveEnum(moving, type, from, to);
    case "flags":
      return moveFlags(moving, type, from, to);
    case "own":
    case "borrow":
      return moveHandle(moving, type, from, to);
    default:
      throw new Error(`A value of type ${type.kind} cannot be moved`);
  }
};

const sideKey = (place: Source | Target): string => (place.kind === "js" ? "js" : place.side.id);

const outlined = (moving: Moving, type: ValueType, from: Source, to: Target): string[] => {
  const { code } = moving;
  const ids = outlineIds.get(code) ?? new Map<ValueType, number>();
  outlineIds.set(code, ids);
  if (!ids.has(type)) ids.set(type, ids.size);
  const key = `move ${ids.get(type)} ${sideKey(from)} ${sideKey(to)}`;
  const name = code.outlined(key, "move", "from, to, lent, scope", () => {
    const source: Source = from.kind === "js" ? { ...from, value: "from" } : at(from, "from");
    const target: Target = to.kind === "memory" ? { ...to, base: "to", offset: 0 } : to;
    const inner = { ...moving, lent: "lent", scope: "scope" };
    return moveHere(inner, type, source, target)[0] ?? "0";
  });
  const place = (which: Source | Target) =>
    which.kind === "memory"
      ? plus(which.base, which.offset)
      : which.kind === "js" && "value" in which
        ? which.value
        : "0";
  const call = `${name}(${place(from)}, ${place(to)}, ${moving.lent}, ${moving.scope})`;
  if (to.kind === "js") return [code.bind(call)];
  code.line(`${call};`);
  return [];
};

const outlineIds = new WeakMap<object, Map<ValueType, number>>();

const at = (from: Source, base: string): Source =>
  from.kind === "memory" ? { ...from, base, offset: 0 } : from;

const plus = (base: string, offset: number): string => (offset === 0 ? base : `${base} + ${offset}`);

// ── scalars ──────────────────────────────────────────────────────────────────────────────────────────────

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

const viewOf: Record<ScalarKind, string> = {
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
const scalar = ({ code }: Moving, kind: ScalarKind, from: Source): string => {
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

const put = ({ code }: Moving, kind: ScalarKind, value: string, to: Target): string[] => {
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
const raw = (from: Exclude<Source, { kind: "js" }>, size: 1 | 2 | 4): string => {
  if (from.kind === "flat") return `(${from.cursor.next("i32")} >>> 0)`;
  return `${memoryOf(from.side)}.u${size * 8}[${indexOf(from.base, from.offset, size)}]`;
};

const putRaw = (
  { code }: Moving,
  value: string,
  size: 1 | 2 | 4,
  to: Exclude<Target, { kind: "js" }>,
): string[] => {
  if (to.kind === "flat") return [value];
  code.line(`${memoryOf(to.side)}.u${size * 8}[${indexOf(to.base, to.offset, size)}] = ${value};`);
  return [];
};

// ── strings and lists ────────────────────────────────────────────────────────────────────────────────────

const loadText = { utf8: "K.loadUtf8", utf16: "K.loadUtf16", "latin1+utf16": "K.loadLatin1OrUtf16" } as const;
const storeText = {
  utf8: "K.storeUtf8",
  utf16: "K.storeUtf16",
  "latin1+utf16": "K.storeLatin1OrUtf16",
} as const;

type GuestSource = Exclude<Source, { kind: "js" }>;
type GuestTarget = Exclude<Target, { kind: "js" }>;

/** Pointer and length of a string or list in a guest. */
const pair = ({ code }: Moving, from: GuestSource): [pointer: string, length: string] => {
  if (from.kind === "flat") {
    const pointer = code.bind(`${from.cursor.next("i32")} >>> 0`);
    return [pointer, code.bind(`${from.cursor.next("i32")} >>> 0`)];
  }
  const view = `${memoryOf(from.side)}.u32`;
  const pointer = code.bind(`${view}[${indexOf(from.base, from.offset, 4)}]`);
  return [pointer, code.bind(`${view}[${indexOf(from.base, from.offset + 4, 4)}]`)];
};

const putPair = ({ code }: Moving, pointer: string, length: string, to: GuestTarget): string[] => {
  if (to.kind === "flat") return [pointer, length];
  const view = `${memoryOf(to.side)}.u32`;
  code.line(`${view}[${indexOf(to.base, to.offset, 4)}] = ${pointer};`);
  code.line(`${view}[${indexOf(to.base, to.offset + 4, 4)}] = ${length};`);
  return [];
};

const moveString = (moving: Moving, from: Source, to: Target): string[] => {
  const { code } = moving;
  if (from.kind === "js") {
    const { side } = to as GuestTarget;
    const text = code.bind(from.value);
    code.line(`if (typeof ${text} !== "string") K.misfit("string", ${text});`);
    const stored = `${storeText[side.encoding]}(${memoryOf(side)}, ${reallocOf(side)}, ${text})`;
    const pointer = code.bind(stored, "p");
    return putPair(moving, pointer, code.bind("K.stored.length", "n"), to as GuestTarget);
  }
  const [pointer, length] = pair(moving, from);
  if (to.kind === "js")
    return [code.bind(`${loadText[from.side.encoding]}(${memoryOf(from.side)}, ${pointer}, ${length})`)];
  const transcode = code.constant(`K.transcoder(${quoted(from.side.encoding)}, ${quoted(to.side.encoding)})`);
  const target = `${memoryOf(to.side)}, ${reallocOf(to.side)}`;
  const moved = code.bind(`${transcode}(${memoryOf(from.side)}, ${pointer}, ${length}, ${target})`, "p");
  return putPair(moving, moved, code.bind("K.stored.length", "n"), to);
};

const moveList = (moving: Moving, type: Of<"list">, from: Source, to: Target): string[] => {
  const { element } = type;
  if (from.kind === "js") return lowerList(moving, element, from.value, to as GuestTarget);
  const { code } = moving;
  const [pointer, length] = pair(moving, from);
  const bytes = `${length} * ${element.size}`;
  code.line(`K.listRange(${memoryOf(from.side)}, ${pointer}, ${bytes}, ${element.alignment});`);
  if (to.kind === "js") return [liftElements(moving, element, from.side, pointer, length)];
  const target = code.bind(`${reallocOf(to.side)}(0, 0, ${element.alignment}, ${bytes})`, "p");
  copyElements(moving, element, from.side, pointer, length, to.side, target);
  return putPair(moving, target, length, to);
};

const copyElements = (
  moving: Moving,
  element: ValueType,
  from: Side,
  pointer: string,
  length: string,
  to: Side,
  target: string,
): void => {
  const { code } = moving;
  if (element.plain) {
    const range = `${pointer}, ${pointer} + ${length} * ${element.size}`;
    code.line(
      `if (${length} > 0) ${memoryOf(to)}.u8.set(${memoryOf(from)}.u8.subarray(${range}), ${target});`,
    );
    return;
  }
  loop(moving, length, [pointer, target], element.size, ([source, goal]) => {
    const place: Target = { kind: "memory", side: to, base: goal!, offset: 0 };
    move(moving, element, { kind: "memory", side: from, base: source!, offset: 0 }, place);
  });
};

/** Walks pointers side by side over a number of elements. */
const loop = (
  { code }: Moving,
  length: string,
  pointers: readonly string[],
  step: number,
  body: (pointers: string[], index: string) => void,
): void => {
  const index = code.fresh("i");
  const walking = pointers.map((pointer) => [code.fresh("q"), pointer]);
  const begin = walking.map(([name, pointer]) => `, ${name} = ${pointer}`).join("");
  const next = walking.map(([name]) => `, ${name} += ${step}`).join("");
  code.line(`for (let ${index} = 0${begin}; ${index} < ${length}; ${index}++${next}) {`);
  body(
    walking.map(([name]) => name!),
    index,
  );
  code.line("}");
};

const liftElements = (
  moving: Moving,
  element: ValueType,
  side: Side,
  pointer: string,
  length: string,
): string => {
  const { code } = moving;
  if (isNumber(element)) {
    const kind = element.kind as ScalarKind;
    const start = code.bind(indexOf(pointer, 0, element.size));
    return code.bind(`${memoryOf(side)}.${viewOf[kind]}.slice(${start}, ${start} + ${length})`);
  }
  const array = code.bind(`new Array(${length})`);
  loop(moving, length, [pointer], element.size, ([source], index) => {
    const [value] = move(moving, element, { kind: "memory", side, base: source!, offset: 0 }, { kind: "js" });
    code.line(`${array}[${index}] = ${value};`);
  });
  return array;
};

const lowerList = (moving: Moving, element: ValueType, value: string, to: GuestTarget): string[] => {
  const { code } = moving;
  const list = code.bind(value);
  const length = code.bind(`K.lengthOf(${list})`, "n");
  const bytes = `${length} * ${element.size}`;
  const pointer = code.bind(`${reallocOf(to.side)}(0, 0, ${element.alignment}, ${bytes})`, "p");
  lowerElements(moving, element, list, length, to.side, pointer);
  return putPair(moving, pointer, length, to);
};

const lowerElements = (
  moving: Moving,
  element: ValueType,
  list: string,
  length: string,
  side: Side,
  pointer: string,
): void => {
  const { code } = moving;
  const each = () =>
    loop(moving, length, [pointer], element.size, ([target], index) => {
      const place: Target = { kind: "memory", side, base: target!, offset: 0 };
      move(moving, element, { kind: "js", value: `${list}[${index}]` }, place);
    });
  if (!isNumber(element)) {
    each();
    return;
  }
  const view = `${memoryOf(side)}.${viewOf[element.kind as ScalarKind]}`;
  code.line(`if (${list} instanceof ${typedArrays[element.kind as ScalarKind]}) {`);
  code.line(`if (${length} > 0) ${view}.set(${list}, ${indexOf(pointer, 0, element.size)});`);
  code.line("} else {");
  each();
  code.line("}");
};

/** A list of fixed length has neither pointer nor length: its elements lie in place. */
const moveArray = (moving: Moving, type: Of<"array">, from: Source, to: Target): string[] => {
  const { code } = moving;
  const { element, length } = type;
  const list = from.kind === "js" ? code.bind(from.value) : "";
  if (from.kind === "js")
    code.line(`if (K.lengthOf(${list}) !== ${length}) K.misfit("a list of ${length} elements", ${list});`);
  if (from.kind === "flat" || to.kind === "flat") return moveFlatArray(moving, type, from, to, list);
  if (from.kind === "js") {
    const { side, base, offset } = to as Extract<Target, { kind: "memory" }>;
    const pointer = code.bind(plus(base, offset), "p");
    lowerElements(moving, element, list, `${length}`, side, pointer);
    return [];
  }
  const pointer = code.bind(plus(from.base, from.offset), "p");
  if (to.kind === "js") return [liftElements(moving, element, from.side, pointer, `${length}`)];
  const target = code.bind(plus(to.base, to.offset), "p");
  copyElements(moving, element, from.side, pointer, `${length}`, to.side, target);
  return [];
};

const typedArrays: Partial<Record<ScalarKind, string>> = {
  u8: "Uint8Array",
  s8: "Int8Array",
  u16: "Uint16Array",
  s16: "Int16Array",
  u32: "Uint32Array",
  s32: "Int32Array",
  u64: "BigUint64Array",
  s64: "BigInt64Array",
  f32: "Float32Array",
  f64: "Float64Array",
};

/** At most sixteen elements, each written out. */
const moveFlatArray = (
  moving: Moving,
  { element, length }: Of<"array">,
  from: Source,
  to: Target,
  list: string,
): string[] => {
  const values: string[] = [];
  for (let i = 0; i < length; i++) {
    const source: Source =
      from.kind === "js"
        ? { kind: "js", value: `${list}[${i}]` }
        : from.kind === "memory"
          ? { ...from, offset: from.offset + i * element.size }
          : from;
    const target = to.kind === "memory" ? { ...to, offset: to.offset + i * element.size } : to;
    values.push(...move(moving, element, source, target));
  }
  if (to.kind !== "js") return values;
  const typed = isNumber(element) ? typedArrays[element.kind as ScalarKind] : undefined;
  return [typed ? `${typed}.of(${values.join(", ")})` : `[${values.join(", ")}]`];
};

/** A map is a list of pairs that JavaScript sees as a Map. */
const moveMap = (moving: Moving, type: Of<"map">, from: Source, to: Target): string[] => {
  const { entry } = type;
  const { code } = moving;
  if (from.kind === "js")
    return lowerList(moving, entry, code.bind(`K.entriesOf(${from.value})`), to as GuestTarget);
  if (to.kind !== "js") return moveList(moving, { ...type, kind: "list", element: entry } as never, from, to);
  const [pointer, length] = pair(moving, from);
  code.line(
    `K.listRange(${memoryOf(from.side)}, ${pointer}, ${length} * ${entry.size}, ${entry.alignment});`,
  );
  return [code.bind(`new Map(${liftElements(moving, entry, from.side, pointer, length)})`)];
};

// ── records, variants ────────────────────────────────────────────────────────────────────────────────────

const member = (value: string, key: string): string =>
  /^[A-Za-z_$][\w$]*$/.test(key) ? `${value}.${key}` : `${value}[${/^\d+$/.test(key) ? key : quoted(key)}]`;

const moveFields = (moving: Moving, type: Of<"record" | "tuple">, from: Source, to: Target): string[] => {
  const { code } = moving;
  const { fields } = type;
  const value = from.kind === "js" ? code.bind(from.value) : "";
  if (from.kind === "js")
    code.line(`if (${value} === null || typeof ${value} !== "object") K.misfit("${type.kind}", ${value});`);
  const offsets = fieldOffsets(fields);
  const moved = fields.map(({ key, type }: Field, i) => {
    const source: Source =
      from.kind === "js"
        ? { kind: "js", value: member(value, key) }
        : from.kind === "memory"
          ? { ...from, offset: from.offset + offsets[i]! }
          : from;
    const target = to.kind === "memory" ? { ...to, offset: to.offset + offsets[i]! } : to;
    return move(moving, type, source, target);
  });
  if (to.kind !== "js") return moved.flat();
  if (type.kind === "tuple") return [`[${moved.flat().join(", ")}]`];
  return [`{ ${fields.map(({ key }, i) => property(key, moved[i]![0]!)).join(", ")} }`];
};

type Variant = Of<"variant" | "option" | "result">;

/** How a source says which case it is, and where that case's payload is. */
interface Choice {
  /** What the switch is over. */
  readonly subject: string;
  label(index: number): string;
  payload(index: number): Source;
  /** The statement for a subject that is no case. */
  readonly otherwise: string;
}

const moveCases = (moving: Moving, type: Variant, from: Source, to: Target): string[] =>
  switchOver(moving, type, choose(moving, type, from), to);

/** The top-level result of a host function: its value, or what it threw, with which of the two it was. */
export const moveOutcome = (
  moving: Moving,
  type: Variant,
  failed: string,
  value: string,
  to: Target,
): string[] =>
  switchOver(
    moving,
    type,
    {
      subject: `${failed} ? 1 : 0`,
      label: (index) => `${index}`,
      payload: () => ({ kind: "js", value }),
      otherwise: 'K.trap("unreachable");',
    },
    to,
  );

const switchOver = (moving: Moving, type: Variant, choice: Choice, to: Target): string[] => {
  const { code } = moving;
  const receive = receiver(moving, type, to);
  code.line(`switch (${choice.subject}) {`);
  for (const [index, one] of type.cases.entries()) {
    code.line(`case ${choice.label(index)}: {`);
    receive.take(index, one, (target) => move(moving, one.type!, choice.payload(index), target));
    code.line("break; }");
  }
  code.line(`default: ${choice.otherwise}`);
  code.line("}");
  return receive.results;
};

const choose = (moving: Moving, type: Variant, from: Source): Choice => {
  const { code } = moving;
  const { cases } = type;
  if (from.kind === "js") return chooseFromHost(code.bind(from.value), type);
  const subject = code.bind(raw(from, discriminantSize(cases.length)), "d");
  const rest = (type.flat?.length ?? 1) - 1;
  const payloads = from.kind === "flat" ? from.cursor.fork() : undefined;
  if (from.kind === "flat") from.cursor.skip(rest);
  return {
    subject,
    label: (index) => `${index}`,
    payload: () =>
      from.kind === "flat"
        ? { ...from, cursor: payloads!.fork() }
        : { ...from, offset: from.offset + payloadOffset(cases) },
    otherwise: `K.trap("invalid variant discriminant");`,
  };
};

const chooseFromHost = (value: string, type: Variant): Choice => {
  if (type.kind === "option" && !isTaggedOption(type))
    return {
      subject: `${value} === undefined || ${value} === null ? 0 : 1`,
      label: (index) => `${index}`,
      payload: () => ({ kind: "js", value }),
      otherwise: `K.misfit("option", ${value});`,
    };
  const names = type.cases.map(({ name }) => name).join(", ");
  return {
    subject: `K.tagOf(${value}, ${quoted(`one of ${names}`)})`,
    label: (index) => quoted(type.cases[index]!.name),
    payload: () => ({ kind: "js", value: `${value}.val` }),
    otherwise: `K.misfit(${quoted(`one of ${names}`)}, ${value}.tag);`,
  };
};

/** How a target takes one of several cases. */
interface Receiver {
  readonly results: string[];
  take(index: number, one: Case, payload: (to: Target) => string[]): void;
}

const receiver = (moving: Moving, type: Variant, to: Target): Receiver => {
  if (to.kind === "js") return receiveAsHost(moving, type);
  const { code } = moving;
  const size = discriminantSize(type.cases.length);
  if (to.kind === "memory")
    return {
      results: [],
      take(index, one, payload) {
        putRaw(moving, `${index}`, size, to);
        if (one.type) payload({ ...to, offset: to.offset + payloadOffset(type.cases) });
      },
    };
  const flat = type.flat!;
  const names = flat.map((core) => code.declare(core === "i64" ? "0n" : "0", "v"));
  return {
    results: names,
    take(index, one, payload) {
      code.line(`${names[0]} = ${index};`);
      if (!one.type) return;
      for (const [i, value] of payload(to).entries())
        code.line(`${names[i + 1]} = ${widened(value, one.type.flat![i]!, flat[i + 1]!)};`);
    },
  };
};

const receiveAsHost = ({ code }: Moving, type: Variant): Receiver => {
  const name = code.declare("undefined", "v");
  return {
    results: [name],
    take(_index, one, payload) {
      const value = one.type ? payload({ kind: "js" })[0]! : undefined;
      if (type.kind === "option" && !isTaggedOption(type)) {
        if (value !== undefined) code.line(`${name} = ${value};`);
        return;
      }
      const tag = property("tag", quoted(one.name));
      // A result's payload is there even where its type has none, as jco has it; a variant's is not.
      const val = value !== undefined ? `, val: ${value}` : type.kind === "result" ? ", val: undefined" : "";
      code.line(`${name} = { ${tag}${val} };`);
    },
  };
};

const moveEnum = (moving: Moving, { labels }: Of<"enum">, from: Source, to: Target): string[] => {
  const { code } = moving;
  const size = discriminantSize(labels.length);
  if (from.kind === "js") {
    const indices = labels.map((label, i) => property(label, `${i}`)).join(", ");
    const table = code.constant(`Object.assign(Object.create(null), { ${indices} })`);
    const value = code.bind(from.value);
    const wanted = quoted(`one of ${labels.join(", ")}`);
    const index = code.bind(
      `typeof ${value} === "string" ? ${table}[${value}] ?? K.misfit(${wanted}, ${value}) : K.misfit(${wanted}, ${value})`,
    );
    return putRaw(moving, index, size, to as GuestTarget);
  }
  const index = code.bind(raw(from, size), "d");
  code.line(`if (${index} >= ${labels.length}) K.trap("invalid enum discriminant");`);
  if (to.kind !== "js") return putRaw(moving, index, size, to);
  return [`${code.constant(JSON.stringify(labels))}[${index}]`];
};

const moveFlags = (moving: Moving, { labels }: Of<"flags">, from: Source, to: Target): string[] => {
  const { code } = moving;
  const size = flagsSize(labels.length);
  const keys = labels.map(camel);
  if (from.kind === "js") {
    const value = code.bind(from.value);
    code.line(`if (${value} === null || typeof ${value} !== "object") K.misfit("flags", ${value});`);
    const bits = keys.map(
      (key, i) => `(${member(value, key)} ? ${2 ** i >= 2 ** 31 ? "1 << 31" : 2 ** i} : 0)`,
    );
    return putRaw(moving, code.bind(`(${bits.join(" | ")}) >>> 0`), size, to as GuestTarget);
  }
  const mask = labels.length === 32 ? "" : ` & ${2 ** labels.length - 1}`;
  const bits = code.bind(`${raw(from, size)}${mask}`);
  if (to.kind !== "js") return putRaw(moving, bits, size, to);
  const entries = keys.map((key, i) => property(key, `(${bits} & ${i === 31 ? "1 << 31" : 2 ** i}) !== 0`));
  return [`{ ${entries.join(", ")} }`];
};

// ── handles ──────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Lifting gives a representation, lowering takes one. A borrow that goes to the resource's own implementer is
 * the bare representation; any other is a handle in the callee's table, counted in the call's scope.
 */
const moveHandle = (moving: Moving, type: Of<"own" | "borrow">, from: Source, to: Target): string[] => {
  const { code, lent, scope } = moving;
  const { resource } = type;
  const name = code.constant(`resources[${moving.resources.indexOf(resource)}]`);
  const local = (side: Side) => resource.implementer === side.instance;
  let representation: string;
  if (from.kind === "js") {
    const take = type.kind === "own" ? "K.takeFromHost" : "K.borrowFromHost";
    representation = code.bind(`${take}(${name}, ${from.value}, ${lent})`);
  } else {
    const index = raw(from, 4);
    const take = type.kind === "own" ? "K.liftOwn" : "K.liftBorrow";
    representation = code.bind(`${take}(${instanceOf(from.side)}, ${name}, ${index}, ${lent})`);
  }
  if (to.kind === "js") {
    const give = type.kind === "own" ? "K.giveToHost" : "K.lendToHost";
    return [code.bind(`${give}(${name}, ${representation}, ${lent})`)];
  }
  if (type.kind === "borrow" && local(to.side)) return putRaw(moving, representation, 4, to);
  const give = type.kind === "own" ? "K.lowerOwn" : "K.lowerBorrow";
  const index = code.bind(`${give}(${instanceOf(to.side)}, ${name}, ${representation}, ${scope})`);
  return putRaw(moving, index, 4, to);
};
