// Core modules that can be stopped and whose memory can be capped: loops and entries of functions count down and
// ask the host, growing asks it first. Owns the rewriting of core binaries; refuses to know clocks and limits
// (`host/budget` answers the questions); called by `host/cores` for instances that have a limit, and no others.
import { type CoreModule, pageBytes, readModule } from "./module.ts";
import { Rewriter } from "./rewrite.ts";

/** What of a module's behaviour is put before the host. */
export interface Metering {
  /** Loops, calls and bulk instructions. */
  readonly time: boolean;
  /** Growing of memories and tables. */
  readonly memory: boolean;
  /** With `time`: whether the host's other work may go on in the middle of it, where it can be suspended. */
  readonly turns?: boolean | undefined;
  /** With `time`: whether the host can read and write what changes while it runs. */
  readonly state?: boolean | undefined;
}

/** What of a core instance changes while it runs, by the names under which it is exported. */
export interface CoreState {
  readonly memories: readonly string[];
  readonly globals: readonly string[];
  readonly tables: readonly string[];
  /** Whether it writes to tables, its own or others'. */
  readonly tablesChange: boolean;
}

/** What a metered module imports besides its own imports. */
export interface MeterImports {
  /** 1 to stop: the guest traps, which it cannot catch. 2, with `turns`, to call `turn` and then to ask again. */
  readonly check: () => number;
  /** With `turns`: suspends the guest until the host's other work has had its turn. */
  readonly turn?: object;
  /** 1 where the guest may have so many bytes more. */
  readonly reserve: (bytes: number) => number;
  /** The engine refused what `reserve` had last granted. */
  readonly undo: () => void;
}

export interface Metered {
  readonly bytes: Uint8Array;
  /** The module name under which it imports `MeterImports`; undefined where it imports none of them. */
  readonly importName: string | undefined;
  /** Bytes that its own memories and tables have from the start. */
  readonly initialBytes: number;
  /** Undefined where it was not asked for, or not all of it can be had. */
  readonly state: CoreState | undefined;
}

/** What the engine keeps for one entry of a table. */
export const tableEntryBytes = 32;

/**
 * Rewrites a core module; the engine validates the answer. Faults: LK0203 where the module names what is not there,
 * which might be there afterwards; LK0303 where it has an instruction that is not known or, with `memory`, makes objects that
 * the engine collects, which nobody can count.
 */
export const meterCore = (bytes: Uint8Array, metering: Metering): Metered => {
  const module = readModule(bytes);
  const initialBytes = initialBytesOf(module);
  if (module.funcs.length === 0 && !metering.state)
    return { bytes, importName: undefined, initialBytes, state: undefined };
  const rewriter = new Rewriter(module, metering, tableEntryBytes);
  const rewritten = rewriter.rewrite();
  return { bytes: rewritten, importName: rewriter.importName, initialBytes, state: rewriter.state };
};

const initialBytesOf = ({ memories, tables, importedMemories, importedTables }: CoreModule): number => {
  let bytes = 0;
  for (const { min } of memories.slice(importedMemories)) bytes += min * pageBytes;
  for (const { min } of tables.slice(importedTables)) bytes += min * tableEntryBytes;
  return bytes;
};
