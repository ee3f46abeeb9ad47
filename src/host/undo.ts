import { limits } from "../base/limits.ts";
import type { Inside } from "./cores.ts";
import type { CoreState } from "./meter/meter.ts";

// What a call into an instance changes of it, put back: linear memories, globals, tables and handles. What it did
// outside, with files or the network, nobody can take back.

/** Puts everything back as it was; false where something that there was is gone, as a file that was closed. */
export type Undo = () => boolean;

/** What makes up an instance whose calls can be undone. */
export class Undoable {
  readonly #cores: { readonly exports: WebAssembly.Exports; readonly state: CoreState }[] = [];
  readonly #insides: Inside[] = [];
  #all = true;

  /** A core instance of it; `state` is undefined where not all that changes can be read. */
  made(instance: WebAssembly.Instance, state: CoreState | undefined): void {
    if (state) this.#cores.push({ exports: instance.exports, state });
    else this.#all = false;
  }

  inside(one: Inside): void {
    this.#insides.push(one);
  }

  /** Remembers it as it is. Undefined where it cannot be put back, or is too large to be copied. */
  mark(): Undo | undefined {
    // A linker that keeps handles where nobody sees them has told of none.
    if (!this.#all || this.#insides.length === 0) return undefined;
    const memories = this.#of<WebAssembly.Memory>("memories");
    const bytes = memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    if (bytes > limits.undoBytesMax) return undefined;
    const tables = this.#cores.some(({ state }) => state.tablesChange)
      ? this.#of<WebAssembly.Table>("tables")
      : [];
    if (tables.reduce((sum, { length }) => sum + length, 0) > limits.undoEntriesMax) return undefined;
    const undone = [
      ...memories.map(memoryMark),
      ...this.#of<WebAssembly.Global>("globals").map(globalMark),
      ...tables.map(tableMark),
    ];
    const insides = this.#insides.map((inside) => inside.mark());
    return () => {
      for (const undo of undone) undo();
      return insides.map((undo) => undo()).every(Boolean);
    };
  }

  #of<T>(what: "memories" | "globals" | "tables"): T[] {
    return this.#cores.flatMap(({ exports, state }) => state[what].map((name) => exports[name] as T));
  }
}

/** A memory cannot shrink: what has come since is zero, as it is when it comes. */
const memoryMark = (memory: WebAssembly.Memory): (() => void) => {
  const before = new Uint8Array(memory.buffer).slice();
  return () => {
    const now = new Uint8Array(memory.buffer);
    now.set(before);
    now.fill(0, before.length);
  };
};

const globalMark = (global: WebAssembly.Global): (() => void) => {
  const before = global.value;
  return () => {
    global.value = before;
  };
};

const tableMark = (table: WebAssembly.Table): (() => void) => {
  const before = Array.from({ length: table.length }, (_, at) => table.get(at));
  return () => {
    for (const [at, entry] of before.entries()) table.set(at, entry);
    for (let at = before.length; at < table.length; at++) table.set(at, null);
  };
};
