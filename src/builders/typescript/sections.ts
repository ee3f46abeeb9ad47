import { Reader } from "../../contract/binary/reader.ts";
import { leb } from "../../contract/binary/sections.ts";

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
