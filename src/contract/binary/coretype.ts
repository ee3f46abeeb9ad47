import type {
  CoreCompositeType,
  CoreDeclaration,
  CoreExternType,
  CoreLimits,
  CoreStorage,
  CoreSubType,
  CoreType,
  CoreValueType,
} from "./ast.ts";
import type { Reader } from "./reader.ts";

// Core types as they stand in a component's core-type section (WebAssembly 3.0 and component-model Binary.md).
// Their content is not needed for linking; it is read so that what follows can be.

const numeric = new Map<number, CoreValueType>([
  [0x7f, "i32"],
  [0x7e, "i64"],
  [0x7d, "f32"],
  [0x7c, "f64"],
  [0x7b, "v128"],
]);

/** Heap types that stand alone as a nullable reference: noexn 0x74 … exn 0x69, as signed opcodes. */
const isAbstractHeap = (opcode: number): boolean => opcode >= 0x69 && opcode <= 0x74;

export const readCoreValueType = (reader: Reader): CoreValueType => {
  const at = reader.at;
  const opcode = reader.byte();
  const number = numeric.get(opcode);
  if (number !== undefined) return number;
  if (isAbstractHeap(opcode)) return { heap: opcode - 0x80, nullable: true };
  if (opcode === 0x63 || opcode === 0x64) return { heap: reader.s33(), nullable: opcode === 0x63 };
  return reader.unknown("core value type", opcode, at);
};

/** A core type of a component: a module type, or a recursion group as core modules have it. */
export const readCoreType = (reader: Reader): CoreType => {
  const opcode = reader.peek();
  if (opcode === 0x50) {
    reader.byte();
    return { kind: "module", declarations: readModuleType(reader) };
  }
  // Here 0x50 is a module type, so a non-final subtype carries a zero before it.
  if (opcode === 0x00) {
    reader.byte();
    if (reader.peek() !== 0x50) reader.malformed("0x50 was looked for after 0x00 in a core type");
  }
  return readRecursion(reader);
};

/** A type as it stands in a core module's type section, and inside module types. */
export const readRecursion = (reader: Reader): Extract<CoreType, { kind: "recursive" }> => {
  if (reader.peek() !== 0x4e) return { kind: "recursive", types: [readSubType(reader)] };
  reader.byte();
  return { kind: "recursive", types: reader.vector(() => readSubType(reader)) };
};

const readModuleType = (outer: Reader): CoreDeclaration[] => {
  const reader = outer.nested();
  const declarations = reader.vector(() => readDeclaration(reader));
  outer.at = reader.at;
  return declarations;
};

const readDeclaration = (reader: Reader): CoreDeclaration => {
  const at = reader.at;
  const opcode = reader.byte();
  switch (opcode) {
    case 0x00:
      return { kind: "import", module: reader.name(), name: reader.name(), type: readExternType(reader) };
    case 0x01:
      return { kind: "type", type: readRecursion(reader) };
    case 0x02:
      reader.expect(0x10, "the sort `type`");
      reader.expect(0x01, "an outer alias");
      return { kind: "outer-alias", count: reader.u32(), index: reader.u32() };
    case 0x03:
      return { kind: "export", name: reader.name(), type: readExternType(reader) };
    default:
      return reader.unknown("module declaration", opcode, at);
  }
};

export const readExternType = (reader: Reader): CoreExternType => {
  const at = reader.at;
  const opcode = reader.byte();
  switch (opcode) {
    case 0x00:
      return { kind: "func", type: reader.u32() };
    case 0x01: {
      const element = readCoreValueType(reader);
      return { kind: "table", element, limits: readLimits(reader).limits };
    }
    case 0x02: {
      const { limits, pageSizeLog2 } = readLimits(reader);
      return { kind: "memory", limits, pageSizeLog2 };
    }
    case 0x03:
      return { kind: "global", type: readCoreValueType(reader), mutable: reader.flag() };
    case 0x04:
      reader.expect(0x00, "an exception tag");
      return { kind: "tag", type: reader.u32() };
    default:
      return reader.unknown("core extern type", opcode, at);
  }
};

export const readLimits = (reader: Reader): { limits: CoreLimits; pageSizeLog2: number } => {
  const at = reader.at;
  const flags = reader.byte();
  if (flags > 0x0f) reader.unknown("limits flag", flags, at);
  const wide = (flags & 4) !== 0;
  const read = () => (wide ? reader.u64() : BigInt(reader.u32()));
  const min = read();
  const max = flags & 1 ? read() : undefined;
  const pageSizeLog2 = flags & 8 ? reader.u32() : 16;
  return { limits: { min, max, shared: (flags & 2) !== 0, wide }, pageSizeLog2 };
};

const readSubType = (reader: Reader): CoreSubType => {
  const opcode = reader.peek();
  if (opcode !== 0x50 && opcode !== 0x4f) return { final: true, supertypes: [], type: readComposite(reader) };
  reader.byte();
  const supertypes = reader.vector(() => reader.u32());
  return { final: opcode === 0x4f, supertypes, type: readComposite(reader) };
};

const readComposite = (reader: Reader): CoreCompositeType => {
  const at = reader.at;
  const opcode = reader.byte();
  switch (opcode) {
    case 0x60: {
      const params = reader.vector(() => readCoreValueType(reader));
      return { kind: "func", params, results: reader.vector(() => readCoreValueType(reader)) };
    }
    case 0x5f:
      return { kind: "struct", fields: reader.vector(() => readStorage(reader)) };
    case 0x5e:
      return { kind: "array", element: readStorage(reader) };
    default:
      return reader.unknown("core composite type", opcode, at);
  }
};

const readStorage = (reader: Reader): CoreStorage => {
  const opcode = reader.peek();
  const packed = opcode === 0x78 ? "i8" : opcode === 0x77 ? "i16" : undefined;
  if (packed) reader.byte();
  const type = packed ?? readCoreValueType(reader);
  return { type, mutable: reader.flag() };
};
