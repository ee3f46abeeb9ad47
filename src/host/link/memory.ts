import { misfit, trap } from "./trap.ts";

/** Views of one linear memory, one for each width that the canonical ABI reads or writes. */
export class Memory {
  readonly memory: WebAssembly.Memory;
  u8!: Uint8Array;
  s8!: Int8Array;
  u16!: Uint16Array;
  s16!: Int16Array;
  u32!: Uint32Array;
  s32!: Int32Array;
  u64!: BigUint64Array;
  s64!: BigInt64Array;
  f32!: Float32Array;
  f64!: Float64Array;
  /** For its native string functions. */
  buffer!: Buffer;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.refresh();
  }

  /** Growing a memory detaches its buffer, and a detached view has no length: callers test `u8.length === 0`. */
  refresh(): void {
    const buffer = this.memory.buffer as ArrayBuffer;
    this.u8 = new Uint8Array(buffer);
    this.s8 = new Int8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.s16 = new Int16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.s32 = new Int32Array(buffer);
    this.u64 = new BigUint64Array(buffer);
    this.s64 = new BigInt64Array(buffer);
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.buffer = Buffer.from(buffer);
  }
}

/** The longest string or list, in bytes, that may be lifted (CanonicalABI.md, MAX_LIST_BYTE_LENGTH). */
export const byteLengthMax = 2 ** 28 - 1;

/** Checks where a guest says that a list lies, and gives the pointer back. */
export const listRange = (memory: Memory, pointer: number, byteLength: number, alignment: number): number => {
  if (byteLength > byteLengthMax) trap("list too long");
  if ((pointer & (alignment - 1)) !== 0) trap("list pointer is not aligned");
  if (pointer + byteLength > memory.u8.length) trap("list pointer/length out of bounds of memory");
  return pointer;
};

/** Checks where a guest says that spilled parameters or results lie, and gives the pointer back. */
export const spillRange = (memory: Memory, pointer: number, size: number, alignment: number): number => {
  if ((pointer & (alignment - 1)) !== 0) trap("pointer not aligned");
  if (pointer + size > memory.u8.length) trap("pointer out of bounds of memory");
  return pointer;
};

export type Reallocate = (old: number, oldSize: number, alignment: number, size: number) => number;

const numberMax = 2 ** 32 - 1;

/** A guest's `realloc`, called with `may-leave` off and its answer checked, the memory's views fresh after it. */
export const allocator = (
  instance: { mayLeave: boolean },
  memory: Memory,
  realloc: (old: number, oldSize: number, alignment: number, size: number) => number,
): Reallocate => {
  return (old, oldSize, alignment, size) => {
    if (size > numberMax) misfit("a list or string that fits a guest's memory", size);
    instance.mayLeave = false;
    const pointer = realloc(old, oldSize, alignment, size) >>> 0;
    instance.mayLeave = true;
    if (memory.u8.length === 0) memory.refresh();
    if ((pointer & (alignment - 1)) !== 0) trap("realloc return: result not aligned");
    if (pointer + size > memory.u8.length) trap("realloc return: beyond end of memory");
    return pointer;
  };
};
