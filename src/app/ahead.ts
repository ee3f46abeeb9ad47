import { beginCores } from "../host/cores.ts";
import { readAhead } from "../resolve/builtin.ts";
import type { ShippedCommand } from "./catalog.ts";

/**
 * Begins to read the shipped component that these words probably mean, and to compile it on the engine's threads,
 * while slots are looked at and words are read. Where a slot then chooses another, a thread has worked in vain.
 */
export const ahead = (words: readonly string[], shipped: ReadonlyMap<string, ShippedCommand>): void => {
  const command = shipped.get(words.slice(0, 2).join(" ")) ?? shipped.get(words[0] ?? "");
  if (!command) return;
  const bytes = readAhead(command.identifier.slice("builtin:".length));
  if (bytes) beginCores(bytes);
};
