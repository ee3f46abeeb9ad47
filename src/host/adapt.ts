import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { writeFileAtomic } from "../base/files.ts";
import { cacheFolder } from "../base/paths.ts";
import { adaptation, adaptModule } from "../contract/preview1.ts";
import { packContainer, unpackContainer } from "./container.ts";

// Core modules that arrive as components: made once for a content, then read from the cache.

/** A module with the old WASI as a component, from the user's cache or made now and kept. Faults: LK0202, LK0211. */
export const adapted = async (
  identifier: string,
  module: Uint8Array,
  digest: Digest,
): Promise<Uint8Array> => {
  const place = join(cacheFolder(), `adapt/${adaptation}/${digest.slice("sha256:".length)}`);
  const kept = readKept(place);
  if (kept) return kept;
  const component = await adaptModule(identifier, module);
  try {
    writeFileAtomic(place, packContainer([{ name: "component.wasm", bytes: component }]), { mode: 0o600 });
  } catch (error) {
    // A cache that cannot be written costs time, never the run.
    if (!(error instanceof Fault)) throw error;
  }
  return component;
};

const readKept = (place: string): Uint8Array | undefined => {
  try {
    return unpackContainer(readFileSync(place))?.[0]?.bytes;
  } catch {
    return undefined;
  }
};
