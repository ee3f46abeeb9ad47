import type { PrimitiveKind } from "../model.ts";
import type {
  Alias,
  CoreSort,
  Declaration,
  DefinedType,
  ExternName,
  ExternType,
  LabelledType,
  Sort,
  SortIndex,
  ValueType,
} from "./ast.ts";
import { readCoreType, readCoreValueType } from "./coretype.ts";
import type { Reader } from "./reader.ts";

// Component types, names, sorts and aliases (component-model Binary.md, "Type Definitions" and around it).

const primitives = new Map<number, PrimitiveKind>([
  [0x7f, "bool"],
  [0x7e, "s8"],
  [0x7d, "u8"],
  [0x7c, "s16"],
  [0x7b, "u16"],
  [0x7a, "s32"],
  [0x79, "u32"],
  [0x78, "s64"],
  [0x77, "u64"],
  [0x76, "f32"],
  [0x75, "f64"],
  [0x74, "char"],
  [0x73, "string"],
  [0x64, "error-context"],
]);

const coreSorts = new Map<number, CoreSort>([
  [0x00, "core-func"],
  [0x01, "core-table"],
  [0x02, "core-memory"],
  [0x03, "core-global"],
  [0x04, "core-tag"],
  [0x10, "core-type"],
  [0x11, "core-module"],
  [0x12, "core-instance"],
]);

const sorts = new Map<number, Sort>([
  [0x01, "func"],
  [0x02, "value"],
  [0x03, "type"],
  [0x04, "component"],
  [0x05, "instance"],
]);

export const readCoreSortIndex = (reader: Reader): SortIndex => {
  const at = reader.at;
  const opcode = reader.byte();
  const sort = coreSorts.get(opcode) ?? reader.unknown("core sort", opcode, at);
  return { sort, index: reader.u32() };
};

export const readSort = (reader: Reader): Sort => {
  const at = reader.at;
  const opcode = reader.byte();
  if (opcode !== 0x00) return sorts.get(opcode) ?? reader.unknown("sort", opcode, at);
  const core = reader.byte();
  return coreSorts.get(core) ?? reader.unknown("core sort", core, at + 1);
};

export const readSortIndex = (reader: Reader): SortIndex => ({
  sort: readSort(reader),
  index: reader.u32(),
});

export const readAlias = (reader: Reader): Alias => {
  const sort = readSort(reader);
  const at = reader.at;
  const opcode = reader.byte();
  switch (opcode) {
    case 0x00:
      return { sort, from: "export", instance: reader.u32(), name: reader.name() };
    case 0x01:
      return { sort, from: "core-export", instance: reader.u32(), name: reader.name() };
    case 0x02:
      return { sort, from: "outer", count: reader.u32(), index: reader.u32() };
    default:
      return reader.unknown("alias target", opcode, at);
  }
};

export const readExternName = (reader: Reader): ExternName => {
  const at = reader.at;
  const opcode = reader.byte();
  if (opcode > 0x02) reader.unknown("kind of name", opcode, at);
  const name = reader.name();
  if (opcode !== 0x02) return { name };
  return Object.assign({ name }, ...reader.vector(() => readAttribute(reader)));
};

const readAttribute = (reader: Reader): Partial<ExternName> => {
  const at = reader.at;
  const opcode = reader.byte();
  switch (opcode) {
    case 0x00:
      return { implements: reader.name() };
    case 0x01:
      return { versionSuffix: reader.name() };
    case 0x02:
      return { externalId: reader.name() };
    default:
      return reader.unknown("name attribute", opcode, at);
  }
};

export const readExternType = (reader: Reader): ExternType => {
  const at = reader.at;
  const opcode = reader.byte();
  switch (opcode) {
    case 0x00:
      reader.expect(0x11, "the sort `module`");
      return { sort: "core-module", type: reader.u32() };
    case 0x01:
      return { sort: "func", type: reader.u32() };
    case 0x02:
      // wasm-tools still writes a value's type without saying which kind of bound it is.
      if (primitives.has(reader.peek()))
        return { sort: "value", equal: undefined, type: readValueType(reader) };
      return reader.flag()
        ? { sort: "value", equal: undefined, type: readValueType(reader) }
        : { sort: "value", equal: reader.u32(), type: undefined };
    case 0x03:
      return { sort: "type", equal: reader.flag() ? undefined : reader.u32() };
    case 0x04:
      return { sort: "component", type: reader.u32() };
    case 0x05:
      return { sort: "instance", type: reader.u32() };
    default:
      return reader.unknown("extern type", opcode, at);
  }
};

export const readValueType = (reader: Reader): ValueType => {
  const at = reader.at;
  const primitive = primitives.get(reader.peek());
  if (primitive) {
    reader.byte();
    return primitive;
  }
  const index = reader.s33();
  return index >= 0 ? index : reader.unknown("value type", index & 0x7f, at);
};

const readLabelled = (reader: Reader): LabelledType => ({
  name: reader.name(),
  type: readValueType(reader),
});

export const readResult = (reader: Reader): ValueType | undefined => {
  const at = reader.at;
  const opcode = reader.byte();
  if (opcode === 0x00) return readValueType(reader);
  if (opcode !== 0x01) reader.unknown("result list", opcode, at);
  reader.expect(0x00, "an empty result list");
  return undefined;
};

export const readDefinedType = (reader: Reader): DefinedType => {
  const at = reader.at;
  const opcode = reader.byte();
  const primitive = primitives.get(opcode);
  if (primitive) return { kind: "primitive", type: primitive };
  const value = () => readValueType(reader);
  const optional = () => reader.optional(value);
  switch (opcode) {
    case 0x72:
      return { kind: "record", fields: some(reader, () => readLabelled(reader)) };
    case 0x71:
      return { kind: "variant", cases: some(reader, () => readCase(reader)) };
    case 0x70:
      return { kind: "list", element: value(), length: undefined };
    case 0x67:
      return { kind: "list", element: value(), length: readLength(reader) };
    case 0x6f:
      return { kind: "tuple", elements: some(reader, value) };
    case 0x6e:
      return { kind: "flags", labels: some(reader, () => reader.name(), 32) };
    case 0x6d:
      return { kind: "enum", labels: some(reader, () => reader.name()) };
    case 0x6b:
      return { kind: "option", element: value() };
    case 0x6a:
      return { kind: "result", ok: optional(), err: optional() };
    case 0x69:
      return { kind: "own", resource: reader.u32() };
    case 0x68:
      return { kind: "borrow", resource: reader.u32() };
    case 0x66:
      return { kind: "stream", element: optional() };
    case 0x65:
      return { kind: "future", element: optional() };
    case 0x63:
      return { kind: "map", key: value(), value: value() };
    case 0x40:
    case 0x43: {
      const params = reader.vector(() => readLabelled(reader));
      return { kind: "func", async: opcode === 0x43, params, result: readResult(reader) };
    }
    case 0x41:
      return { kind: "component", declarations: readDeclarations(reader, true) };
    case 0x42:
      return { kind: "instance", declarations: readDeclarations(reader, false) };
    case 0x3f: {
      const representation = readCoreValueType(reader);
      return { kind: "resource", representation, destructor: reader.optional(() => reader.u32()) };
    }
    default:
      return reader.unknown("type", opcode, at);
  }
};

/** A sequence that may not be empty. */
const some = <T>(reader: Reader, item: () => T, max = Number.POSITIVE_INFINITY): T[] => {
  const at = reader.at;
  const items = reader.vector(item);
  if (items.length === 0) reader.malformed("an empty sequence stands where one item at least is needed", at);
  if (items.length > max)
    reader.malformed(`${items.length} items stand where ${max} at most are allowed`, at);
  return items;
};

const readLength = (reader: Reader): number => {
  const at = reader.at;
  const length = reader.u32();
  return length > 0 ? length : reader.malformed("a fixed-length list has no elements", at);
};

const readCase = (reader: Reader): { name: string; type: ValueType | undefined } => {
  const name = reader.name();
  const type = reader.optional(() => readValueType(reader));
  reader.expect(0x00, "the end of a case");
  return { name, type };
};

const readDeclarations = (outer: Reader, imports: boolean): Declaration[] => {
  const reader = outer.nested();
  const declarations = reader.vector((): Declaration => {
    const offset = reader.at;
    const opcode = reader.byte();
    switch (opcode) {
      case 0x00:
        return { offset, kind: "core-type", type: readCoreType(reader) };
      case 0x01:
        return { offset, kind: "type", type: readDefinedType(reader) };
      case 0x02:
        return { offset, kind: "alias", alias: readAlias(reader) };
      case 0x04:
        return { offset, kind: "export", name: readExternName(reader), type: readExternType(reader) };
      case 0x03:
        if (imports)
          return { offset, kind: "import", name: readExternName(reader), type: readExternType(reader) };
        break;
    }
    return reader.unknown("declaration", opcode, offset);
  });
  outer.at = reader.at;
  return declarations;
};
