import { Fault } from "../../base/fault.ts";
import { componentPreamble, modulePreamble } from "./decode.ts";
import { Reader } from "./reader.ts";
import { leb } from "./sections.ts";

/** A component without what its types do not depend on. */
export interface Skeleton {
  readonly bytes: Uint8Array;
  /** Where a byte of it is in the component that it was made of, for reports. */
  placeOf(at: number): number;
}

/**
 * A component as a validator of its types needs it, which is a hundredth of what large ones weigh: no custom sections,
 * and of a core module what its type depends on, with a body for each function that fits any type. Bodies, data,
 * elements and the start function are the engine's to check, as it compiles them (decision 025). What of a core module
 * does not read stays as it is, for the validator to say so. `bytes` are known to decode.
 */
export const skeletonOf = (bytes: Uint8Array): Skeleton => {
  const pieces = componentPieces(new Reader(bytes));
  const starts: number[] = [];
  const made = new Uint8Array(sizeOf(pieces));
  let end = 0;
  for (const { content } of pieces) {
    starts.push(end);
    made.set(content, end);
    end += content.length;
  }
  return {
    bytes: made,
    placeOf: (at) => {
      const index = starts.findLastIndex((start) => start <= at);
      const piece = pieces[index];
      return piece ? piece.from + Math.min(at - starts[index]!, Math.max(0, piece.size - 1)) : at;
    },
  };
};

/** Bytes of a skeleton, and the range of the whole that they stand for. */
interface Piece {
  readonly content: Uint8Array;
  readonly from: number;
  readonly size: number;
}

const copied = ({ bytes }: Reader, start: number, end: number): Piece => ({
  content: bytes.subarray(start, end),
  from: start,
  size: end - start,
});

const sizeOf = (pieces: readonly Piece[]): number =>
  pieces.reduce((sum, { content }) => sum + content.length, 0);

/** A section of another size than it had. */
const section = (id: number, pieces: readonly Piece[], from: number): Piece[] => {
  const head = Uint8Array.of(id, ...leb(sizeOf(pieces)));
  return [{ content: head, from, size: 1 }, ...pieces];
};

const componentPieces = (reader: Reader): Piece[] => {
  const pieces = [copied(reader, reader.at, reader.at + componentPreamble.length)];
  reader.at += componentPreamble.length;
  while (!reader.done) {
    const from = reader.at;
    const id = reader.byte();
    const content = reader.slice(reader.u32());
    if (id === 1) pieces.push(...section(id, modulePieces(content), from));
    else if (id === 4) pieces.push(...section(id, componentPieces(content.nested()), from));
    else if (id !== 0) pieces.push(copied(reader, from, content.end));
  }
  return pieces;
};

const modulePieces = (reader: Reader): Piece[] => {
  const { at: start, end } = reader;
  try {
    const pieces = [copied(reader, start, start + modulePreamble.length)];
    reader.at += modulePreamble.length;
    while (!reader.done) {
      const from = reader.at;
      const id = reader.byte();
      const content = reader.slice(reader.u32());
      if (id === codeSection) pieces.push(...section(id, [anyCode(content)], from));
      else if (!checkedByEngine.has(id)) pieces.push(copied(reader, from, content.end));
    }
    return pieces;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [copied(reader, start, end)];
  }
};

const codeSection = 10;
/** Custom sections, the start function, elements, data, and how many of those there are. */
const checkedByEngine: ReadonlySet<number> = new Set([0, 8, 9, 11, 12]);

/** No locals, `unreachable`, `end`: a body of three bytes, valid whatever the function's type is. */
const anyBody = [3, 0x00, 0x00, 0x0b];

/** As many bodies as there are. Faults: LK0203 where that does not read. */
const anyCode = (reader: Reader): Piece => {
  const from = reader.at;
  const count = reader.u32();
  for (let i = 0; i < count; i++) reader.skip(reader.u32());
  reader.finish("the code");
  const head = leb(count);
  const content = new Uint8Array(head.length + count * anyBody.length);
  content.set(head);
  for (let i = 0; i < count; i++) content.set(anyBody, head.length + i * anyBody.length);
  return { content, from, size: reader.end - from };
};
