import { Reader } from "../../contract/binary/reader.ts";
import { leb } from "../../contract/binary/sections.ts";
import { type Section, sectionsOf, withSections } from "./sections.ts";

// QuickJS exactly: componentize-qjs hands 64-bit integers to JavaScript as Numbers and takes Numbers back, which
// is wrong beyond 2^53. Its runtime, a core module inside the component, exports the four functions that do this
// ("wit_dylib_push_u64" and its kin) to the adapter that wit-dylib generates. We append four functions of our own
// and let those exports name them: outward an integer that a Number cannot hold goes as sixteen hexadecimal digits,
// inward it always does, through the runtime's own string functions. values.guest.js reads and writes them.
// Nothing else moves: indices, memory and the component around it stay as they were.

const names = ["push_u64", "push_s64", "pop_u64", "pop_s64"].map((name) => `wit_dylib_${name}`);

/**
 * The component with the runtime's 64-bit conversions replaced, or undefined where it has no such runtime: then
 * it was not made by the componentizer that this was written for, which is a bug of ours.
 */
export const widen = (component: Uint8Array): Uint8Array | undefined => {
  let changed = false;
  const sections = sectionsOf(component).map((section) => {
    const inner =
      section.id === coreModule
        ? widenModule(section.body)
        : section.id === nestedComponent
          ? widen(section.body)
          : undefined;
    if (!inner) return section;
    changed = true;
    return { id: section.id, body: inner };
  });
  return changed ? withSections(component, sections) : undefined;
};

const coreModule = 1;
const nestedComponent = 4;
const section = { import: 2, function: 3, export: 7, code: 10 } as const;
const kind = { function: 0, table: 1, memory: 2, global: 3 } as const;

/** The core module with its exports renamed, or undefined where it is not the QuickJS runtime. */
const widenModule = (module: Uint8Array): Uint8Array | undefined => {
  // Three of the four core modules of a component are others; their exports tell.
  const sections = sectionsOf(module);
  const exports = readExports(bodyOf(sections, section.export));
  const find = (name: string) => exports.get(name);
  const pushString = find("wit_dylib_push_string");
  const popString = find("wit_dylib_pop_string");
  const realloc = find("cabi_realloc");
  const old = names.map(find);
  if (pushString === undefined || popString === undefined || realloc === undefined || old.includes(undefined))
    return undefined;
  const imports = readImports(bodyOf(sections, section.import));
  const functions = readFunctions(bodyOf(sections, section.function));
  if (imports.stackPointer === undefined) return undefined;
  const first = imports.functions + functions.length;
  const typeOf = (index: number) => functions[index - imports.functions]!;
  const [pushUnsigned, pushSigned, popUnsigned, popSigned] = old as [number, number, number, number];
  const bodies = [
    pushBody({ old: pushUnsigned, realloc, pushString, bias: 0n, exactBits: 53n }),
    pushBody({ old: pushSigned, realloc, pushString, bias: 1n << 53n, exactBits: 54n }),
    popBody({ popString, stackPointer: imports.stackPointer }),
    popBody({ popString, stackPointer: imports.stackPointer }),
  ];
  const types = [pushUnsigned, pushSigned, popUnsigned, popSigned].map(typeOf);
  const replaced = new Map(names.map((name, at) => [name, first + at]));
  return withSections(
    module,
    sections.map(({ id, body }) => {
      if (id === section.function)
        return {
          id,
          body: appended(
            body,
            types.map((type) => leb(type)),
          ),
        };
      if (id === section.code) return { id, body: appended(body, bodies) };
      if (id === section.export) return { id, body: redirected(body, replaced) };
      return { id, body };
    }),
  );
};

const bodyOf = (sections: readonly Section[], id: number): Uint8Array =>
  sections.find((section) => section.id === id)?.body ?? Uint8Array.of(0);

const readExports = (body: Uint8Array): Map<string, number> => {
  const reader = new Reader(body);
  const found = new Map<string, number>();
  reader.vector(() => {
    const name = reader.name();
    const isFunction = reader.byte() === kind.function;
    const index = reader.u32();
    if (isFunction) found.set(name, index);
  });
  return found;
};

const readImports = (body: Uint8Array): { functions: number; stackPointer: number | undefined } => {
  const reader = new Reader(body);
  let [functions, globals] = [0, 0];
  let stackPointer: number | undefined;
  const limitsOf = () => {
    const flags = reader.byte();
    reader.u32();
    if (flags & 1) reader.u32();
  };
  reader.vector(() => {
    const name = `${reader.name()}.${reader.name()}`;
    const what = reader.byte();
    if (what === kind.function) {
      reader.u32();
      functions++;
    } else if (what === kind.table) {
      reader.byte();
      limitsOf();
    } else if (what === kind.memory) limitsOf();
    else {
      reader.byte();
      reader.byte();
      if (name === "env.__stack_pointer") stackPointer = globals;
      globals++;
    }
  });
  return { functions, stackPointer };
};

const readFunctions = (body: Uint8Array): number[] => {
  const reader = new Reader(body);
  return reader.vector(() => reader.u32());
};

const redirected = (body: Uint8Array, targets: ReadonlyMap<string, number>): Uint8Array => {
  const reader = new Reader(body);
  const count = reader.u32();
  const out: Uint8Array[] = [leb(count)];
  for (let at = 0; at < count; at++) {
    const start = reader.at;
    const name = reader.name();
    const headEnd = reader.at + 1;
    const isFunction = reader.byte() === kind.function;
    const index = reader.u32();
    const target = isFunction ? targets.get(name) : undefined;
    out.push(body.subarray(start, headEnd), leb(target ?? index));
  }
  return Buffer.concat(out);
};

/** A vector with more items at its end. */
const appended = (body: Uint8Array, items: readonly Uint8Array[]): Uint8Array => {
  const reader = new Reader(body);
  const count = reader.u32();
  return Buffer.concat([leb(count + items.length), body.subarray(reader.at), ...items]);
};

/** LEB128, signed. */
export const signed = (value: bigint): number[] => {
  const out: number[] = [];
  for (let rest = value; ; ) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && !(low & 0x40)) || (rest === -1n && (low & 0x40) !== 0);
    out.push(done ? low : low | 0x80);
    if (done) return out;
  }
};

// The few instructions that the four bodies need (WebAssembly core specification, binary format).
const i32 = 0x7f;
const i64 = 0x7e;
const empty = 0x40;
const end = 0x0b;
const unreachable = 0x00;
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const globalGet = (index: number) => [0x23, ...leb(index)];
const globalSet = (index: number) => [0x24, ...leb(index)];
const call = (index: number) => [0x10, ...leb(index)];
const int = (value: number) => [0x41, ...signed(BigInt(value))];
const long = (value: bigint) => [0x42, ...signed(value)];
const load = [0x28, 2, 0];
const loadByte = [0x2d, 0, 0];
const storeByte = [0x3a, 0, 0];
const when = (...body: number[]) => [0x04, empty, ...body, end];
const loop = (...body: number[]) => [0x03, empty, ...body, end];
const again = [0x0d, 0];
const back = 0x0f;
const op = {
  ne: 0x47,
  gtUnsigned: 0x4b,
  longIsZero: 0x50,
  add: 0x6a,
  sub: 0x6b,
  mul: 0x6c,
  and: 0x71,
  shiftRight: 0x76,
  longAdd: 0x7c,
  longAnd: 0x83,
  longOr: 0x84,
  longShiftLeft: 0x86,
  longShiftRight: 0x88,
  wrap: 0xa7,
  extend: 0xad,
} as const;

const digits = 16;

const withLocals = (locals: readonly (readonly [count: number, type: number])[], code: readonly number[]) => {
  const body = Uint8Array.from([...leb(locals.length), ...locals.flat(), ...code, end]);
  return Buffer.concat([leb(body.length), body]);
};

/** (call context, value): as a Number where that is exact, otherwise as digits in memory that the runtime owns. */
const pushBody = (from: {
  readonly old: number;
  readonly realloc: number;
  readonly pushString: number;
  readonly bias: bigint;
  readonly exactBits: bigint;
}): Uint8Array => {
  const [context, value, pointer, at, digit] = [0, 1, 2, 3, 4];
  return withLocals(
    [[3, i32]],
    [
      ...[
        ...get(value),
        ...long(from.bias),
        op.longAdd,
        ...long(from.exactBits),
        op.longShiftRight,
        op.longIsZero,
      ],
      ...when(...get(context), ...get(value), ...call(from.old), back),
      ...[...int(0), ...int(0), ...int(1), ...int(digits), ...call(from.realloc), ...set(pointer)],
      ...[...int(digits), ...set(at)],
      ...loop(
        ...[...get(value), ...long(15n), op.longAnd, op.wrap, ...set(digit)],
        ...[...get(pointer), ...get(at), ...int(1), op.sub, ...tee(at), op.add],
        // "0" is 48; "a" to "f" lie 39 further on than "9" plus one.
        ...[
          ...get(digit),
          ...int(48),
          op.add,
          ...get(digit),
          ...int(9),
          op.gtUnsigned,
          ...int(39),
          op.mul,
          op.add,
        ],
        ...storeByte,
        ...[...get(value), ...long(4n), op.longShiftRight, ...set(value)],
        ...[...get(at), ...again],
      ),
      ...[...get(context), ...get(pointer), ...int(digits), ...call(from.pushString)],
    ],
  );
};

/** (call context) → value: sixteen digits, which the wrapper always gives; anything else stops the guest. */
const popBody = (from: { readonly popString: number; readonly stackPointer: number }): Uint8Array => {
  const [context, frame, pointer, last, value] = [0, 1, 2, 3, 4];
  return withLocals(
    [
      [3, i32],
      [1, i64],
    ],
    [
      ...[
        ...globalGet(from.stackPointer),
        ...int(16),
        op.sub,
        ...tee(frame),
        ...globalSet(from.stackPointer),
      ],
      ...[
        ...get(context),
        ...get(frame),
        ...call(from.popString),
        ...int(digits),
        op.ne,
        ...when(unreachable),
      ],
      ...[...get(frame), ...load, ...tee(pointer), ...int(digits), op.add, ...set(last)],
      ...loop(
        ...[...get(value), ...long(4n), op.longShiftLeft],
        // Letters have bit 6, and their low bits count from one.
        ...[...get(pointer), ...loadByte, ...int(15), op.and],
        ...[...get(pointer), ...loadByte, ...int(6), op.shiftRight, ...int(9), op.mul, op.add],
        ...[op.extend, op.longOr, ...set(value)],
        ...[...get(pointer), ...int(1), op.add, ...tee(pointer), ...get(last), op.ne, ...again],
      ),
      ...[...get(frame), ...int(16), op.add, ...globalSet(from.stackPointer)],
      ...get(value),
    ],
  );
};
