// Component bytes → AST, from the component-model's Binary.md. Owns bounds and well-formedness; refuses meaning:
// indices may point nowhere and types may not match. Called by `world.ts`, the linker and whoever inspects.
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type {
  ComponentAst,
  CoreInstanceExpression,
  CustomSection,
  Definition,
  InstanceExpression,
} from "./ast.ts";
import { readCanon } from "./canon.ts";
import { readCoreType } from "./coretype.ts";
import { Reader } from "./reader.ts";
import {
  readAlias,
  readCoreSortIndex,
  readDefinedType,
  readExternName,
  readExternType,
  readSortIndex,
  readValueType,
} from "./type.ts";

/**
 * Decodes a whole component binary. Nothing is copied: core modules and custom sections are ranges of `bytes`,
 * which must not change afterwards. Faults: LK0201, LK0202, LK0203 with the byte's offset, LK0204.
 */
export const decodeComponent = (bytes: Uint8Array): ComponentAst => {
  if (bytes.length > limits.componentBytesMax)
    throw fault("LK0204", `The component is ${bytes.length} bytes; the limit is ${limits.componentBytesMax}`);
  return readComponent(new Reader(bytes));
};

const structures = new WeakMap<Uint8Array, ComponentAst>();

/** The same, decoded once for as long as somebody holds these bytes: for what several look at one after the other. */
export const structureOf = (bytes: Uint8Array): ComponentAst => {
  const known = structures.get(bytes);
  if (known) return known;
  const made = decodeComponent(bytes);
  structures.set(bytes, made);
  return made;
};

/** The eight bytes that begin a component and a core module. */
export const componentPreamble: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
export const modulePreamble: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

const begins = (reader: Reader, head: readonly number[]): boolean =>
  reader.end - reader.at >= head.length && head.every((byte, i) => reader.bytes[reader.at + i] === byte);

const readPreamble = (reader: Reader): void => {
  if (begins(reader, componentPreamble)) {
    reader.at += componentPreamble.length;
    return;
  }
  if (reader.depth > 0) reader.malformed("a nested component does not begin as one");
  if (begins(reader, modulePreamble))
    throw fault("LK0202", "A component was looked for, and a core module is there");
  throw fault("LK0201", "A component was looked for, and the bytes do not begin as one");
};

const readComponent = (reader: Reader): ComponentAst => {
  const start = reader.at;
  readPreamble(reader);
  const definitions: Definition[] = [];
  const customs: CustomSection[] = [];
  while (!reader.done) {
    const offset = reader.at;
    const id = reader.byte();
    const section = reader.slice(reader.u32());
    if (id === 0) customs.push(readCustom(section));
    else readSection(section, id, offset, definitions);
    section.finish(`section ${id}`);
  }
  return { bytes: reader.bytes, range: { start, end: reader.end }, definitions, customs };
};

const readCustom = (section: Reader): CustomSection => {
  const name = section.name();
  const payload = { start: section.at, end: section.end };
  section.at = section.end;
  return { name, payload };
};

const readSection = (section: Reader, id: number, offset: number, definitions: Definition[]): void => {
  const single = singles[id];
  if (single) {
    section.count(1, limits.componentItemsMax, section.at);
    definitions.push({ offset: section.at, ...single(section) } as Definition);
    return;
  }
  const item = items[id] ?? section.unknown("section", id, offset);
  section.vector(() => {
    const at = section.at;
    definitions.push({ offset: at, ...item(section) } as Definition);
  });
  if (definitions.length > limits.componentItemsMax)
    throw fault(
      "LK0204",
      `The component has more than ${limits.componentItemsMax} definitions at byte ${section.at}`,
    );
};

// `Omit` would merge the union's members into one; this keeps them apart.
type WithoutOffset<T> = T extends unknown ? Omit<T, "offset"> : never;
type ReadDefinition = (reader: Reader) => WithoutOffset<Definition>;

/** Sections that hold one thing, without a count. */
const singles: Readonly<Record<number, ReadDefinition>> = {
  1: (reader) => {
    const range = { start: reader.at, end: reader.end };
    if (!begins(reader, modulePreamble)) reader.malformed("a core module does not begin as one");
    reader.at = reader.end;
    return { kind: "core-module", range };
  },
  4: (reader) => {
    const component = readComponent(reader.nested());
    reader.at = reader.end;
    return { kind: "component", component };
  },
  9: (reader) => ({
    kind: "start",
    func: reader.u32(),
    args: reader.vector(() => reader.u32()),
    results: reader.u32(),
  }),
};

const items: Readonly<Record<number, ReadDefinition>> = {
  2: (reader) => ({ kind: "core-instance", expression: readCoreInstance(reader) }),
  3: (reader) => ({ kind: "core-type", type: readCoreType(reader) }),
  5: (reader) => ({ kind: "instance", expression: readInstance(reader) }),
  6: (reader) => ({ kind: "alias", alias: readAlias(reader) }),
  7: (reader) => ({ kind: "type", type: readDefinedType(reader) }),
  8: (reader) => ({ kind: "canon", canon: readCanon(reader) }),
  10: (reader) => ({ kind: "import", name: readExternName(reader), type: readExternType(reader) }),
  11: (reader) => ({
    kind: "export",
    name: readExternName(reader),
    item: readSortIndex(reader),
    type: reader.optional(() => readExternType(reader)),
  }),
  12: (reader) => {
    const type = readValueType(reader);
    const value = reader.slice(reader.u32());
    return { kind: "value", type, range: { start: value.at, end: value.end } };
  },
};

const readCoreInstance = (reader: Reader): CoreInstanceExpression => {
  const at = reader.at;
  const opcode = reader.byte();
  if (opcode === 0x00) {
    const module = reader.u32();
    const args = reader.vector(() => {
      const name = reader.name();
      reader.expect(0x12, "the sort `instance`");
      return { name, instance: reader.u32() };
    });
    return { kind: "instantiate", module, args };
  }
  if (opcode !== 0x01) return reader.unknown("core instance", opcode, at);
  const exports = reader.vector(() => ({ name: reader.name(), ...readCoreSortIndex(reader) }));
  return { kind: "exports", exports };
};

const readInstance = (reader: Reader): InstanceExpression => {
  const at = reader.at;
  const opcode = reader.byte();
  if (opcode === 0x00) {
    const component = reader.u32();
    const args = reader.vector(() => ({ name: reader.name(), ...readSortIndex(reader) }));
    return { kind: "instantiate", component, args };
  }
  if (opcode !== 0x01) return reader.unknown("instance", opcode, at);
  const exports = reader.vector(() => ({ name: readExternName(reader).name, ...readSortIndex(reader) }));
  return { kind: "exports", exports };
};
