import { DeclaredError } from "../../base/fault.ts";
import {
  borrowFromHost,
  giveBack,
  giveToHost,
  lendToHost,
  liftBorrow,
  liftOwn,
  lowerBorrow,
  lowerOwn,
  newScope,
  takeFromHost,
} from "./handles.ts";
import { listRange, spillRange } from "./memory.ts";
import { cannotEnter, cannotLeave } from "./state.ts";
import {
  loadLatin1OrUtf16,
  loadUtf8,
  loadUtf16,
  stored,
  storeLatin1OrUtf16,
  storeUtf8,
  storeUtf16,
  transcoder,
} from "./text.ts";
import { guestThrew, hostThrew, misfit, trap } from "./trap.ts";

// What generated code calls, by the name `K`. Each is small enough for the engine to inline or rare enough
// not to matter.

const words = new DataView(new ArrayBuffer(8));

const f32OfBits = (bits: number): number => {
  words.setInt32(0, bits);
  return words.getFloat32(0);
};

const f64OfBits = (bits: bigint): number => {
  words.setBigInt64(0, bits);
  return words.getFloat64(0);
};

const bitsOfF32 = (value: number): number => {
  words.setFloat32(0, value);
  return words.getInt32(0);
};

const bitsOfF64 = (value: number): bigint => {
  words.setFloat64(0, value);
  return words.getBigInt64(0);
};

/** A guest's char: surrogates and what lies beyond Unicode trap. */
const scalarValue = (code: number): number =>
  code >= 0x110000 || (code >= 0xd800 && code <= 0xdfff) ? trap("invalid `char` bit pattern") : code;

/** A host's char: a string of one scalar value. */
const codePoint = (value: unknown): number => {
  if (typeof value !== "string") return misfit("char", value);
  const code = value.codePointAt(0);
  if (code === undefined || value.length !== (code > 0xffff ? 2 : 1) || (code >= 0xd800 && code <= 0xdfff))
    return misfit("char", value);
  return code;
};

const lengthOf = (value: unknown): number =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
    ? (value as ArrayLike<unknown>).length
    : misfit("list", value);

const entriesOf = (value: unknown): unknown =>
  value instanceof Map ? [...value] : Array.isArray(value) ? value : misfit("map", value);

const tagOf = (value: unknown, wanted: string): unknown =>
  typeof value === "object" && value !== null ? (value as { tag?: unknown }).tag : misfit(wanted, value);

/** What a host function threw, as the err of its `result`; an error without a payload is no answer and goes on. */
const errPayload = (thrown: unknown): unknown => {
  if (typeof thrown === "object" && thrown !== null && Object.hasOwn(thrown, "payload"))
    return (thrown as { payload: unknown }).payload;
  return thrown instanceof Error ? hostThrew(thrown) : thrown;
};

const declared = (payload: unknown): DeclaredError => new DeclaredError(payload);

/** What a call that was given up waits for. */
const never = (): Promise<never> => new Promise(() => {});

const answeredLate = (name: string): never => {
  throw new Error(`The host answered ${name} with a promise, and it is not declared to suspend`);
};

export const runtime = {
  DeclaredError,
  answeredLate,
  bitsOfF32,
  bitsOfF64,
  borrowFromHost,
  cannotEnter,
  cannotLeave,
  codePoint,
  declared,
  entriesOf,
  errPayload,
  f32OfBits,
  f64OfBits,
  giveBack,
  giveToHost,
  guestThrew,
  hostThrew,
  lendToHost,
  lengthOf,
  liftBorrow,
  liftOwn,
  listRange,
  loadLatin1OrUtf16,
  loadUtf16,
  loadUtf8,
  lowerBorrow,
  lowerOwn,
  misfit,
  never,
  newScope,
  scalarValue,
  spillRange,
  stored,
  storeLatin1OrUtf16,
  storeUtf16,
  storeUtf8,
  tagOf,
  takeFromHost,
  transcoder,
  trap,
};
