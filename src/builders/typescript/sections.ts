import { Reader } from "../../contract/binary/reader.ts";

/** One section of a component or core module: its number and what is in it. */
export interface Section {
  readonly id: number;
  readonly body: Uint8Array;
}

const preambleBytes = 8;

export const sectionsOf = (binary: Uint8Array): Section[] => {
  const reader = new Reader(binary, preambleBytes);
  const sections: Section[] = [];
  while (!reader.done) {
    const id = reader.byte();
    const { at, end } = reader.slice(reader.u32());
    sections.push({ id, body: binary.subarray(at, end) });
  }
  return sections;
};

/** A binary with the preamble of another and these sections. */
export const withSections = (binary: Uint8Array, sections: readonly Section[]): Uint8Array =>
  Buffer.concat([
    binary.subarray(0, preambleBytes),
    ...sections.flatMap(({ id, body }) => [Uint8Array.of(id), leb(body.length), body]),
  ]);

/** LEB128 of an unsigned number. */
export const leb = (value: number): Uint8Array => {
  const out: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    out.push(rest > 0 ? low | 0x80 : low);
  } while (rest > 0);
  return Uint8Array.from(out);
};
