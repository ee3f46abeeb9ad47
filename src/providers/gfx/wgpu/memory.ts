import { type Pointer, ptr } from "bun:ffi";

// What a call of C is given to read: structures and texts, in memory that is held until the call is over. A number that
// points somewhere keeps nothing alive, and a collection between the packing and the call would take it away.

/** A piece of memory: where JavaScript writes it, and where C finds it. */
export interface Place {
  readonly view: DataView;
  readonly at: number;
  readonly pointer: Pointer;
}

const blockBytes = 1 << 16;
const block = new ArrayBuffer(blockBytes);
const blockView = new DataView(block);
const blockPointer = ptr(block);
/** What does not fit into the block. */
const large: ArrayBuffer[] = [];
let used = 0;

/** Memory for `bytes`, all zero, until the `during` around it is over. */
export const take = (bytes: number): Place => {
  const at = (used + 7) & ~7;
  if (at + bytes > blockBytes) {
    const own = new ArrayBuffer(bytes);
    large.push(own);
    return { view: new DataView(own), at: 0, pointer: ptr(own) };
  }
  used = at + bytes;
  new Uint8Array(block, at, bytes).fill(0);
  return { view: blockView, at, pointer: (blockPointer + at) as Pointer };
};

/** Does something with memory that is let go afterwards. One may lie in another. */
export const during = <T>(work: () => T): T => {
  const [usedBefore, largeBefore] = [used, large.length];
  try {
    return work();
  } finally {
    used = usedBefore;
    large.length = largeBefore;
  }
};

/** How a value lies in memory. */
export interface Kind {
  readonly bytes: number;
  readonly align: number;
  /** What is undefined is left zero. */
  write(view: DataView, at: number, value: unknown): void;
}

/** Dawn refuses what is out of range; but it has to reach it, and not come out as another number. */
export const wide = (value: number): number => Math.min(value, Number.MAX_SAFE_INTEGER);

const u32Max = 0xffff_ffff;
const within = (value: unknown, least: number, most: number): number => {
  const number = Number(value);
  if (number >= least && number <= most) return number;
  throw new TypeError(`${value} is not from ${least} to ${most}`);
};

export const u16: Kind = {
  bytes: 2,
  align: 2,
  write: (view, at, value) => view.setUint16(at, within(value, 0, 0xffff), true),
};
export const u32: Kind = {
  bytes: 4,
  align: 4,
  write: (view, at, value) => view.setUint32(at, within(value, 0, u32Max), true),
};
export const i32: Kind = {
  bytes: 4,
  align: 4,
  write: (view, at, value) => view.setInt32(at, within(value, -0x8000_0000, 0x7fff_ffff), true),
};
export const u64: Kind = {
  bytes: 8,
  align: 8,
  write: (view, at, value) =>
    view.setBigUint64(at, typeof value === "bigint" ? value : BigInt(wide(value as number)), true),
};
export const f32: Kind = {
  bytes: 4,
  align: 4,
  write: (view, at, value) => view.setFloat32(at, value as number, true),
};
export const f64: Kind = {
  bytes: 8,
  align: 8,
  write: (view, at, value) => view.setFloat64(at, value as number, true),
};
export const bool: Kind = {
  bytes: 4,
  align: 4,
  write: (view, at, value) => view.setUint32(at, value ? 1 : 0, true),
};
/** WGPUOptionalBool: what nobody said is the third. */
export const optionalBool: Kind = {
  bytes: 4,
  align: 4,
  write: (view, at, value) => view.setUint32(at, value === null ? 2 : value ? 1 : 0, true),
};

/** A pointer, or what has one. */
export const pointer: Kind = {
  bytes: 8,
  align: 8,
  write: (view, at, value) => {
    const to = typeof value === "number" || value === null ? value : pointerTo(value as Pointing);
    view.setBigUint64(at, BigInt(to ?? 0), true);
  },
};

/** A thing of Dawn's, or of the other Dawn's: a component may have devices of both. */
export interface Pointing {
  readonly pointer?: Pointer;
}

/** Where a thing is. Throws where another Dawn made it: no pointer at all would be followed to nowhere. */
export const pointerTo = ({ pointer: to }: Pointing): Pointer => {
  if (to !== undefined) return to;
  throw new TypeError("What was given was made by a device of another kind");
};

const encoder = new TextEncoder();

/** WGPUStringView; null is none, which is not the empty one. */
export const text: Kind = {
  bytes: 16,
  align: 8,
  write: (view, at, value) => {
    if (value === null) {
      view.setBigUint64(at + 8, 0xffff_ffff_ffff_ffffn, true);
      return;
    }
    const bytes = encoder.encode(value as string);
    const place = take(Math.max(1, bytes.length));
    new Uint8Array(place.view.buffer, place.at, bytes.length).set(bytes);
    view.setBigUint64(at, BigInt(place.pointer), true);
    view.setBigUint64(at + 8, BigInt(bytes.length), true);
  },
};

/** An enumeration's names and their numbers. */
export const oneOf = (what: string, numbers: ReadonlyMap<string, number>): Kind => ({
  bytes: 4,
  align: 4,
  write: (view, at, value) => view.setUint32(at, numberOf(what, numbers, value as string), true),
});

export const numberOf = (what: string, numbers: ReadonlyMap<string, number>, name: string): number => {
  const number = numbers.get(name);
  if (number !== undefined) return number;
  throw new TypeError(`"${name}" is no ${what}`);
};

/** A structure's fields in their order: name, kind, and what is written where nothing is given. */
export type Field = readonly [name: string, kind: Kind, otherwise?: unknown];

const aligned = (at: number, align: number): number => Math.ceil(at / align) * align;

export interface Struct extends Kind {
  /** Where a field lies. */
  offset(name: string): number;
}

/** Lays a structure out as C does. */
export const struct = (...fields: readonly Field[]): Struct => {
  let end = 0;
  let align = 1;
  const laid = fields.map(([name, kind, otherwise]) => {
    const offset = aligned(end, kind.align);
    end = offset + kind.bytes;
    align = Math.max(align, kind.align);
    return { name, kind, otherwise, offset };
  });
  const offsets = new Map(laid.map(({ name, offset }) => [name, offset]));
  return {
    bytes: aligned(end, align),
    align,
    offset: (name) => offsets.get(name)!,
    write: (view, at, value) => {
      const members = value as Readonly<Record<string, unknown>>;
      for (const { name, kind, otherwise, offset } of laid) {
        const member = members[name] ?? otherwise;
        if (member !== undefined) kind.write(view, at + offset, member);
      }
    },
  };
};

/** What descriptors begin with: a chain of others, and a label. */
export const chain: Field = ["nextInChain", pointer];
export const label: Field = ["label", text];

/** A pointer to one. */
export const at = (kind: Kind): Kind => ({
  bytes: 8,
  align: 8,
  write: (view, offset, value) => pointer.write(view, offset, lay(kind, value)),
});

/** A count and a pointer; where an item is null its memory is zero. */
export const list = (kind: Kind): Kind => ({
  bytes: 16,
  align: 8,
  write: (view, offset, value) => {
    const items = value as readonly unknown[];
    if (items.length === 0) return;
    const place = take(items.length * kind.bytes);
    items.forEach((item, index) => {
      if (item !== null && item !== undefined) kind.write(place.view, place.at + index * kind.bytes, item);
    });
    view.setBigUint64(offset, BigInt(items.length), true);
    view.setBigUint64(offset + 8, BigInt(place.pointer), true);
  },
});

/** Writes a value into memory for a call. Inside `during` only. */
export const lay = (kind: Kind, value: unknown): Pointer => {
  const place = take(kind.bytes);
  kind.write(place.view, place.at, value);
  return place.pointer;
};

/** Where the pointers of things lie one after the other. Inside `during`. */
export const layPointers = (things: readonly Pointing[]): Pointer => {
  const place = take(Math.max(8, things.length * 8));
  for (const [index, thing] of things.entries()) pointer.write(place.view, place.at + index * 8, thing);
  return place.pointer;
};
