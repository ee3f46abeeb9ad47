import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { timed } from "../../base/timings.ts";
import type { World } from "../../contract/model.ts";
import { chooseWorld, type WitSources, worldFromWit } from "../../contract/wit.ts";
import { Recent } from "./recent.ts";
import { type Shadow, shadowOf } from "./shadow.ts";
import { typingsOf } from "./typings.ts";

// What a build takes from the WIT alone, which changes far less often than the program: kept in the process, so that
// `loop dev` does it once.

export interface Prepared {
  /** The chosen world's name. */
  readonly world: string;
  /** The project's own world, without what the wrapper needs. */
  readonly own: World;
  /** Typings, by path relative to the project's folder. */
  readonly generated: ReadonlyMap<string, string>;
  /** The world with what the wrapper imports beside the world's own. */
  shadow(imports: readonly string[]): Promise<Shadow>;
}

const known = new Recent<Prepared>(limits.quickEnginesMax);

/** Faults: those of reading WIT; LK0602 for a world that exports nothing. */
export const prepared = (wit: WitSources, world: string | undefined, main: string): Promise<Prepared> =>
  known.get(JSON.stringify([[...wit], world, main]), () => prepare(wit, chooseWorld(wit, world).world, main));

const prepare = async (wit: WitSources, world: string, main: string): Promise<Prepared> => {
  // The project's own world first: what is wrong in its WIT is said of its WIT, and what it needs decides the rest.
  const own = await timed("wit", () => worldFromWit(wit, world));
  if (own.exports.size === 0)
    throw fault(
      "LK0602",
      `The world ${world} exports nothing, so nothing could ever be called in this component`,
      {
        hint: "write an export into the world: export greet: func(name: string) -> string;",
      },
    );
  const generated = await timed("typings", () => typingsOf(wit, world, main));
  const shadows = new Recent<Shadow>(limits.quickEnginesMax);
  return {
    world,
    own,
    generated,
    shadow: (imports) => shadows.get(imports.join(), () => shadowOf(wit, world, imports)),
  };
};
