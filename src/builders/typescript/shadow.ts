import type { World } from "../../contract/model.ts";
import { packagesOf } from "../../contract/wit/compose.ts";
import { wordsEscaped } from "../../contract/wit/names.ts";
import { chooseWorld, type WitSources, worldFromWit } from "../../contract/wit.ts";
import { serves, withCarried } from "../wit.ts";

// The world that is componentized is not quite the project's: what the wrapper itself needs from WASI is imported
// beside it. Its uncaught exceptions go to wasi:cli/stderr, and `console`, `Date`, `performance`, `crypto` and
// `Math.random` each need an interface where the program uses them; the engine's own, made for its build, trap.

export interface Shadow {
  /** All WIT as one text, and the shadow world's name in it. */
  readonly text: string;
  readonly name: string;
  readonly world: World;
}

/** "wasi:cli/stderr" → "wasi:cli", of the generation that the engine speaks. */
const packageOf = (name: string): string => {
  const plain = name.replace(/\/.*/, "");
  return plain.startsWith("wasi:") ? `${plain}@0.2.0` : plain;
};

const shadowName = "loop:shadow/shadow";

/**
 * The project's world with `imports` ("wasi:cli/stderr", without version) beside its own, and more lines of WIT.
 * Faults: LK0209, LK0210.
 */
export const shadowOf = async (
  sources: WitSources,
  world: string,
  imports: readonly string[],
  more: readonly string[] = [],
): Promise<Shadow> => {
  const all = new Map(await withCarried(sources, imports.map(packageOf)));
  const packages = [...packagesOf(all).keys()];
  const versionOf = (name: string) =>
    /@.*/.exec(packages.find((one) => serves(one, packageOf(name))) ?? "")?.[0] ?? "";
  const lines = imports.map((name) => `  import ${name}${versionOf(name)};`);
  all.set(
    "shadow.wit",
    [
      "package loop:shadow;",
      "world shadow {",
      `  include ${wordsEscaped(world)};`,
      ...lines,
      ...more,
      "}",
      "",
    ].join("\n"),
  );
  const { composed } = chooseWorld(all, shadowName);
  return { text: composed.text, name: shadowName, world: await worldFromWit(all, shadowName) };
};
