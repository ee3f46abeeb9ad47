import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { Fault } from "../../base/fault.ts";
import { writeFileAtomic } from "../../base/files.ts";
import { cacheFolder } from "../../base/paths.ts";
import type { Metered, Metering } from "./meter.ts";

// Rewritten modules in the cache, by what they were made of: the rewriter is slowest the first time in a process, which for
// a component with a window is each time that a person starts it.

/** Changes with anything that the rewriter does. */
const version = "meter-1";

/** A line before the module: what `Metered` says besides, and the module's digest. */
interface Head {
  readonly importName: string | undefined;
  readonly initialBytes: number;
  readonly digest: string;
}

/** As `meterCore`, kept from one process to the next. Faults are those of `meterCore`; the cache has none. */
export const keptMeterCore = async (bytes: Uint8Array, metering: Metering): Promise<Metered> => {
  const kind = `${metering.time ? "t" : ""}${metering.memory ? "m" : ""}`;
  const path = join(cacheFolder(), version, `${sha256(bytes)}-${kind}`);
  const known = read(path);
  if (known) return known;
  const { meterCore } = await import("./meter.ts");
  const made = meterCore(bytes, metering);
  write(path, made);
  return made;
};

/** What is not whole is as if it were not there. */
const read = (path: string): Metered | undefined => {
  try {
    const all = readFileSync(path);
    const end = all.indexOf(0x0a);
    const { importName, initialBytes, digest } = JSON.parse(all.toString("utf8", 0, end)) as Head;
    const bytes = all.subarray(end + 1);
    return sha256(bytes) === digest ? { bytes, importName, initialBytes } : undefined;
  } catch {
    return undefined;
  }
};

const write = (path: string, { bytes, importName, initialBytes }: Metered): void => {
  const head: Head = { importName, initialBytes, digest: sha256(bytes) };
  try {
    writeFileAtomic(path, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), bytes]), { mode: 0o600 });
  } catch (error) {
    // A cache that cannot be written costs time, never the run.
    if (!(error instanceof Fault)) throw error;
  }
};
