import { isUtf8 } from "node:buffer";
import type { StringEncoding } from "../../contract/binary/ast.ts";
import { byteLengthMax, type Memory, type Reallocate } from "./memory.ts";
import { trap } from "./trap.ts";

// Strings between linear memories and JavaScript, in the three encodings, with the allocations that the
// specification prescribes (CanonicalABI.md, "Loading" and "Storing"). The native functions of Buffer are
// used because under JSC they take half the time of TextDecoder and TextEncoder.

/** Marks the length of a latin1+utf16 string as UTF-16. */
const utf16Tag = 2 ** 31;
/** Below this many bytes a look at each is cheaper than a native decode with a check after it. */
const shortBytesMax = 32;

/** How a string's code units were stored where it came from; a hint for allocating where it goes. */
type Simple = "utf8" | "utf16" | "latin1";

/** Length that a `store…` leaves beside its pointer, in the units that the encoding counts. */
export const stored = { length: 0 };

const range = (memory: Memory, pointer: number, byteLength: number, alignment: number): void => {
  if (byteLength > byteLengthMax) trap("string too long");
  if ((pointer & (alignment - 1)) !== 0) trap("string pointer is not aligned");
  if (pointer + byteLength > memory.u8.length) trap("string pointer/length out of bounds of memory");
};

export const loadUtf8 = (memory: Memory, pointer: number, length: number): string => {
  const end = pointer + length;
  if (length > byteLengthMax) trap("string too long");
  if (end > memory.u8.length) trap("string pointer/length out of bounds of memory");
  if (length <= shortBytesMax) {
    const bytes = memory.u8;
    let all = 0;
    for (let at = pointer; at < end; at++) all |= bytes[at]!;
    if (all < 0x80) return length === 0 ? "" : memory.buffer.latin1Slice(pointer, end);
  }
  const text = memory.buffer.utf8Slice(pointer, end);
  // A replacement character is the guest's own or stands for malformed bytes.
  if (text.includes("\ufffd") && !isUtf8(memory.u8.subarray(pointer, end))) trap("invalid utf-8 encoding");
  return text;
};

export const loadUtf16 = (memory: Memory, pointer: number, length: number): string => {
  range(memory, pointer, length * 2, 2);
  const text = memory.buffer.ucs2Slice(pointer, pointer + length * 2);
  if (!text.isWellFormed()) trap("invalid utf-16 encoding");
  return text;
};

export const loadLatin1OrUtf16 = (memory: Memory, pointer: number, tagged: number): string => {
  if (tagged >= utf16Tag) return loadUtf16(memory, pointer, tagged - utf16Tag);
  range(memory, pointer, tagged, 2);
  return memory.buffer.latin1Slice(pointer, pointer + tagged);
};

/** Writes JavaScript text as UTF-8: one allocation of the exact size. Lone surrogates become U+FFFD. */
export const storeUtf8 = (memory: Memory, realloc: Reallocate, text: string): number => {
  const length = Buffer.byteLength(text);
  const pointer = realloc(0, 0, 1, length);
  if (length > 0) memory.buffer.utf8Write(text, pointer, length);
  stored.length = length;
  return pointer;
};

export const storeUtf16 = (memory: Memory, realloc: Reallocate, text: string): number => {
  const pointer = realloc(0, 0, 2, text.length * 2);
  writeUtf16(memory, text.toWellFormed(), pointer);
  stored.length = text.length;
  return pointer;
};

export const storeLatin1OrUtf16 = (memory: Memory, realloc: Reallocate, text: string): number =>
  eitherFrom(memory, realloc, text.toWellFormed(), text.length);

const writeUtf16 = (memory: Memory, text: string, pointer: number): void => {
  if (text.length > 0) memory.buffer.ucs2Write(text, pointer, text.length * 2);
};

const writeLatin1 = (memory: Memory, text: string, pointer: number): void => {
  if (text.length > 0) memory.buffer.latin1Write(text, pointer, text.length);
};

// Beyond Latin-1: anything above U+00FF.
const wide = /[^\0-\xff]/;

/** Tries Latin-1 in as many bytes as the source had code units, and widens on the first that does not fit. */
const eitherFrom = (memory: Memory, realloc: Reallocate, text: string, units: number): number => {
  let pointer = realloc(0, 0, 2, units);
  if (wide.test(text)) {
    const worst = units * 2;
    pointer = realloc(pointer, units, 2, worst);
    writeUtf16(memory, text, pointer);
    if (text.length * 2 < worst) pointer = realloc(pointer, worst, 2, text.length * 2);
    stored.length = text.length + utf16Tag;
    return pointer;
  }
  writeLatin1(memory, text, pointer);
  if (text.length < units) pointer = realloc(pointer, units, 2, text.length);
  stored.length = text.length;
  return pointer;
};

/** The source chose UTF-16 on purpose, so the text probably needs it; shrinks where it does not. */
const probablyUtf16 = (memory: Memory, realloc: Reallocate, text: string): number => {
  const size = text.length * 2;
  let pointer = realloc(0, 0, 2, size);
  writeUtf16(memory, text, pointer);
  if (wide.test(text)) {
    stored.length = text.length + utf16Tag;
    return pointer;
  }
  writeLatin1(memory, text, pointer);
  pointer = realloc(pointer, size, 1, text.length);
  stored.length = text.length;
  return pointer;
};

/** Assumes that every code unit is ASCII, then grows to the worst case and shrinks to the real size. */
const utf8From = (
  memory: Memory,
  realloc: Reallocate,
  text: string,
  units: number,
  worst: number,
): number => {
  const length = Buffer.byteLength(text);
  let pointer = realloc(0, 0, 1, units);
  if (length > units) {
    pointer = realloc(pointer, units, 1, worst);
    memory.buffer.utf8Write(text, pointer, length);
    if (worst > length) pointer = realloc(pointer, worst, 1, length);
  } else if (length > 0) memory.buffer.utf8Write(text, pointer, length);
  stored.length = length;
  return pointer;
};

const utf16FromUtf8 = (memory: Memory, realloc: Reallocate, text: string, units: number): number => {
  const worst = units * 2;
  let pointer = realloc(0, 0, 2, worst);
  writeUtf16(memory, text, pointer);
  if (text.length * 2 < worst) pointer = realloc(pointer, worst, 2, text.length * 2);
  stored.length = text.length;
  return pointer;
};

/** Moves a string from one guest's memory to another's; the pointer, with the length in `stored`. */
export type Transcode = (
  from: Memory,
  pointer: number,
  tagged: number,
  to: Memory,
  realloc: Reallocate,
) => number;

const loaders = { utf8: loadUtf8, utf16: loadUtf16, "latin1+utf16": loadLatin1OrUtf16 } as const;

export const transcoder = (from: StringEncoding, to: StringEncoding): Transcode => {
  if (from === "utf8" && to === "utf8") return copyUtf8;
  return (source, pointer, tagged, target, realloc) => {
    const text = loaders[from](source, pointer, tagged);
    const simple: Simple =
      from === "latin1+utf16" ? (tagged >= utf16Tag ? "utf16" : "latin1") : (from as Simple);
    const units = tagged >= utf16Tag ? tagged - utf16Tag : tagged;
    return store(target, realloc, to, text, { from, simple, units });
  };
};

const store = (
  memory: Memory,
  realloc: Reallocate,
  to: StringEncoding,
  text: string,
  { from, simple, units }: { from: StringEncoding; simple: Simple; units: number },
): number => {
  switch (to) {
    case "utf8":
      return utf8From(memory, realloc, text, units, units * (simple === "utf16" ? 3 : 2));
    case "utf16":
      return simple === "utf8"
        ? utf16FromUtf8(memory, realloc, text, units)
        : storeUtf16(memory, realloc, text);
    case "latin1+utf16":
      if (from !== "latin1+utf16") return eitherFrom(memory, realloc, text, units);
      if (simple === "utf16") return probablyUtf16(memory, realloc, text);
      return eitherFrom(memory, realloc, text, units);
  }
};

const copyUtf8: Transcode = (source, pointer, length, target, realloc) => {
  if (length > byteLengthMax) trap("string too long");
  if (pointer + length > source.u8.length) trap("string pointer/length out of bounds of memory");
  if (length > 0 && !isUtf8(source.u8.subarray(pointer, pointer + length))) trap("invalid utf-8 encoding");
  const to = realloc(0, 0, 1, length);
  if (length > 0) target.u8.set(source.u8.subarray(pointer, pointer + length), to);
  stored.length = length;
  return to;
};
