import { resolve } from "node:path";
import { Fault } from "../base/fault.ts";
import { type Manifest, readManifests } from "../base/manifest/manifest.ts";
import { parseIdentifier } from "../resolve/identifier.ts";
import { endOfDay } from "./day.ts";
import type { PublicKey } from "./key/public.ts";
import type { WorkspaceTrust } from "./keyring.ts";

// `[trust]` of the loop.toml files that speak where a person stands.

/** A loop.toml that does not read is others' to complain of; it asks for nothing and believes nobody. */
export const manifestsHere = (folder: string): readonly Manifest[] => {
  try {
    return readManifests(folder);
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
};

/** What a loop.toml says of keys. Faults: LK0810. */
export const workspaceTrust = (manifest: Manifest): WorkspaceTrust => {
  const { keys = {}, revoked = [], threshold } = manifest.trust;
  return {
    folder: manifest.folder,
    place: manifest.path,
    keys: Object.entries(keys).map(([name, said]) => {
      const { key, expires } = typeof said === "string" ? { key: said, expires: undefined } : said;
      return {
        name,
        key: key as PublicKey,
        expiresMs: expires === undefined ? undefined : endOfDay(expires),
      };
    }),
    revoked: revoked as readonly PublicKey[],
    threshold,
  };
};

/** The loop.toml that asks for a signature of what has this identifier, with its line; undefined where none does. */
export const requiring = (
  identifier: string,
  manifests: readonly Manifest[],
  folder: string,
): string | undefined => {
  for (const manifest of manifests)
    for (const [at, pattern] of (manifest.trust.require ?? []).entries())
      if (matches(pattern, manifest.folder, identifier, folder)) return manifest.at("trust", "require", at);
  return undefined;
};

/** Paths are compared as absolute ones, however they were written; all else as it is written. */
const matches = (pattern: string, base: string, identifier: string, folder: string): boolean => {
  const [wanted, given] = [parseIdentifier(pattern), parseIdentifier(identifier)];
  if (given.scheme !== "file") return new Bun.Glob(pattern).match(identifier);
  return (
    wanted.scheme === "file" && new Bun.Glob(resolve(base, wanted.rest)).match(resolve(folder, given.rest))
  );
};
