import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What all readers over one file share: how much has been counted, and the file as a buffer to take text from. */
interface Shared {
  items: number;
  readonly buffer: Buffer;
}

/**
 * Reads the pieces that WebAssembly's binary format is made of. Every failure is a fault with the offset in the
 * whole file: LK0203 for what is malformed, LK0204 for what is beyond a limit.
 */
export class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
  readonly depth: number;
  readonly #shared: Shared;

  constructor(
    bytes: Uint8Array,
    start = 0,
    end: number = bytes.length,
    depth = 0,
    shared: Shared = { items: 0, buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) },
  ) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.depth = depth;
    this.#shared = shared;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  malformed(what: string, at: number = this.at): never {
    throw fault("LK0203", `The component is malformed at byte ${at}: ${what}`);
  }

  /** A reader over the next `size` bytes, which this one then skips. */
  slice(size: number): Reader {
    const start = this.at;
    this.skip(size);
    return new Reader(this.bytes, start, this.at, this.depth, this.#shared);
  }

  skip(size: number): void {
    if (size > this.end - this.at)
      this.malformed(`${size} bytes were announced, and ${this.end - this.at} are left`);
    this.at += size;
  }

  /** The same place one nesting deeper. */
  nested(): Reader {
    if (this.depth >= limits.componentDepthMax)
      throw fault(
        "LK0204",
        `The component nests deeper than ${limits.componentDepthMax} levels at byte ${this.at}`,
      );
    return new Reader(this.bytes, this.at, this.end, this.depth + 1, this.#shared);
  }

  byte(): number {
    if (this.at >= this.end) this.malformed("it ends in the middle of something");
    return this.bytes[this.at++]!;
  }

  peek(): number {
    if (this.at >= this.end) this.malformed("it ends in the middle of something");
    return this.bytes[this.at]!;
  }

  u32(): number {
    const start = this.at;
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      if (shift === 28 && byte > 0x0f) this.malformed("a number exceeds 32 bits", start);
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    return this.malformed("a number is longer than five bytes", start);
  }

  u64(): bigint {
    const start = this.at;
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      if (shift === 63n && byte > 0x01) this.malformed("a number exceeds 64 bits", start);
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    return this.malformed("a number is longer than ten bytes", start);
  }

  /** A signed 33-bit number: type indices are its non-negative half, type opcodes the other. */
  s33(): number {
    const start = this.at;
    let result = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      // Powers instead of shifts: the value has 33 bits.
      result += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      const width = shift + 7;
      if (byte & 0x40) result -= 2 ** width;
      if (result < -(2 ** 32) || result >= 2 ** 32) this.malformed("a number exceeds 33 bits", start);
      return result;
    }
    return this.malformed("a number is longer than five bytes", start);
  }

  name(): string {
    const size = this.u32();
    const start = this.at;
    if (size > this.end - start) this.malformed(`a name of ${size} bytes runs past the end`, start);
    this.at = start + size;
    // Nearly every name is ASCII, and a TextDecoder costs more than reading the few letters.
    let at = start;
    while (at < this.at && this.bytes[at]! < 0x80) at++;
    if (at === this.at) return this.#shared.buffer.latin1Slice(start, this.at);
    try {
      return utf8.decode(this.bytes.subarray(start, this.at));
    } catch {
      return this.malformed("a name is not UTF-8", start);
    }
  }

  /** A counted sequence. Each item takes a byte at least, so the bytes left bound the count. */
  vector<T>(item: () => T): T[] {
    const start = this.at;
    const count = this.u32();
    if (count > this.end - this.at)
      this.malformed(`${count} items were announced, and ${this.end - this.at} bytes are left`, start);
    this.count(count, limits.componentItemsMax, start);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(item());
    return items;
  }

  optional<T>(item: () => T): T | undefined {
    const start = this.at;
    const flag = this.byte();
    if (flag === 0) return undefined;
    if (flag !== 1) this.malformed(`0x00 or 0x01 was looked for, and 0x${hex(flag)} is there`, start);
    return item();
  }

  flag(): boolean {
    return this.optional(() => true) ?? false;
  }

  /** Reads one fixed byte. */
  expect(value: number, what: string): void {
    const start = this.at;
    const byte = this.byte();
    if (byte !== value) this.malformed(`${what} was looked for, and 0x${hex(byte)} is there`, start);
  }

  unknown(what: string, opcode: number, at: number): never {
    return this.malformed(`0x${hex(opcode)} is no known ${what}`, at);
  }

  finish(what: string): void {
    if (!this.done) this.malformed(`${this.end - this.at} bytes are left over after ${what}`);
  }

  /** Counts what the file makes us keep, in one place and in all. */
  count(more: number, max: number, at: number): void {
    this.#shared.items += more;
    if (more > max || this.#shared.items > limits.componentTotalItemsMax)
      throw fault(
        "LK0204",
        `The component has more items than loop takes (${max} in one place, ${limits.componentTotalItemsMax} in all) at byte ${at}`,
      );
  }
}

const hex = (byte: number): string => byte.toString(16).padStart(2, "0");
