import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { writeFileAtomic } from "../base/files.ts";
import { limits } from "../base/limits.ts";
import { cacheFolder } from "../base/paths.ts";
import { packContainer, unpackContainer } from "./container.ts";
import type { Metered, Metering } from "./meter/meter.ts";

// Large metered modules, kept on disk by the content of what they were made of: making one takes a fresh process longer
// than compiling it.

/** Changes with what metering makes of the same bytes. */
const version = "meter-1";
const [moduleName, factsName] = ["module.wasm", "facts.json"];

/** Two meterings with the same text are the same. */
export const meteringText = (metering: Metering | undefined): string =>
  metering ? [metering.time, metering.memory, metering.turns, metering.state].map(Boolean).join("-") : "";

/** A module metered: from the user's cache, or made now and kept. Faults: those of `meterCore`. */
export const meteredCore = async (bytes: Uint8Array, metering: Metering): Promise<Metered> => {
  if (bytes.length < limits.meteredKeptBytesMin) return make(bytes, metering);
  const place = join(cacheFolder(), `metered/${version}/${sha256(bytes)}-${meteringText(metering)}`);
  const known = read(place);
  if (known) return known;
  const made = await make(bytes, metering);
  keep(place, made);
  return made;
};

const make = async (bytes: Uint8Array, metering: Metering): Promise<Metered> =>
  (await import("./meter/meter.ts")).meterCore(bytes, metering);

const read = (place: string): Metered | undefined => {
  try {
    const files = unpackContainer(readFileSync(place)) ?? [];
    const bytesOf = (wanted: string) => files.find(({ name }) => name === wanted)!.bytes;
    return { ...JSON.parse(new TextDecoder().decode(bytesOf(factsName))), bytes: bytesOf(moduleName) };
  } catch {
    return undefined;
  }
};

const keep = (place: string, { bytes, ...facts }: Metered): void => {
  const files = [
    { name: moduleName, bytes },
    { name: factsName, bytes: new TextEncoder().encode(JSON.stringify(facts)) },
  ];
  try {
    writeFileAtomic(place, packContainer(files), { mode: 0o600 });
  } catch (error) {
    // A cache that cannot be written costs time, never the run.
    if (!(error instanceof Fault)) throw error;
  }
};
