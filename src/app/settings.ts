import { Fault } from "../base/fault.ts";
import { findManifest, readManifest } from "../base/manifest/manifest.ts";
import type { Settings } from "../providers/devserver/heard.ts";

// What a program that is developed runs by besides bytes: its loop.toml, apart into what is heard at a start and what
// is followed while it runs.

/**
 * Of the loop.toml files that speak for these folders; `more` is said at a start besides. Undefined while one is gone or
 * does not read.
 */
export const settingsIn = (folders: readonly string[], more: unknown): Settings | undefined => {
  const fixed: unknown[] = [more];
  const choices = new Map<string, string>();
  try {
    for (const path of new Set(folders.map(findManifest))) {
      if (path === undefined) return undefined;
      const { slots, ...rest } = readManifest(path);
      const tables = [...slots].map(([name, { use, default: defaults, ...table }]) => {
        choices.set(name, `${choices.get(name) ?? ""}${JSON.stringify([use, defaults])}`);
        return [name, table];
      });
      fixed.push(rest, tables);
    }
  } catch (error) {
    // Whoever scans the workspace says what is wrong with it.
    if (error instanceof Fault) return undefined;
    throw error;
  }
  return { fixed: JSON.stringify(fixed), choices };
};
