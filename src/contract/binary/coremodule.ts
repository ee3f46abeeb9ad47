import type { CoreExternType, CoreFuncType, CoreValueType } from "./ast.ts";
import { readCoreValueType, readExternType, readLimits, readRecursion } from "./coretype.ts";
import { modulePreamble } from "./decode.ts";
import { Reader } from "./reader.ts";

/** An import or export of a core module, function types written out. */
export type CoreExtern =
  | { readonly kind: "func" | "tag"; readonly type: CoreFuncType | undefined }
  | Exclude<CoreExternType, { kind: "func" | "tag" }>;

export interface CoreModuleType {
  readonly imports: readonly { readonly module: string; readonly name: string; readonly type: CoreExtern }[];
  readonly exports: ReadonlyMap<string, CoreExtern>;
}

/**
 * What a core module imports and exports, with types; bodies are not read. The engine says only names and kinds.
 * Faults: LK0203, with offsets in `bytes`.
 */
export const readCoreModule = (bytes: Uint8Array): CoreModuleType => {
  const module = new ModuleReader();
  const reader = new Reader(bytes, modulePreamble.length);
  while (!reader.done) {
    const id = reader.byte();
    module.section(id, reader.slice(reader.u32()));
  }
  return { imports: module.imports, exports: module.exports };
};

/** The extern with its function type written out, where `types` has it. */
export const resolved = (type: CoreExternType, types: readonly (CoreFuncType | undefined)[]): CoreExtern => {
  switch (type.kind) {
    case "func":
    case "tag":
      return { kind: type.kind, type: types[type.type] };
    default:
      return type;
  }
};

class ModuleReader {
  readonly imports: CoreModuleType["imports"][number][] = [];
  readonly exports = new Map<string, CoreExtern>();
  readonly #types: (CoreFuncType | undefined)[] = [];
  readonly #spaces: Record<CoreExtern["kind"], CoreExtern[]> = {
    func: [],
    table: [],
    memory: [],
    global: [],
    tag: [],
  };

  section(id: number, reader: Reader): void {
    switch (id) {
      case 1:
        reader.vector(() => this.#type(reader));
        break;
      case 2:
        reader.vector(() => {
          const [module, name] = [reader.name(), reader.name()];
          this.imports.push({ module, name, type: this.#define(readExternType(reader)) });
        });
        break;
      case 3:
        reader.vector(() => this.#define({ kind: "func", type: reader.u32() }));
        break;
      case 4:
        reader.vector(() => this.#table(reader));
        break;
      case 5:
        reader.vector(() => this.#define({ kind: "memory", ...readLimits(reader) }));
        break;
      case 6:
        reader.vector(() => this.#global(reader));
        break;
      case 7:
        reader.vector(() => this.#export(reader));
        break;
      case 13:
        reader.vector(() => {
          reader.expect(0x00, "an exception tag");
          this.#define({ kind: "tag", type: reader.u32() });
        });
        break;
    }
  }

  #type(reader: Reader): void {
    for (const one of readRecursion(reader).types)
      this.#types.push(one.type.kind === "func" ? one.type : undefined);
  }

  #define(type: CoreExternType): CoreExtern {
    const extern = resolved(type, this.#types);
    this.#spaces[extern.kind].push(extern);
    return extern;
  }

  #table(reader: Reader): void {
    const initialised = reader.peek() === 0x40;
    if (initialised) {
      reader.byte();
      reader.expect(0x00, "a table with an initial value");
    }
    const element = readCoreValueType(reader);
    this.#define({ kind: "table", element, limits: readLimits(reader).limits });
    if (initialised) skipConstant(reader);
  }

  #global(reader: Reader): void {
    const type: CoreValueType = readCoreValueType(reader);
    this.#define({ kind: "global", type, mutable: reader.flag() });
    skipConstant(reader);
  }

  #export(reader: Reader): void {
    const name = reader.name();
    const at = reader.at;
    const kind = (["func", "table", "memory", "global", "tag"] as const)[reader.byte()];
    const extern = kind && this.#spaces[kind][reader.u32()];
    this.exports.set(name, extern ?? reader.malformed("an export names nothing", at));
  }
}

/** Skips a constant expression to its end; the instructions are those of WebAssembly 3.0. */
const skipConstant = (reader: Reader): void => {
  for (;;) {
    const at = reader.at;
    const opcode = reader.byte();
    if (opcode === 0x0b) return;
    if (opcode === 0x41 || opcode === 0x23 || opcode === 0xd2) skipNumber(reader);
    else if (opcode === 0x42) skipNumber(reader);
    else if (opcode === 0x43) reader.slice(4);
    else if (opcode === 0x44) reader.slice(8);
    else if (opcode === 0xd0) reader.s33();
    else if (opcode === 0xfd) {
      reader.u32();
      reader.slice(16);
    } else if (opcode === 0xfb) skipAggregate(reader);
    else if (!isArithmetic(opcode)) reader.unknown("constant instruction", opcode, at);
  }
};

/** i32 and i64 addition, subtraction, multiplication: extended constant expressions. */
const isArithmetic = (opcode: number): boolean =>
  (opcode >= 0x6a && opcode <= 0x6c) || (opcode >= 0x7c && opcode <= 0x7e);

const skipNumber = (reader: Reader): void => {
  while (reader.byte() >= 0x80);
};

/** struct.new, array.new and their relatives take one or two indices; ref.i31 and conversions none. */
const skipAggregate = (reader: Reader): void => {
  const operation = reader.u32();
  if (operation <= 0x08) reader.u32();
  if (operation === 0x08) reader.u32();
};
