import { fault } from "../../base/fault.ts";

// Reading and writing the pieces of a core module. The engine validates what is written, so a cursor looks only
// for what the engine could not see any more: counts without end, and indices of what was added.

export const malformed = (what: string) =>
  fault("LK0203", `A core module of the component is malformed: ${what}`);

export class Cursor {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++]!;
  }

  /** An unsigned LEB128 of at most 53 bits; larger ones (offsets in 64-bit memories) lose their low bits. */
  number(): number {
    let byte = this.bytes[this.at++]!;
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
    }
    return value;
  }

  /** Of items that take a byte each at least. */
  count(): number {
    const count = this.number();
    if (count > this.bytes.length - this.at)
      throw malformed(`${count} items were announced, and ${this.bytes.length - this.at} bytes are left`);
    return count;
  }

  /** An index below `end`. */
  index(end: number, what: string): number {
    const index = this.number();
    if (index >= end) throw malformed(`there is no ${what} ${index}`);
    return index;
  }

  /** Skips a LEB128 of any width and sign. */
  skipNumber(): void {
    while (this.bytes[this.at++]! >= 0x80);
  }

  skipName(): void {
    const size = this.number();
    this.at += size;
  }

  name(): string {
    const size = this.number();
    this.at += size;
    return new TextDecoder().decode(this.bytes.subarray(this.at - size, this.at));
  }
}

/** Grows as it is written to. */
export class Writer {
  #bytes: Uint8Array;
  #at = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  all(values: ArrayLike<number>): void {
    this.#reserve(values.length);
    this.#bytes.set(values, this.#at);
    this.#at += values.length;
  }

  /** Copies `from` up to, not including, `end`. */
  copy(bytes: Uint8Array, from: number, end: number): void {
    const length = end - from;
    this.#reserve(length);
    // Most runs between two changes are a few bytes, for which a call into the engine costs more than a loop.
    if (length < 24) for (let at = from; at < end; at++) this.#bytes[this.#at++] = bytes[at]!;
    else {
      this.#bytes.set(bytes.subarray(from, end), this.#at);
      this.#at += length;
    }
  }

  number(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.number(bytes.length);
    this.all(bytes);
  }

  /** What `content` writes, preceded by its size: always five bytes, so that nothing has to be moved. */
  sized(content: () => void): void {
    this.#reserve(5);
    const start = this.#at;
    this.#at += 5;
    content();
    let size = this.#at - start - 5;
    for (let at = start; at < start + 5; at++) {
      this.#bytes[at] = (size & 0x7f) | (at < start + 4 ? 0x80 : 0);
      size >>>= 7;
    }
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#at);
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

/** LEB128 of a signed number of at most 32 bits, as `i32.const` takes it. */
export const signed = (value: number): number[] => {
  const out: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && !(low & 0x40)) || (rest === -1 && low & 0x40)) return [...out, low];
    out.push(low | 0x80);
  }
};

export const unsigned = (value: number): number[] => {
  const out: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...out, rest];
    out.push((rest & 0x7f) | 0x80);
  }
};
