import type { World } from "../../contract/model.ts";
import { packagesOf } from "../../contract/wit/compose.ts";
import { wordsEscaped } from "../../contract/wit/names.ts";
import { chooseWorld, type WitSources, worldFromWit } from "../../contract/wit.ts";
import { withCarried } from "../wit.ts";

// The world that is componentized is not quite the project's: what the wrapper itself needs from WASI is imported
// beside it. Its uncaught exceptions go to wasi:cli/stderr, and `console`, `Date`, `performance`, `crypto` and
// `Math.random` each need an interface where the program uses them; the engine's own, made for its build, trap.

export interface Shadow {
  /** All WIT as one text, and the shadow world's name in it. */
  readonly text: string;
  readonly name: string;
  readonly world: World;
}

const shadowName = "loop:shadow/shadow";

/** The project's world with `imports` ("wasi:cli/stderr", without version) beside its own. LK0209, LK0210. */
export const shadowOf = async (
  sources: WitSources,
  world: string,
  imports: readonly string[],
): Promise<Shadow> => {
  const all = new Map(
    await withCarried(
      sources,
      imports.map((name) => name.replace(/\/.*/, "")),
    ),
  );
  const versions = new Map(
    [...packagesOf(all).keys()].map((name) => [name.replace(/@.*/, ""), /@.*/.exec(name)?.[0] ?? ""]),
  );
  const lines = imports.map((name) => `  import ${name}${versions.get(name.replace(/\/.*/, "")) ?? ""};`);
  all.set(
    "shadow.wit",
    ["package loop:shadow;", "world shadow {", `  include ${wordsEscaped(world)};`, ...lines, "}", ""].join(
      "\n",
    ),
  );
  const { composed } = chooseWorld(all, shadowName);
  return { text: composed.text, name: shadowName, world: await worldFromWit(all, shadowName) };
};
