import { sha256 } from "../../base/digest.ts";
import {
  asked,
  type Helper,
  helperBody,
  helpers,
  helperType,
  type ImportName,
  i32,
  imports,
  type TypeName,
  turning,
  typeNames,
  types,
  type Where,
} from "./added.ts";
import { type Layout, price, rewriteBody, rewriteExpression } from "./body.ts";
import { Cursor, malformed, signed, unsigned, Writer } from "./bytes.ts";
import { skipType } from "./instruction.ts";
import type { CoreState, Metering } from "./meter.ts";
import { type CoreModule, type Limits, readTableType, section, sectionOrder } from "./module.ts";

// A whole module with what metering adds: five types, three imported functions behind the module's own, a global
// for fuel, and functions behind its own. Only the indices of functions move. Custom sections are left out: they
// name functions by index or by place.

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
  readonly #imports: readonly (readonly [name: ImportName, type: TypeName])[];
  readonly #layout: Layout;
  readonly #where: Where;
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
    this.#imports = Object.entries(metering.turns ? turning : imports) as [ImportName, TypeName][];
    this.#helpers = module.funcs.length + this.#imports.length;
    this.#wrappers = this.#helpers + helpers.length;
    this.#where = {
      fuel: module.globals,
      turns: metering.turns === true,
      older: false,
      tableEntryBytes,
      helper: (wanted) => this.#helper(wanted),
      imported: (wanted) => this.#import(wanted),
    };
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
        this.#where.older = true;
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
      for (const name of helpers) out.sized(() => out.all(helperBody(name, this.#where)));
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
    out.sized(() => out.all([0, ...params.flat(), 0x10, ...unsigned(index), ...asked(this.#where), 0x0b]));
  }
}
