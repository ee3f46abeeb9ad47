import { quoted } from "./code.ts";
import {
  type GuestSource,
  type GuestTarget,
  indexOf,
  type Moving,
  memoryOf,
  plus,
  reallocOf,
  type Side,
  type Source,
  type Target,
} from "./place.ts";
import { viewOf } from "./scalar.ts";
import { isNumber, type Of, type ScalarKind, type ValueType } from "./type.ts";

// Code that moves strings, lists, lists of fixed length and maps.

const loadText = { utf8: "K.loadUtf8", utf16: "K.loadUtf16", "latin1+utf16": "K.loadLatin1OrUtf16" } as const;
const storeText = {
  utf8: "K.storeUtf8",
  utf16: "K.storeUtf16",
  "latin1+utf16": "K.storeLatin1OrUtf16",
} as const;

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

export const moveString = (moving: Moving, from: Source, to: Target): string[] => {
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

export const moveList = (moving: Moving, type: Of<"list">, from: Source, to: Target): string[] => {
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
    moving.move(moving, element, { kind: "memory", side: from, base: source!, offset: 0 }, place);
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
    const take = moving.views ? "subarray" : "slice";
    return code.bind(`${memoryOf(side)}.${viewOf[kind]}.${take}(${start}, ${start} + ${length})`);
  }
  const array = code.bind(`new Array(${length})`);
  loop(moving, length, [pointer], element.size, ([source], index) => {
    const [value] = moving.move(
      moving,
      element,
      { kind: "memory", side, base: source!, offset: 0 },
      { kind: "js" },
    );
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
      moving.move(moving, element, { kind: "js", value: `${list}[${index}]` }, place);
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
export const moveArray = (moving: Moving, type: Of<"array">, from: Source, to: Target): string[] => {
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
    values.push(...moving.move(moving, element, source, target));
  }
  if (to.kind !== "js") return values;
  const typed = isNumber(element) ? typedArrays[element.kind as ScalarKind] : undefined;
  return [typed ? `${typed}.of(${values.join(", ")})` : `[${values.join(", ")}]`];
};

/** A map is a list of pairs that JavaScript sees as a Map. */
export const moveMap = (moving: Moving, type: Of<"map">, from: Source, to: Target): string[] => {
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
