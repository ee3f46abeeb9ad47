import { Fault, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { ComponentAst, Sort } from "./ast.ts";
import { componentPreamble, modulePreamble } from "./decode.ts";
import { Reader } from "./reader.ts";
import { readSort } from "./type.ts";

/**
 * Custom sections at the top level of a component or core module, by name, in order, without decoding anything
 * else. Payloads are views into `bytes`. Faults: LK0201, LK0203.
 */
export const customSections = (bytes: Uint8Array): ReadonlyMap<string, readonly Uint8Array[]> => {
  const begins = (head: readonly number[]) => head.every((byte, at) => bytes[at] === byte);
  if (!begins(componentPreamble) && !begins(modulePreamble))
    throw fault("LK0201", "A WebAssembly binary was looked for, and the bytes do not begin as one");
  const found = new Map<string, Uint8Array[]>();
  const reader = new Reader(bytes, componentPreamble.length);
  while (!reader.done) {
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    if (id !== 0) continue;
    const name = section.name();
    const payloads = found.get(name) ?? [];
    payloads.push(bytes.subarray(section.at, section.end));
    found.set(name, payloads);
  }
  return found;
};

/** Section numbers by Binary.md. */
const coreModuleSection = 1;
const componentSection = 4;

/**
 * Where core modules lie in a component and in those nested in it, by walking section heads alone. Bytes that do
 * not read end the walk without a word: `decodeComponent` is who reports them.
 */
export const coreModuleRanges = (bytes: Uint8Array): [start: number, end: number][] => {
  const found: [start: number, end: number][] = [];
  const walk = (start: number, end: number, depth: number): void => {
    const reader = new Reader(bytes, start + componentPreamble.length, end);
    while (!reader.done && found.length < limits.componentItemsMax) {
      const id = reader.byte();
      const { at, end: sectionEnd } = reader.slice(reader.u32());
      if (id === coreModuleSection) found.push([at, sectionEnd]);
      else if (id === componentSection && depth < limits.componentDepthMax) walk(at, sectionEnd, depth + 1);
    }
  };
  try {
    walk(0, bytes.length, 0);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
  return found;
};

/** The same binary with one more custom section at its end. */
export const appendCustomSection = (
  bytes: Uint8Array,
  name: string,
  data: Uint8Array | string,
): Uint8Array => {
  const encoder = new TextEncoder();
  const label = encoder.encode(name);
  const payload = typeof data === "string" ? encoder.encode(data) : data;
  const labelLength = leb(label.length);
  const size = leb(labelLength.length + label.length + payload.length);
  return Buffer.concat([bytes, Uint8Array.of(0), size, labelLength, label, payload]);
};

/** LEB128 of an unsigned 32-bit number. */
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

/** What the `component-name` section says: the component's own name and names of its definitions. */
export interface ComponentNames {
  readonly component: string | undefined;
  readonly definitions: ReadonlyMap<Sort, ReadonlyMap<number, string>>;
}

/** Names are a courtesy: a malformed section is read as far as it goes and never a fault. */
export const componentNames = (ast: ComponentAst): ComponentNames => {
  let component: string | undefined;
  const definitions = new Map<Sort, Map<number, string>>();
  const custom = ast.customs.find(({ name }) => name === "component-name");
  if (!custom) return { component, definitions };
  const reader = new Reader(ast.bytes, custom.payload.start, custom.payload.end);
  try {
    while (!reader.done) {
      const id = reader.byte();
      const section = reader.slice(reader.u32());
      if (id === 0) component = section.name();
      if (id !== 1) continue;
      const names = new Map<number, string>();
      definitions.set(readSort(section), names);
      section.vector(() => names.set(section.u32(), section.name()));
    }
  } catch {
    return { component, definitions };
  }
  return { component, definitions };
};
