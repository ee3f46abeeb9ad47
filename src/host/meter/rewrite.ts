import { sha256 } from "../../base/digest.ts";
import { type Layout, price, rewriteBody, rewriteExpression } from "./body.ts";
import { Cursor, malformed, signed, unsigned, Writer } from "./bytes.ts";
import { skipType } from "./instruction.ts";
import type { CoreState, Metering } from "./meter.ts";
import { type CoreModule, type Limits, pageBytes, readTableType, section, sectionOrder } from "./module.ts";

// A whole module with what metering adds: five types, three imported functions behind the module's own, a global
// for fuel, and functions behind its own. Only the indices of functions move. Custom sections are left out: they
// name functions by index or by place.

/** Functions that every metered module gets, in this order. */
const helpers = [
  "tick",
  "refill",
  "spend32",
  "spend64",
  "reserveMemory32",
  "reserveMemory64",
  "reserveTable32",
  "reserveTable64",
  "settle32",
  "settle64",
  "ask",
] as const;
type Helper = (typeof helpers)[number];

/** Imported functions that every metered module gets, in this order, with their types. */
const imports = { check: "toI32", reserve: "f64ToI32", undo: "nothing" } as const;
/** The last of them where it is to let the host's other work go on. */
const turning = { ...imports, turn: "nothing" } as const;
type ImportName = keyof typeof turning;

const [i32, i64, f64, func] = [0x7f, 0x7e, 0x7c, 0x60];
const types = {
  toI32: [func, 0, 1, i32],
  f64ToI32: [func, 1, f64, 1, i32],
  nothing: [func, 0, 0],
  i32ToI32: [func, 1, i32, 1, i32],
  i64ToI64: [func, 1, i64, 1, i64],
} as const;
type TypeName = keyof typeof types;
const typeNames = Object.keys(types) as TypeName[];

const helperType: Readonly<Record<Helper, TypeName>> = {
  tick: "nothing",
  refill: "nothing",
  spend32: "i32ToI32",
  spend64: "i64ToI64",
  reserveMemory32: "i32ToI32",
  reserveMemory64: "i64ToI64",
  reserveTable32: "i32ToI32",
  reserveTable64: "i64ToI64",
  settle32: "i32ToI32",
  settle64: "i64ToI64",
  ask: "nothing",
};

const wideOf = (limits: Limits | undefined): boolean => {
  if (!limits) throw malformed("an instruction names a memory or table that is not there");
  return limits.wide;
};

/** What of a module changes while it runs, with the kinds of its exports. */
const stateKinds = [
  ["memory", 2],
  ["global", 3],
  ["table", 1],
] as const;
type StateKind = (typeof stateKinds)[number][0];

/** Types of globals that the host cannot read: v128 and exnref. */
const [vector, exception] = [0x7b, 0x69];

type Content = (out: Writer, cursor: Cursor, count: number) => void;

export class Rewriter {
  /** The name of the module that the three functions are imported from: one that the module does not use itself. */
  readonly importName: string;
  readonly #module: CoreModule;
  readonly #metering: Metering;
  readonly #tableEntryBytes: number;
  readonly #imports: readonly (readonly [name: ImportName, type: TypeName])[];
  readonly #layout: Layout;
  #older = false;
  #tablesChange = false;
  #collects = false;
  /** Own globals that change, and whether the host can read all of them. */
  readonly #mutable: number[] = [];
  #readable = true;
  #digest: string | undefined;
  /** New index of the first helper. */
  readonly #helpers: number;
  /** New index of the function that stands for the first imported one. */
  readonly #wrappers: number;

  constructor(module: CoreModule, metering: Metering, tableEntryBytes: number) {
    this.#module = module;
    this.#metering = metering;
    this.#tableEntryBytes = tableEntryBytes;
    this.#imports = Object.entries(metering.turns ? turning : imports) as [ImportName, TypeName][];
    this.#helpers = module.funcs.length + this.#imports.length;
    this.#wrappers = this.#helpers + helpers.length;
    let name = "loop:meter";
    while (module.importedModules.has(name)) name += "'";
    this.importName = name;
    this.#layout = {
      ...metering,
      func: (index) => this.#func(index),
      fuel: module.globals,
      tick: this.#helper("tick"),
      refill: this.#helper("refill"),
      spend32: this.#helper("spend32"),
      spend64: this.#helper("spend64"),
      reserve: (of, wide) => this.#helper(`reserve${of}${wide ? "64" : "32"}`),
      settle: (wide) => this.#helper(wide ? "settle64" : "settle32"),
      memoryWide: (index) => wideOf(module.memories[index]),
      tableWide: (index) => wideOf(module.tables[index]),
      olderExceptions: () => {
        this.#older = true;
      },
      tablesChange: () => {
        this.#tablesChange = true;
      },
      collects: () => {
        this.#collects = true;
      },
    };
  }

  rewrite(): Uint8Array {
    const { bytes, sections } = this.#module;
    const out = new Writer(bytes.length * 2 + 1024);
    out.copy(bytes, 0, 8);
    for (const id of sectionOrder) {
      const range = sections.get(id);
      const content = this.#contents[id];
      if (range && !content) {
        out.byte(id);
        out.number(range.end - range.start);
        out.copy(bytes, range.start, range.end);
      } else if (content && (range || this.#added.has(id))) {
        out.byte(id);
        const cursor = new Cursor(bytes, range?.start);
        out.sized(() => content(out, cursor, range ? cursor.number() : 0));
      }
    }
    return out.finish();
  }

  /** What `rewrite` has exported of what changes; undefined where that is not all of it. */
  get state(): CoreState | undefined {
    if (!this.#metering.state || this.#collects || !this.#readable) return undefined;
    const names = (of: StateKind) => this.#stateIndices(of).map((index) => this.#stateName(of, index));
    return {
      memories: names("memory"),
      globals: names("global"),
      tables: names("table"),
      tablesChange: this.#tablesChange,
    };
  }

  /** With the module's digest in it, so it has no such export of its own; its component would reach what it has anyway. */
  #stateName(of: StateKind, index: number): string {
    this.#digest ??= sha256(this.#module.bytes);
    return `loop:${of} ${index} ${this.#digest}`;
  }

  /** Imported ones are another's to export. */
  #stateIndices(of: StateKind): readonly number[] {
    const { memories, importedMemories, tables, importedTables } = this.#module;
    if (of === "global") return this.#mutable;
    const [all, imported] = of === "memory" ? [memories, importedMemories] : [tables, importedTables];
    return all.slice(imported).map((_, at) => imported + at);
  }

  /** Sections that there are whether or not the module had them. */
  readonly #added: ReadonlySet<number> = new Set([
    section.type,
    section.import,
    section.func,
    section.global,
    section.export,
    section.code,
  ]);

  /** What writes each section that changes; the cursor stands behind the count, which for `start` is all. */
  readonly #contents: Readonly<Record<number, Content>> = {
    [section.type]: (out, cursor, count) => {
      out.number(count + typeNames.length);
      this.#rest(out, cursor, section.type);
      for (const type of Object.values(types)) out.all(type);
    },
    [section.import]: (out, cursor, count) => {
      out.number(count + this.#imports.length);
      this.#rest(out, cursor, section.import);
      for (const [name, type] of this.#imports) {
        for (const text of [this.importName, name]) out.text(text);
        out.byte(0);
        out.number(this.#type(type));
      }
    },
    [section.func]: (out, cursor, count) => {
      out.number(count + helpers.length + this.#wrapped.length);
      this.#rest(out, cursor, section.func);
      for (const name of helpers) out.number(this.#type(helperType[name]));
      for (const type of this.#wrapped) out.number(type);
    },
    [section.table]: (out, cursor, count) => {
      out.number(count);
      for (let left = count; left > 0; left--) {
        const start = cursor.at;
        const { initial } = readTableType(cursor);
        out.copy(cursor.bytes, start, cursor.at);
        if (initial) rewriteExpression(out, cursor, this.#layout);
      }
    },
    [section.global]: (out, cursor, count) => {
      out.number(count + 1);
      for (let left = count; left > 0; left--) {
        const start = cursor.at;
        skipType(cursor);
        if (cursor.byte() === 1) this.#noteGlobal(cursor.bytes[start]!, this.#module.globals - left);
        out.copy(cursor.bytes, start, cursor.at);
        rewriteExpression(out, cursor, this.#layout);
      }
      out.all([i32, 1, 0x41, ...signed(price.fuel), 0x0b]);
    },
    [section.export]: (out, cursor, count) => {
      const state = this.#metering.state ? stateKinds : [];
      out.number(state.reduce((sum, [of]) => sum + this.#stateIndices(of).length, count));
      for (const [of, kind] of state)
        for (const index of this.#stateIndices(of)) {
          out.text(this.#stateName(of, index));
          out.byte(kind);
          out.number(index);
        }
      for (let left = count; left > 0; left--) {
        const start = cursor.at;
        cursor.skipName();
        const kind = cursor.byte();
        out.copy(cursor.bytes, start, cursor.at);
        if (kind === 0) out.number(this.#func(cursor.number()));
        else out.number(kind === 3 ? cursor.index(this.#layout.fuel, "global") : cursor.number());
      }
    },
    [section.start]: (out, _, index) => out.number(this.#func(index)),
    [section.element]: (out, cursor, count) => {
      out.number(count);
      for (let left = count; left > 0; left--) this.#element(out, cursor);
    },
    [section.code]: (out, cursor, count) => {
      const { funcs, importedFuncs, params } = this.#module;
      out.number(count + helpers.length + this.#wrapped.length);
      for (let one = 0; one < count; one++) {
        const size = cursor.number();
        const end = cursor.at + size;
        const own = params[funcs[importedFuncs + one]!];
        if (own === undefined) throw malformed("a function has no type");
        out.sized(() => rewriteBody(out, cursor.bytes, cursor.at, end, own, this.#layout));
        cursor.at = end;
      }
      for (const name of helpers) out.sized(() => out.all(this.#body(name)));
      for (const [index, type] of this.#wrapped.entries()) this.#wrapper(out, index, type);
    },
  };

  #noteGlobal(type: number, index: number): void {
    this.#mutable.push(index);
    if (type === vector || type === exception) this.#readable = false;
  }

  #rest(out: Writer, cursor: Cursor, id: number): void {
    const range = this.#module.sections.get(id);
    if (range) out.copy(cursor.bytes, cursor.at, range.end);
  }

  #helper(name: Helper): number {
    return this.#helpers + helpers.indexOf(name);
  }

  #import(wanted: ImportName): number {
    return this.#module.importedFuncs + this.#imports.findIndex(([name]) => name === wanted);
  }

  #type(name: TypeName): number {
    return this.#module.params.length + typeNames.indexOf(name);
  }

  /** Types of the imported functions that get a wrapper: all of them where time is measured. */
  get #wrapped(): readonly number[] {
    const { funcs, importedFuncs } = this.#module;
    return this.#metering.time ? funcs.slice(0, importedFuncs) : [];
  }

  #func(index: number): number {
    const { funcs, importedFuncs } = this.#module;
    if (index >= funcs.length) throw malformed(`there is no function ${index}`);
    if (index >= importedFuncs) return index + this.#imports.length;
    return this.#metering.time ? this.#wrappers + index : index;
  }

  /** The eight forms of an element segment (WebAssembly 3.0, "Element Section"). */
  #element(out: Writer, cursor: Cursor): void {
    const start = cursor.at;
    const flags = cursor.number();
    const active = (flags & 1) === 0;
    const expressions = (flags & 4) !== 0;
    if (active && flags & 2) cursor.skipNumber();
    out.copy(cursor.bytes, start, cursor.at);
    if (active) rewriteExpression(out, cursor, this.#layout);
    const typeAt = cursor.at;
    if (flags & 3) {
      if (expressions) skipType(cursor);
      else cursor.at++;
    }
    out.copy(cursor.bytes, typeAt, cursor.at);
    const count = cursor.number();
    out.number(count);
    for (let left = count; left > 0; left--) {
      if (expressions) rewriteExpression(out, cursor, this.#layout);
      else out.number(this.#func(cursor.number()));
    }
  }

  /** An imported function, after which the host is asked: it may have taken any time. */
  #wrapper(out: Writer, index: number, type: number): void {
    const params = Array.from({ length: this.#module.params[type] ?? 0 }, (_, one) => [
      0x20,
      ...unsigned(one),
    ]);
    out.sized(() => out.all([0, ...params.flat(), 0x10, ...unsigned(index), ...this.#checked, 0x0b]));
  }

  /** Asks the host, and traps where it says so. */
  get #checked(): number[] {
    if (this.#metering.turns) return [0x10, ...unsigned(this.#helper("ask"))];
    return [0x10, ...unsigned(this.#import("check")), 0x04, 0x40, 0x00, 0x0b];
  }

  /**
   * The same, with two more answers: to let the host's other work go on, and then to ask again. Where this guest cannot
   * be suspended, below a call that does not wait, the engine throws instead, which is caught.
   */
  get #asking(): number[] {
    const [check, turn] = [unsigned(this.#import("check")), unsigned(this.#import("turn"))];
    const caught = this.#older
      ? [0x06, 0x40, 0x10, ...turn, 0x19, 0x0b]
      : [0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x10, ...turn, 0x0b, 0x0b];
    return [
      ...[1, 1, i32, 0x10, ...check, 0x22, 0, 0x41, 2, 0x46, 0x04, 0x40, ...caught],
      ...[0x10, ...check, 0x21, 0, 0x0b],
      ...[0x20, 0, 0x41, 1, 0x46, 0x04, 0x40, 0x00, 0x0b, 0x0b],
    ];
  }

  /** fuel -= what is on the stack; where none is left, the host is asked. */
  #pay(...amount: number[]): number[] {
    const fuel = unsigned(this.#layout.fuel);
    const rest = [0x23, ...fuel, 0x41, 0, 0x48, 0x04, 0x40, 0x10, ...unsigned(this.#layout.refill), 0x0b];
    return [0x23, ...fuel, ...amount, 0x6b, 0x24, ...fuel, ...rest];
  }

  /** A helper's body: no locals, instructions, end. */
  #body(name: Helper): number[] {
    const local = [0x20, 0];
    switch (name) {
      case "tick":
        return [0, ...this.#pay(0x41, ...signed(price.batchFuel)), 0x0b];
      case "refill": {
        const fill = [0x41, ...signed(price.fuel), 0x24, ...unsigned(this.#layout.fuel)];
        return [0, ...fill, ...this.#checked, 0x0b];
      }
      case "spend32":
        return [0, ...this.#pay(...local, 0x41, price.bulkShift, 0x76), ...local, 0x0b];
      case "spend64":
        return [0, ...this.#pay(...local, 0x42, price.bulkShift, 0x88, 0xa7), ...local, 0x0b];
      case "reserveMemory32":
        return this.#reserving(0xb8, pageBytes, [0x41, 0x7f]);
      case "reserveMemory64":
        return this.#reserving(0xba, pageBytes, [0x42, 0x7f]);
      case "reserveTable32":
        return this.#reserving(0xb8, this.#tableEntryBytes, [0x41, 0x7f]);
      case "reserveTable64":
        return this.#reserving(0xba, this.#tableEntryBytes, [0x42, 0x7f]);
      case "settle32":
        return this.#settling(0x41, 0x46);
      case "settle64":
        return this.#settling(0x42, 0x51);
      case "ask":
        return this.#metering.turns ? this.#asking : [0, 0x0b];
    }
  }

  /** (count) → count, or all ones where the host refuses: no memory or table can grow by so many. */
  #reserving(toF64: number, unitBytes: number, refused: readonly number[]): number[] {
    const amount = [0x20, 0, toF64, 0x44, ...new Uint8Array(Float64Array.of(unitBytes).buffer), 0xa2];
    const ask = [...amount, 0x10, ...unsigned(this.#import("reserve"))];
    const type = refused[0] === 0x42 ? i64 : i32;
    return [0, ...ask, 0x04, type, 0x20, 0, 0x05, ...refused, 0x0b, 0x0b];
  }

  /** (old size) → old size; where it is minus one, nothing has grown. */
  #settling(constOp: number, equalOp: number): number[] {
    const undo = [0x04, 0x40, 0x10, ...unsigned(this.#import("undo")), 0x0b];
    return [0, 0x20, 0, constOp, 0x7f, equalOp, ...undo, 0x20, 0, 0x0b];
  }
}
