// What is remembered of a component by its digest, so that a later process decodes nothing: the outline of its
// world, whether it is asynchronous, and the recipe of its instances. Owns the file and its place; refuses to
// remember what is quicker to decode; called by `decoded`, and by the build for what the executable carries.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import { writeFileAtomic } from "../base/files.ts";
import { limits } from "../base/limits.ts";
import { cacheFolder } from "../base/paths.ts";
import { carriedNow } from "../base/resources.ts";
import type { Outline } from "../contract/outline.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import type { Recipe } from "./link/recipe.ts";

/** Changes with the form of anything in `Recalled`, and with what the linker's steps mean. */
const version = "own-4";

export interface Recalled {
  readonly key: string;
  readonly outline: Outline;
  readonly recipe: Recipe;
}

/**
 * Names what is remembered by content. What was adapted on arrival has the digest of the module that arrived, and
 * its own bytes are another component with another adapter.
 */
export const recallKey = ({ digest, adapted, bytes }: VerifiedComponent): string =>
  `${digest.slice("sha256:".length)}${adapted ? `-${Bun.hash(bytes).toString(16)}` : ""}`;

/** Where the executable carries what was remembered when it was built, and where the cache has it. */
export const recalledPath = (key: string): string => `link/${version}/${key}.json`;

/** What is known of a component; undefined where nothing is, or nothing that reads. */
export const recall = (component: VerifiedComponent): Recalled | undefined => {
  const key = recallKey(component);
  const path = recalledPath(key);
  try {
    const text = `${carriedNow(path) ?? readFileSync(join(cacheFolder(), path))}`;
    const known = JSON.parse(text) as Recalled;
    return known.key === key ? known : undefined;
  } catch {
    return undefined;
  }
};

/** Keeps it for the next process, where that saves time. */
export const remember = (known: Recalled): void => {
  if (known.recipe.steps.length < limits.recipeStepsKeptMin) return;
  try {
    writeFileAtomic(join(cacheFolder(), recalledPath(known.key)), JSON.stringify(known), { mode: 0o600 });
  } catch (error) {
    // A cache that cannot be written costs time, never the run.
    if (!(error instanceof Fault)) throw error;
  }
};
