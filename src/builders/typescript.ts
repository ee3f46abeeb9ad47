// TypeScript → component. Owns bundling the guest in this process, the wrapper through which every engine shows it
// jco's JS mapping, and componentizing with QuickJS or StarlingMonkey; the parts lie in typescript/. Refuses to run
// any of the project's code outside the component. Listed in the app's table, called by project.ts.
import { join } from "node:path";
import { fault } from "../base/fault.ts";
import { timed } from "../base/timings.ts";
import type { Builder, BuildRequest, BuildResult } from "./builder.ts";
import { bindingsOf } from "./typescript/bindings.ts";
import { type Bundle, bundle } from "./typescript/bundle.ts";
import type { Componentize } from "./typescript/engine.ts";
import { neededImports } from "./typescript/needs.ts";
import { moduleFault, positionsLine } from "./typescript/positions.ts";
import { prepared } from "./typescript/prepared.ts";
import { witFolder, witInputs } from "./wit.ts";

type Engine = "quickjs" | "starlingmonkey";

const engines: Record<Engine, () => Promise<Componentize>> = {
  quickjs: async () => (await import("./typescript/quickjs.ts")).componentizeQuickjs,
  starlingmonkey: async () => (await import("./typescript/starlingmonkey.ts")).componentizeStarlingmonkey,
};

export const typescript: Builder = {
  language: "typescript",
  version: "2 componentize-qjs 0.4.5",
  build: (request) => buildTypescript(request),
};

const buildTypescript = async (request: BuildRequest): Promise<BuildResult> => {
  const { folder, main, wit, settings } = request;
  const engine = engineOf(settings.engine);
  if (wit.size === 0)
    throw fault("LK0607", `WIT was looked for in ${join(folder, witFolder)}, and there is none`, {
      hint: `write the component's world into ${witFolder}/world.wit`,
    });
  const { world, own, generated, shadow: shadowWith } = await prepared(wit, request.world, main);
  const tsconfig = typeof settings.tsconfig === "string" ? join(folder, settings.tsconfig) : undefined;
  const bundled = async (imports: readonly string[], warm = false) => {
    const shadow = await shadowWith(imports);
    const bindings = bindingsOf({ world: shadow.world, own, name: world, main, engine, warm });
    const made = await bundle({
      folder,
      main,
      engine,
      bindings,
      tsconfig,
      minify: settings.minify === true,
      world,
    });
    return { shadow, bindings, made };
  };
  const inputsOf = (made: Bundle) => [
    ...made.inputs,
    ...witInputs(request),
    tsconfig ?? join(folder, "tsconfig.json"),
  ];
  request.onProgress?.("bundling");
  // Once to see what the program uses, and again only where that is more than every program needs.
  const least = neededImports("");
  const fitting = async (warm: boolean) => {
    const guessed = (warm && neededBefore.get(folder)) || least;
    const first = await timed("bundle", () => bundled(guessed, warm));
    const needed = neededImports(first.made.guest);
    const again =
      needed.join() === guessed.join() ? first : await timed("bundle", () => bundled(needed, warm));
    return { ...again, needed };
  };
  if (request.quick && engine === "quickjs") {
    const { bindings, made, needed } = await fitting(true);
    neededBefore.set(folder, needed);
    const { snapshot } = await import("./typescript/warm.ts");
    const component = await snapshot({ wit, world, imports: needed }, bindings, made, main);
    if (component)
      return { component, quick: true, inputs: inputsOf(made), warnings: made.warnings, generated };
  }
  const { shadow, made } = await fitting(false);
  request.onProgress?.(`componentizing with ${engine}`);
  const source = `${made.source}\n${positionsLine(made.positions)}\n`;
  const componentize = await engines[engine]();
  const component = await timed("componentize", () =>
    componentize({ source, wit: shadow.text, world: shadow.name, folder }).catch((error: unknown) => {
      throw moduleFault(error, made, main);
    }),
  );
  return {
    component,
    inputs: inputsOf(made),
    warnings: made.warnings,
    generated,
  };
};

/** What a folder's program used when it was last built on the quick path: most likely what it uses now. */
const neededBefore = new Map<string, readonly string[]>();

const engineOf = (setting: unknown): Engine => {
  if (setting === undefined) return "quickjs";
  if (typeof setting === "string" && setting in engines) return setting as Engine;
  throw fault(
    "LK0503",
    `[build] engine is ${JSON.stringify(setting)}, and one of ${Object.keys(engines).join(", ")} was looked for`,
  );
};
