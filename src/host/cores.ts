import { limits } from "../base/limits.ts";

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

/** Compiles core module bytes, or gives the module compiled from the same bytes before. */
export const compileCore = (bytes: Uint8Array): Promise<WebAssembly.Module> => {
  // Small modules compile faster than they are looked up.
  if (bytes.length < limits.coreSharedBytesMin) return WebAssembly.compile(bytes as BufferSource);
  const key = `${bytes.length}:${Bun.hash(bytes)}`;
  const known = compiled.get(key);
  if (known && Buffer.compare(known.bytes, bytes) === 0) {
    compiled.delete(key);
    compiled.set(key, known);
    return known.module;
  }
  const module = WebAssembly.compile(bytes as BufferSource);
  // A copy, so that a slice does not keep its whole component alive.
  keep(key, { bytes: bytes.slice(), module });
  return module;
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
