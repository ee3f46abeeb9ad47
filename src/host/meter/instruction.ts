import { fault } from "../../base/fault.ts";
import type { Cursor } from "./bytes.ts";

// How long each instruction is (WebAssembly 3.0, with the older exceptions, threads and relaxed SIMD). Nothing
// here looks at nesting: a body ends where its size says.

/** Instructions that the rewriter cares about, by their first byte; those of a prefix have it eight bits up. */
export const op = {
  unreachable: 0x00,
  loop: 0x03,
  try: 0x06,
  end: 0x0b,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callRef: 0x14,
  returnCallRef: 0x15,
  tableSet: 0x26,
  memoryGrow: 0x40,
  refFunc: 0xd2,
  memoryInit: 0xfc08,
  memoryCopy: 0xfc0a,
  memoryFill: 0xfc0b,
  tableInit: 0xfc0c,
  tableCopy: 0xfc0e,
  tableGrow: 0xfc0f,
  tableFill: 0xfc11,
  structNew: 0xfb00,
  structNewDefault: 0xfb01,
  arrayNew: 0xfb06,
  arrayNewDefault: 0xfb07,
  arrayNewFixed: 0xfb08,
  arrayNewData: 0xfb09,
  arrayNewElem: 0xfb0a,
  arrayFill: 0xfb10,
  arrayCopy: 0xfb11,
  arrayInitData: 0xfb12,
  arrayInitElem: 0xfb13,
  wait32: 0xfe01,
  wait64: 0xfe02,
} as const;

/** What follows an opcode: a letter for each immediate, in order. */
const shapes: string[] = [];
const shape = (text: string, ...codes: (number | readonly [number, number])[]): void => {
  for (const code of codes) {
    const [first, last] = typeof code === "number" ? [code, code] : code;
    for (let one = first; one <= last; one++) shapes[one] = text;
  }
};
// "": none; n: a number; b: a byte; t: a block type or value type; m: a memory argument; 4, 8, 16: bytes;
// l: labels of br_table; v: value types of select; c: catches of try_table; h: a heap type.
shape("", 0x00, 0x01, 0x05, 0x0a, 0x0b, 0x0f, 0x19, 0x1a, 0x1b, [0x45, 0xc4], 0xd1, 0xd3, 0xd4);
shape("t", 0x02, 0x03, 0x04, 0x06);
shape("n", [0x07, 0x09], 0x0c, 0x0d, 0x10, 0x12, 0x14, 0x15, 0x18, [0x20, 0x26], 0x3f, 0x40, 0x41, 0x42);
shape("n", 0xd2, 0xd5, 0xd6);
shape("nn", 0x11, 0x13);
shape("l", 0x0e);
shape("v", 0x1c);
shape("tc", 0x1f);
shape("m", [0x28, 0x3e]);
shape("4", 0x43);
shape("8", 0x44);
shape("h", 0xd0);
shape("n", 0xfb00, 0xfb01, 0xfb06, 0xfb07, [0xfb0b, 0xfb0e], 0xfb10);
shape("nn", [0xfb02, 0xfb05], [0xfb08, 0xfb0a], [0xfb11, 0xfb13]);
shape("", 0xfb0f, [0xfb1a, 0xfb1e]);
shape("h", [0xfb14, 0xfb17]);
shape("bnhh", 0xfb18, 0xfb19);
shape("", [0xfc00, 0xfc07], [0xfc13, 0xfc16]);
shape("nn", 0xfc08, 0xfc0a, 0xfc0c, 0xfc0e);
shape("n", 0xfc09, 0xfc0b, 0xfc0d, [0xfc0f, 0xfc11]);
// SIMD, whose second half of the opcode may have two bytes.
shape("", [0xfd0e, 0xfd14], [0xfd23, 0xfd53], [0xfd5e, 0xfdff]);
shape("m", [0xfd00, 0xfd0b], 0xfd5c, 0xfd5d);
shape("16", 0xfd0c, 0xfd0d);
shape("b", [0xfd15, 0xfd22]);
shape("mb", [0xfd54, 0xfd5b]);
shape("m", [0xfe00, 0xfe02], [0xfe10, 0xfe4e]);
shape("b", 0xfe03);

const simd = 0xfd;
const relaxedSimdMax = 0x113;

/** Reads one opcode; the cursor then stands at its immediates. */
export const readOpcode = (cursor: Cursor): number => {
  const first = cursor.byte();
  if (first < 0xfb || first === 0xff) return first;
  const second = cursor.number();
  // Beyond one byte there is relaxed SIMD alone, which has no immediates.
  if (second > 0xff) return first === simd && second <= relaxedSimdMax ? 0x01 : unknown(first, second);
  return (first << 8) | second;
};

const unknown = (...bytes: number[]): never => {
  const text = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  throw fault("LK0303", `The component has the instruction 0x${text}, which loop cannot hold to a limit`);
};

/** Skips the immediates of an opcode. Fault LK0303 for one that is not known. */
export const skipImmediates = (cursor: Cursor, opcode: number): void => {
  const text = shapes[opcode];
  if (text === "") return;
  if (text === "n") cursor.skipNumber();
  else if (text === undefined) unknown(...(opcode > 0xff ? [opcode >> 8, opcode & 0xff] : [opcode]));
  else if (text === "16") cursor.at += 16;
  else for (const letter of text) skipOne(cursor, letter);
};

const skipOne = (cursor: Cursor, letter: string): void => {
  switch (letter) {
    case "n":
    case "h":
      cursor.skipNumber();
      return;
    case "b":
      cursor.at++;
      return;
    case "t":
      skipType(cursor);
      return;
    case "m":
      // A set sixth bit of the alignment announces the index of a memory.
      if (cursor.number() & 0x40) cursor.skipNumber();
      cursor.skipNumber();
      return;
    case "4":
    case "8":
      cursor.at += Number(letter);
      return;
    case "l":
      for (let left = cursor.count() + 1; left > 0; left--) cursor.skipNumber();
      return;
    case "v":
      for (let left = cursor.count(); left > 0; left--) skipType(cursor);
      return;
    default:
      for (let left = cursor.count(); left > 0; left--) {
        // catch and catch_ref name a tag, catch_all and catch_all_ref do not.
        if (cursor.byte() < 2) cursor.skipNumber();
        cursor.skipNumber();
      }
  }
};

/** A value type or a block type: one signed number, or a reference to a heap type that follows. */
export const skipType = (cursor: Cursor): void => {
  const first = cursor.bytes[cursor.at]!;
  cursor.skipNumber();
  if (first === 0x63 || first === 0x64) cursor.skipNumber();
};
