import { fault } from "../../base/fault.ts";
import { Cursor, signed, unsigned, type Writer } from "./bytes.ts";
import { op, readOpcode, skipImmediates, skipType } from "./instruction.ts";

// One function body: what has to change in it, and the body with the changes.

/** Where everything lies in the module that is being written. */
export interface Layout {
  /** Whether time is measured. */
  readonly time: boolean;
  /** Whether growing is asked for. */
  readonly memory: boolean;
  /** The new index of a function. */
  func(index: number): number;
  /** The index of the global that holds the fuel: behind all others. */
  readonly fuel: number;
  readonly tick: number;
  readonly refill: number;
  readonly spend32: number;
  readonly spend64: number;
  reserve(of: "Memory" | "Table", wide: boolean): number;
  settle(wide: boolean): number;
  memoryWide(index: number): boolean;
  tableWide(index: number): boolean;
  /** Told that there are exceptions of the older kind, beside which the engine takes none of the newer. */
  olderExceptions(): void;
  /** Told that tables are written to, or that there are objects which the engine collects. */
  tablesChange(): void;
  collects(): void;
}

/**
 * The price list. One unit of fuel is some nanoseconds of a guest's time. A loop pays into a local variable, which
 * the engine keeps in a register, and settles with the global fuel once a batch.
 */
export const price = {
  /** Fuel between two questions to the host: a tenth of a millisecond in most code, half a second in the worst. */
  fuel: 8192,
  /** Steps of a loop before its function has paid for any, so that short loops called often are not free. */
  firstBatch: 64,
  batch: 4096,
  /** Fuel for a batch. */
  batchFuel: 64,
  /** An entry costs one for each of this many bytes of the function: a power of two. */
  entryShift: 8,
  /** A step of a loop, likewise. Coarser, because an interpreter's one loop lies in a function of 60 KB. */
  stepShift: 12,
  /** Bytes of bulk instructions that cost one: a power of two. */
  bulkShift: 6,
  /** A function that calls nothing and is no longer than this costs its caller nothing. */
  leafBytesMax: 1024,
} as const;

/** Changes of a body, in order: four numbers each, from, to, what, and a function or nothing. */
const change = { index: 0, call: 1, tick: 2, trap: 3 } as const;

interface Found {
  readonly changes: number[];
  loops: boolean;
  calls: boolean;
}

const i32 = 0x7f;
const blockOfNothing = 0x40;
const [localGet, localSet, localTee, globalGet, globalSet] = [0x20, 0x21, 0x22, 0x23, 0x24];
const [i32Const, i32Sub, i32LessSigned, ifOp, endOp, callOp] = [0x41, 0x6b, 0x48, 0x04, 0x0b, 0x10];

/** Copies a body (with its locals, without its size) and meters it. */
export const rewriteBody = (
  out: Writer,
  bytes: Uint8Array,
  start: number,
  end: number,
  params: number,
  layout: Layout,
): void => {
  const cursor = new Cursor(bytes, start);
  const groups = cursor.count();
  const groupsAt = cursor.at;
  let locals = params;
  for (let left = groups; left > 0; left--) {
    locals += cursor.number();
    skipType(cursor);
  }
  const code = cursor.at;
  const found = scan(cursor, end, locals, layout);
  const size = end - code;
  const metered = layout.time && (found.loops || found.calls || size > price.leafBytesMax);
  out.number(groups + (metered ? 1 : 0));
  out.copy(bytes, groupsAt, code);
  if (metered) {
    out.number(1);
    out.byte(i32);
    out.all(entry(layout, locals, size, found.loops));
  }
  const tick = found.loops ? step(layout, locals, size) : [];
  let at = code;
  for (let i = 0; i < found.changes.length; i += 4) {
    const what = found.changes[i + 2];
    const func = found.changes[i + 3]!;
    out.copy(bytes, at, found.changes[i]!);
    at = found.changes[i + 1]!;
    if (what === change.index) out.number(func);
    else if (what === change.tick) out.all(tick);
    else if (what === change.trap) out.byte(op.unreachable);
    else {
      out.byte(callOp);
      out.number(func);
    }
  }
  out.copy(bytes, at, end);
};

/** Rewrites a constant expression, up to and with its end: functions are named in it by their new index. */
export const rewriteExpression = (
  out: Writer,
  cursor: Cursor,
  layout: Pick<Layout, "func" | "fuel">,
): void => {
  for (;;) {
    const start = cursor.at;
    const opcode = readOpcode(cursor);
    if (opcode === op.refFunc) {
      out.byte(opcode);
      out.number(layout.func(cursor.number()));
      continue;
    }
    if (opcode === globalGet) cursor.index(layout.fuel, "global");
    else if (opcode !== op.end) skipImmediates(cursor, opcode);
    out.copy(cursor.bytes, start, cursor.at);
    if (opcode === op.end) return;
  }
};

/** fuel -= price; where none is left, the host is asked. A function with loops gets its first batch. */
const entry = ({ fuel, refill }: Layout, local: number, size: number, loops: boolean): number[] => [
  ...[globalGet, ...unsigned(fuel), i32Const, ...signed(1 + (size >> price.entryShift)), i32Sub],
  ...[localTee, ...unsigned(local), globalSet, ...unsigned(fuel)],
  ...[localGet, ...unsigned(local), i32Const, 0, i32LessSigned],
  ...[ifOp, blockOfNothing, callOp, ...unsigned(refill), endOp],
  ...(loops ? [i32Const, ...signed(price.firstBatch), localSet, ...unsigned(local)] : []),
];

/** local -= price; where the batch is used up, it is paid for and the next begins. */
const step = ({ tick }: Layout, local: number, size: number): number[] => [
  ...[localGet, ...unsigned(local), i32Const, ...signed(1 + (size >> price.stepShift)), i32Sub],
  ...[localTee, ...unsigned(local), i32Const, 0, i32LessSigned, ifOp, blockOfNothing],
  ...[callOp, ...unsigned(tick), i32Const, ...signed(price.batch), localSet, ...unsigned(local), endOp],
];

const scan = (cursor: Cursor, end: number, locals: number, layout: Layout): Found => {
  const found: Found = { changes: [], loops: false, calls: false };
  while (cursor.at < end) {
    const start = cursor.at;
    const opcode = readOpcode(cursor);
    // The most frequent instructions by far change nothing. What was added is not theirs to name.
    if (opcode >= localGet && opcode <= localTee) cursor.index(locals, "local");
    else if (opcode === globalGet || opcode === globalSet) cursor.index(layout.fuel, "global");
    else if (opcode > op.tableSet && opcode < 0xd0 && opcode !== op.memoryGrow)
      skipImmediates(cursor, opcode);
    else note(found, cursor, start, opcode, layout);
  }
  return found;
};

const note = (found: Found, cursor: Cursor, start: number, opcode: number, layout: Layout): void => {
  const { changes } = found;
  const immediates = cursor.at;
  switch (opcode) {
    case op.call:
    case op.returnCall:
    case op.refFunc: {
      if (opcode !== op.refFunc) found.calls = true;
      const func = layout.func(cursor.number());
      changes.push(immediates, cursor.at, change.index, func);
      return;
    }
    case op.callIndirect:
    case op.returnCallIndirect:
    case op.callRef:
    case op.returnCallRef:
      found.calls = true;
      break;
    case op.loop:
      skipImmediates(cursor, opcode);
      if (layout.time) {
        found.loops = true;
        changes.push(cursor.at, cursor.at, change.tick, 0);
      }
      return;
    case op.tableSet:
      layout.tablesChange();
      break;
    case op.memoryGrow:
    case op.tableGrow:
      if (opcode === op.tableGrow) layout.tablesChange();
      noteGrow(found, cursor, start, opcode, layout);
      return;
    case op.wait32:
    case op.wait64:
      // It would hold the whole process, and nobody could end it.
      skipImmediates(cursor, opcode);
      if (layout.time) changes.push(start, cursor.at, change.trap, 0);
      return;
    case op.try:
      layout.olderExceptions();
      break;
    case op.structNew:
    case op.structNewDefault:
    case op.arrayNewFixed:
    case op.arrayNew:
    case op.arrayNewDefault:
    case op.arrayNewData:
    case op.arrayNewElem:
      if (layout.memory) throw uncountable();
      layout.collects();
      if (layout.time) noteBulk(found, cursor, start, opcode, layout);
      break;
    default:
      if (layout.time) noteBulk(found, cursor, start, opcode, layout);
  }
  cursor.at = immediates;
  skipImmediates(cursor, opcode);
};

const uncountable = () =>
  fault(
    "LK0303",
    "The component makes objects that the engine collects, and a limit of memory cannot count them",
    { hint: "leave out --max-memory" },
  );

/** Before growing the host is asked, and afterwards told where the engine refused. */
const noteGrow = (found: Found, cursor: Cursor, start: number, opcode: number, layout: Layout): void => {
  const index = cursor.number();
  if (!layout.memory) return;
  const of = opcode === op.memoryGrow ? "Memory" : "Table";
  const wide = of === "Memory" ? layout.memoryWide(index) : layout.tableWide(index);
  found.changes.push(start, start, change.call, layout.reserve(of, wide));
  found.changes.push(cursor.at, cursor.at, change.call, layout.settle(wide));
};

/** Instructions whose time is in their last operand, a length. */
const noteBulk = (found: Found, cursor: Cursor, start: number, opcode: number, layout: Layout): void => {
  let wide = false;
  switch (opcode) {
    case op.memoryFill:
      wide = layout.memoryWide(cursor.number());
      break;
    case op.tableFill:
      layout.tablesChange();
      wide = layout.tableWide(cursor.number());
      break;
    case op.memoryCopy:
      wide = layout.memoryWide(cursor.number()) && layout.memoryWide(cursor.number());
      break;
    case op.tableCopy:
      layout.tablesChange();
      wide = layout.tableWide(cursor.number()) && layout.tableWide(cursor.number());
      break;
    case op.tableInit:
      layout.tablesChange();
      break;
    case op.memoryInit:
    case op.arrayNew:
    case op.arrayNewDefault:
    case op.arrayNewData:
    case op.arrayNewElem:
    case op.arrayFill:
    case op.arrayCopy:
    case op.arrayInitData:
    case op.arrayInitElem:
      break;
    default:
      return;
  }
  found.changes.push(start, start, change.call, wide ? layout.spend64 : layout.spend32);
};
