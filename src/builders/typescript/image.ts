import { Reader } from "../../contract/binary/reader.ts";
import { leb } from "../../contract/binary/sections.ts";
import { type Section, sectionsOf, withSections } from "./sections.ts";
import { signed } from "./wide.ts";

// A QuickJS component is a snapshot: one of its core modules owns the memory and fills it, when it is instantiated,
// with what the engine had there after it had evaluated the script (Wizer's way of making one). To make a snapshot of
// a later moment, it is enough to write over what has changed since then.

const pageBytes = 65_536;
const wordBytes = 4;
/** Equal words between two changes that cost less than the head of a segment of its own. */
const gapWordsMax = 3;

const coreModule = 1;
const nestedComponent = 4;
const section = { memory: 5, data: 11, dataCount: 12 } as const;

/** What a memory holds besides what it held before, as active data segments. `before` may be the shorter. */
const changes = (before: Uint8Array, after: Uint8Array): Uint8Array[] => {
  const [old, now] = [before, after].map(
    (bytes) => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / wordBytes),
  ) as [Uint32Array, Uint32Array];
  const segments: Uint8Array[] = [];
  let [start, end] = [-1, -1];
  const close = () => {
    if (start >= 0) segments.push(...segment(after, start * wordBytes, end * wordBytes));
  };
  // Memory that was not there before is nought where nothing was written.
  for (let at = 0; at < now.length; at++) {
    if (now[at] === (at < old.length ? old[at] : 0)) continue;
    if (start < 0 || at - end > gapWordsMax) {
      close();
      start = at;
    }
    end = at + 1;
  }
  close();
  return segments;
};

/** (memory 0) (i32.const start) bytes */
const segment = (bytes: Uint8Array, start: number, end: number): Uint8Array[] => [
  Uint8Array.of(0, 0x41, ...signed(BigInt(start)), 0x0b, ...leb(end - start)),
  bytes.subarray(start, end),
];

/**
 * The component as a snapshot of the moment when its memory was `after`; at its start it is `before`. Undefined where
 * it is not built as componentize-qjs builds them.
 */
export const withMemory = (
  component: Uint8Array,
  before: Uint8Array,
  after: Uint8Array,
): Uint8Array | undefined => {
  const made = rewritten(component, changes(before, after), after.length / pageBytes);
  return made.count === 1 ? made.bytes : undefined;
};

/** `pieces` are the heads and bodies of segments by turns. */
const rewritten = (
  component: Uint8Array,
  pieces: readonly Uint8Array[],
  pages: number,
): { readonly bytes: Uint8Array; readonly count: number } => {
  let count = 0;
  const sections = sectionsOf(component).map((one): Section => {
    if (one.id === nestedComponent) {
      const inner = rewritten(one.body, pieces, pages);
      count += inner.count;
      return inner.count > 0 ? { id: one.id, body: inner.bytes } : one;
    }
    const inner = one.id === coreModule ? sectionsOf(one.body) : [];
    // The one that has a memory of its own and something to put there.
    const owns = [section.memory, section.data].every((id) =>
      inner.some((part) => part.id === id && part.body.length > 1),
    );
    if (!owns) return one;
    count++;
    const parts = inner.map(({ id, body }) => {
      if (id === section.memory) return { id, body: grown(body, pages) };
      if (id === section.data) return { id, body: lengthened(body, pieces) };
      if (id === section.dataCount) return { id, body: leb(new Reader(body).u32() + pieces.length / 2) };
      return { id, body };
    });
    return { id: one.id, body: withSections(one.body, parts) };
  });
  return { bytes: count > 0 ? withSections(component, sections) : component, count };
};

/** A memory section of one memory, with at least so many pages from the start. */
const grown = (body: Uint8Array, pages: number): Uint8Array => {
  const reader = new Reader(body);
  const [count, flags, min] = [reader.u32(), reader.byte(), reader.u32()];
  return Buffer.concat([
    leb(count),
    Uint8Array.of(flags),
    leb(Math.max(min, pages)),
    body.subarray(reader.at),
  ]);
};

const lengthened = (body: Uint8Array, pieces: readonly Uint8Array[]): Uint8Array => {
  const reader = new Reader(body);
  const count = reader.u32();
  return Buffer.concat([leb(count + pieces.length / 2), body.subarray(reader.at), ...pieces]);
};
