import { price } from "./body.ts";
import { signed, unsigned } from "./bytes.ts";
import { pageBytes } from "./module.ts";

// The functions that are added to a metered module, and those that it imports: what each does, in bytes.

/** Functions that every metered module gets, in this order. */
export const helpers = [
  "tick",
  "refill",
  "spend32",
  "spend64",
  "reserveMemory32",
  "reserveMemory64",
  "reserveTable32",
  "reserveTable64",
  "settle32",
  "settle64",
  "ask",
] as const;
export type Helper = (typeof helpers)[number];

/** Imported functions that every metered module gets, in this order, with their types. */
export const imports = { check: "toI32", reserve: "f64ToI32", undo: "nothing" } as const;
/** The last of them where it is to let the host's other work go on. */
export const turning = { ...imports, turn: "nothing" } as const;
export type ImportName = keyof typeof turning;

export const i32 = 0x7f;
const [i64, f64, func] = [0x7e, 0x7c, 0x60];
export const types = {
  toI32: [func, 0, 1, i32],
  f64ToI32: [func, 1, f64, 1, i32],
  nothing: [func, 0, 0],
  i32ToI32: [func, 1, i32, 1, i32],
  i64ToI64: [func, 1, i64, 1, i64],
} as const;
export type TypeName = keyof typeof types;
export const typeNames = Object.keys(types) as TypeName[];

export const helperType: Readonly<Record<Helper, TypeName>> = {
  tick: "nothing",
  refill: "nothing",
  spend32: "i32ToI32",
  spend64: "i64ToI64",
  reserveMemory32: "i32ToI32",
  reserveMemory64: "i64ToI64",
  reserveTable32: "i32ToI32",
  reserveTable64: "i64ToI64",
  settle32: "i32ToI32",
  settle64: "i64ToI64",
  ask: "nothing",
};

/** Where everything lies in the module that the functions are written for. */
export interface Where {
  readonly fuel: number;
  readonly turns: boolean;
  /** Whether the module has exceptions of the older kind, beside which the engine takes none of the newer. */
  older: boolean;
  readonly tableEntryBytes: number;
  helper(name: Helper): number;
  imported(name: ImportName): number;
}

/** Asks the host, and traps where it says so. */
export const asked = (where: Where): number[] => {
  if (where.turns) return [0x10, ...unsigned(where.helper("ask"))];
  return [0x10, ...unsigned(where.imported("check")), 0x04, 0x40, 0x00, 0x0b];
};

/** A helper's body: locals, instructions, end. */
export const helperBody = (name: Helper, where: Where): number[] => {
  const local = [0x20, 0];
  switch (name) {
    case "tick":
      return [0, ...pay(where, 0x41, ...signed(price.batchFuel)), 0x0b];
    case "refill": {
      const fill = [0x41, ...signed(price.fuel), 0x24, ...unsigned(where.fuel)];
      return [0, ...fill, ...asked(where), 0x0b];
    }
    case "spend32":
      return [0, ...pay(where, ...local, 0x41, price.bulkShift, 0x76), ...local, 0x0b];
    case "spend64":
      return [0, ...pay(where, ...local, 0x42, price.bulkShift, 0x88, 0xa7), ...local, 0x0b];
    case "reserveMemory32":
      return reserving(where, 0xb8, pageBytes, [0x41, 0x7f]);
    case "reserveMemory64":
      return reserving(where, 0xba, pageBytes, [0x42, 0x7f]);
    case "reserveTable32":
      return reserving(where, 0xb8, where.tableEntryBytes, [0x41, 0x7f]);
    case "reserveTable64":
      return reserving(where, 0xba, where.tableEntryBytes, [0x42, 0x7f]);
    case "settle32":
      return settling(where, 0x41, 0x46);
    case "settle64":
      return settling(where, 0x42, 0x51);
    case "ask":
      return where.turns ? asking(where) : [0, 0x0b];
  }
};

/**
 * Asks the host, which has two more answers: to let its other work go on, and then to ask again. Where this guest
 * cannot be suspended, below a call that does not wait, the engine throws instead, which is caught.
 */
const asking = ({ older, imported }: Where): number[] => {
  const [check, turn] = [unsigned(imported("check")), unsigned(imported("turn"))];
  // try turn catch_all end, or block (try_table (catch_all 0) turn): what that branches to lies around it.
  const caught = older
    ? [0x06, 0x40, 0x10, ...turn, 0x19, 0x0b]
    : [0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x10, ...turn, 0x0b, 0x0b];
  return [
    ...[1, 1, i32, 0x10, ...check, 0x22, 0, 0x41, 2, 0x46, 0x04, 0x40, ...caught],
    ...[0x10, ...check, 0x21, 0, 0x0b],
    ...[0x20, 0, 0x41, 1, 0x46, 0x04, 0x40, 0x00, 0x0b, 0x0b],
  ];
};

/** fuel -= what is on the stack; where none is left, the host is asked. */
const pay = (where: Where, ...amount: number[]): number[] => {
  const fuel = unsigned(where.fuel);
  const refill = unsigned(where.helper("refill"));
  const rest = [0x23, ...fuel, 0x41, 0, 0x48, 0x04, 0x40, 0x10, ...refill, 0x0b];
  return [0x23, ...fuel, ...amount, 0x6b, 0x24, ...fuel, ...rest];
};

/** (count) → count, or all ones where the host refuses: no memory or table can grow by so many. */
const reserving = (
  { imported }: Where,
  toF64: number,
  unitBytes: number,
  refused: readonly number[],
): number[] => {
  const amount = [0x20, 0, toF64, 0x44, ...new Uint8Array(Float64Array.of(unitBytes).buffer), 0xa2];
  const ask = [...amount, 0x10, ...unsigned(imported("reserve"))];
  const type = refused[0] === 0x42 ? i64 : i32;
  return [0, ...ask, 0x04, type, 0x20, 0, 0x05, ...refused, 0x0b, 0x0b];
};

/** (old size) → old size; where it is minus one, nothing has grown. */
const settling = ({ imported }: Where, constOp: number, equalOp: number): number[] => {
  const undo = [0x04, 0x40, 0x10, ...unsigned(imported("undo")), 0x0b];
  return [0, 0x20, 0, constOp, 0x7f, equalOp, ...undo, 0x20, 0, 0x0b];
};
