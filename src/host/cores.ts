import { limits } from "../base/limits.ts";
import { coreModuleRanges } from "../contract/binary/sections.ts";
import type { CoreState, Metered, MeterImports, Metering } from "./meter/meter.ts";
import { meteredCore, meteringText } from "./metered.ts";

// Compiled core modules, shared in the process by content. A QuickJS component's engine is the same 770 KB in
// every component and costs JSC about 30 ms to compile, so the second guest gets it for nothing. A compiled
// module holds no state, so sharing it shares nothing between guests.

interface Entry {
  readonly bytes: Uint8Array;
  readonly module: Promise<WebAssembly.Module>;
}

/** Least recently used first, as Map keeps insertion order. */
const compiled = new Map<string, Entry>();
let heldBytes = 0;

/** What an instance answers to its metered modules. */
export interface Meter {
  readonly imports: MeterImports;
  /** A core instance takes so many bytes at its start; throws where they are too many. */
  begin(bytes: number): void;
  /** Whether its modules were metered so that the host's other work can go on in the middle of them. */
  readonly turns?: boolean;
  /** Hears of each core instance that was made, with what of it was asked for and can be put back. */
  made?(instance: WebAssembly.Instance, state: CoreState | undefined): void;
  /** Hears of each component instance, which keeps what lies outside of its core instances. */
  inside?(instance: Inside): void;
}

/** What a linker keeps of a component instance beside its core instances. */
export interface Inside {
  /** Remembers it as it is; the answer puts it back, or says that it cannot: something of it is gone. */
  mark(): () => boolean;
}

/** What was metered, and how it is instantiated; a module that is not in it was compiled as it is. */
const metered = new WeakMap<WebAssembly.Module, Metered>();

/**
 * Compiles core module bytes, or gives the module compiled from the same bytes before. With `metering` they are
 * rewritten first, and `instantiateCore` has to be given a meter.
 */
export const compileCore = (bytes: Uint8Array, metering?: Metering): Promise<WebAssembly.Module> => {
  // Small modules compile faster than they are looked up.
  if (bytes.length < limits.coreSharedBytesMin) return compile(bytes, metering);
  const kind = meteringText(metering);
  const key = `${bytes.length}:${Bun.hash(bytes)}:${kind}`;
  const known = compiled.get(key);
  if (known && Buffer.compare(known.bytes, bytes) === 0) {
    compiled.delete(key);
    compiled.set(key, known);
    return known.module;
  }
  const module = compile(bytes, metering);
  // No copy: a slice keeps its component alive, and most of a component is its core modules.
  keep(key, { bytes, module });
  return module;
};

/**
 * Begins to compile the large core modules of a component before anything else is known of it: the compiler's
 * threads then work while the component is decoded and linked. Whoever instantiates meets a module that fails.
 */
export const beginCores = (
  component: Uint8Array,
  ranges: () => readonly (readonly [start: number, end: number])[] = () => coreModuleRanges(component),
): void => {
  if (begun.has(component)) return;
  begun.add(component);
  const cores = ranges();
  // What has state to hand over is metered, and compiled as that; its exports stand behind its modules.
  const behind = cores.reduce((last, [, end]) => Math.max(last, end), 0);
  const rest = component.subarray(behind);
  if (Buffer.from(rest.buffer, rest.byteOffset, rest.length).includes(stateful)) return;
  for (const [start, end] of cores)
    if (end - start >= limits.coreSharedBytesMin) compileCore(component.subarray(start, end)).catch(() => {});
};

const stateful = "loop:core/handover@";
const begun = new WeakSet<Uint8Array>();

const compile = async (bytes: Uint8Array, metering: Metering | undefined): Promise<WebAssembly.Module> => {
  if (!metering) return WebAssembly.compile(bytes as BufferSource);
  const made = await meteredCore(bytes, metering);
  const module = await WebAssembly.compile(made.bytes as BufferSource);
  metered.set(module, made);
  return module;
};

/** A core instance; a metered module is joined to the meter of its instance. */
export const instantiateCore = (
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
  meter: Meter | undefined,
): WebAssembly.Instance => {
  const instance = coreInstance(module, imports, meter);
  meter?.made?.(instance, metered.get(module)?.state);
  return instance;
};

const coreInstance = (
  module: WebAssembly.Module,
  imports: WebAssembly.Imports,
  meter: Meter | undefined,
): WebAssembly.Instance => {
  const made = metered.get(module);
  if (!made) return new WebAssembly.Instance(module, imports);
  if (!meter) throw new Error("A metered module is instantiated without a meter");
  meter.begin(made.initialBytes);
  if (made.importName === undefined) return new WebAssembly.Instance(module, imports);
  const given = { ...imports, [made.importName]: meter.imports } as unknown as WebAssembly.Imports;
  return new WebAssembly.Instance(module, given);
};

const keep = (key: string, entry: Entry): void => {
  forget(key);
  compiled.set(key, entry);
  heldBytes += entry.bytes.length;
  entry.module.catch(() => forget(key));
  for (const oldest of compiled.keys()) {
    if (heldBytes <= limits.coreSharedBytesMax || oldest === key) break;
    forget(oldest);
  }
};

const forget = (key: string): void => {
  heldBytes -= compiled.get(key)?.bytes.length ?? 0;
  compiled.delete(key);
};
