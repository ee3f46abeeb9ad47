import { Cursor } from "./bytes.ts";
import { op, readOpcode, skipImmediates, skipType } from "./instruction.ts";

// What the rewriter has to know of a core module: where its sections are, and what stands in its index spaces.

export const section = {
  custom: 0,
  type: 1,
  import: 2,
  func: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** Sections in the order in which they stand in a module. */
export const sectionOrder = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11] as const;

export const pageBytes = 65_536;

export interface Range {
  readonly start: number;
  readonly end: number;
}

export interface Limits {
  readonly min: number;
  /** Indexed by 64 bits. */
  readonly wide: boolean;
}

export interface CoreModule {
  readonly bytes: Uint8Array;
  /** Contents, without id and size. */
  readonly sections: ReadonlyMap<number, Range>;
  /** Parameters of each type; 0 for those that are no functions. */
  readonly params: readonly number[];
  readonly importedModules: ReadonlySet<string>;
  /** Type indices of all functions, imported ones first. */
  readonly funcs: readonly number[];
  readonly importedFuncs: number;
  readonly globals: number;
  /** Imported ones first. */
  readonly memories: readonly Limits[];
  readonly tables: readonly Limits[];
  readonly importedMemories: number;
  readonly importedTables: number;
}

/** Reads a module that the engine has found valid. */
export const readModule = (bytes: Uint8Array): CoreModule => {
  const sections = new Map<number, Range>();
  const cursor = new Cursor(bytes, 8);
  while (cursor.at < bytes.length) {
    const id = cursor.byte();
    const size = cursor.number();
    if (id !== section.custom) sections.set(id, { start: cursor.at, end: cursor.at + size });
    cursor.at += size;
  }
  const imports = readImports(open(bytes, sections, section.import));
  const own = {
    funcs: each(open(bytes, sections, section.func), (one) => one.number()),
    tables: each(open(bytes, sections, section.table), readTable),
    memories: each(open(bytes, sections, section.memory), readLimits),
  };
  return {
    bytes,
    sections,
    params: readTypes(open(bytes, sections, section.type)),
    importedModules: imports.modules,
    funcs: [...imports.funcs, ...own.funcs],
    importedFuncs: imports.funcs.length,
    globals: imports.globals + countOf(open(bytes, sections, section.global)),
    memories: [...imports.memories, ...own.memories],
    tables: [...imports.tables, ...own.tables],
    importedMemories: imports.memories.length,
    importedTables: imports.tables.length,
  };
};

const open = (bytes: Uint8Array, sections: ReadonlyMap<number, Range>, id: number): Cursor | undefined => {
  const range = sections.get(id);
  return range && new Cursor(bytes, range.start);
};

const countOf = (cursor: Cursor | undefined): number => cursor?.count() ?? 0;

const each = <T>(cursor: Cursor | undefined, read: (cursor: Cursor) => T): T[] => {
  const found: T[] = [];
  for (let left = countOf(cursor); left > 0; left--) found.push(read(cursor!));
  return found;
};

const readLimits = (cursor: Cursor): Limits => {
  const flags = cursor.byte();
  const min = cursor.number();
  if (flags & 1) cursor.skipNumber();
  if (flags & 8) cursor.skipNumber();
  return { min, wide: (flags & 4) !== 0 };
};

/** Up to an initial value, which 0x40 0x00 announces; says whether one follows. */
export const readTableType = (cursor: Cursor): { readonly limits: Limits; readonly initial: boolean } => {
  const initial = cursor.bytes[cursor.at] === 0x40;
  if (initial) cursor.at += 2;
  skipType(cursor);
  return { limits: readLimits(cursor), initial };
};

const readTable = (cursor: Cursor): Limits => {
  const { limits, initial } = readTableType(cursor);
  if (initial) skipExpression(cursor);
  return limits;
};

const skipExpression = (cursor: Cursor): void => {
  for (let opcode = readOpcode(cursor); opcode !== op.end; opcode = readOpcode(cursor))
    skipImmediates(cursor, opcode);
};

const readImports = (cursor: Cursor | undefined) => {
  const modules = new Set<string>();
  const found = {
    modules,
    funcs: [] as number[],
    tables: [] as Limits[],
    memories: [] as Limits[],
    globals: 0,
  };
  for (let left = countOf(cursor); left > 0; left--) {
    modules.add(cursor!.name());
    cursor!.skipName();
    const kind = cursor!.byte();
    if (kind === 0) found.funcs.push(cursor!.number());
    else if (kind === 1) {
      skipType(cursor!);
      found.tables.push(readLimits(cursor!));
    } else if (kind === 2) found.memories.push(readLimits(cursor!));
    else if (kind === 3) {
      skipType(cursor!);
      cursor!.at++;
      found.globals++;
    } else {
      // A tag: its attribute and its type.
      cursor!.at++;
      cursor!.skipNumber();
    }
  }
  return found;
};

/** Parameters of every type, those in recursive groups counted one by one. */
const readTypes = (cursor: Cursor | undefined): number[] => {
  const params: number[] = [];
  for (let left = countOf(cursor); left > 0; left--) {
    if (cursor!.bytes[cursor!.at] !== 0x4e) params.push(readSubType(cursor!));
    else {
      cursor!.at++;
      for (let inside = cursor!.count(); inside > 0; inside--) params.push(readSubType(cursor!));
    }
  }
  return params;
};

const readSubType = (cursor: Cursor): number => {
  let form = cursor.byte();
  if (form === 0x50 || form === 0x4f) {
    for (let left = cursor.count(); left > 0; left--) cursor.skipNumber();
    form = cursor.byte();
  }
  if (form === 0x60) {
    const params = cursor.count();
    for (let left = params; left > 0; left--) skipType(cursor);
    for (let left = cursor.count(); left > 0; left--) skipType(cursor);
    return params;
  }
  // A structure has a list of fields, an array has one; each is a storage type and whether it changes.
  for (let left = form === 0x5f ? cursor.count() : 1; left > 0; left--) {
    skipType(cursor);
    cursor.at++;
  }
  return 0;
};
