// TypeScript → component. Owns bundling the guest in this process, the wrapper through which every engine shows it
// jco's JS mapping, and componentizing with QuickJS or StarlingMonkey; the parts lie in typescript/. Refuses to run
// any of the project's code outside the component. Listed in the app's table, called by project.ts.
import { join } from "node:path";
import { fault } from "../base/fault.ts";
import { timed } from "../base/timings.ts";
import type { Builder, BuildRequest, BuildResult } from "./builder.ts";
import { type Bindings, bindingsOf } from "./typescript/bindings.ts";
import { type Bundle, bundle } from "./typescript/bundle.ts";
import type { Componentize } from "./typescript/engine.ts";
import { neededImports } from "./typescript/needs.ts";
import { moduleFault, positionsLine } from "./typescript/positions.ts";
import { type Prepared, prepared } from "./typescript/prepared.ts";
import type { Shadow } from "./typescript/shadow.ts";
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
  prepare: (request) => prepareQuick(request),
};

const buildTypescript = async (request: BuildRequest): Promise<BuildResult> => {
  const { folder, main } = request;
  const engine = engineOf(request.settings.engine);
  const { world, generated } = await worldOf(request);
  request.onProgress?.("bundling");
  const result = ({ made }: Fitting, component: Uint8Array): BuildResult => ({
    component,
    inputs: [...made.inputs, ...witInputs(request), tsconfigOf(request) ?? join(folder, "tsconfig.json")],
    warnings: made.warnings,
    generated,
  });
  if (request.quick && engine === "quickjs") {
    const fitting = await fittingBundle(request, true);
    const { snapshot } = await import("./typescript/warm.ts");
    const component = await snapshot(
      { wit: request.wit, world, imports: fitting.needed },
      fitting.bindings,
      fitting.made,
      main,
    );
    if (component) return { ...result(fitting, component), quick: true };
  }
  const fitting = await fittingBundle(request, false);
  const { made, shadow } = fitting;
  request.onProgress?.(`componentizing with ${engine}`);
  const source = `${made.source}\n${positionsLine(made.positions)}\n`;
  const componentize = await engines[engine]();
  const component = await timed("componentize", () =>
    componentize({ source, wit: shadow.text, world: shadow.name, folder }).catch((error: unknown) => {
      throw moduleFault(error, made, main);
    }),
  );
  return result(fitting, component);
};

/** Once for a folder, one after the other: a session may have many. */
const prepareQuick = (request: BuildRequest): Promise<void> => {
  if (neededBefore.has(request.folder) || engineOf(request.settings.engine) !== "quickjs")
    return Promise.resolve();
  neededBefore.set(request.folder, neededImports(""));
  const work = preparing.then(async () => {
    const { world } = await worldOf(request);
    const { needed, bindings } = await fittingBundle(request, true);
    const { engineFor } = await import("./typescript/warm.ts");
    await engineFor({ wit: request.wit, world, imports: needed }, bindings);
  });
  preparing = work.catch(() => {});
  return work;
};

let preparing: Promise<void> = Promise.resolve();

const worldOf = ({ folder, main, wit, world }: BuildRequest): Promise<Prepared> => {
  if (wit.size === 0)
    throw fault("LK0607", `WIT was looked for in ${join(folder, witFolder)}, and there is none`, {
      hint: `write the component's world into ${witFolder}/world.wit`,
    });
  return prepared(wit, world, main);
};

const tsconfigOf = ({ folder, settings }: BuildRequest): string | undefined =>
  typeof settings.tsconfig === "string" ? join(folder, settings.tsconfig) : undefined;

/** A bundle, and the world with exactly the imports that the wrapper needs for what is in it. */
interface Fitting {
  readonly shadow: Shadow;
  readonly bindings: Bindings;
  readonly made: Bundle;
  readonly needed: readonly string[];
}

/** Bundled once to see what the program uses, and again only where that is not what was thought. */
const fittingBundle = async (request: BuildRequest, warm: boolean): Promise<Fitting> => {
  const { folder, main, settings } = request;
  const engine = engineOf(settings.engine);
  const { world, own, shadow: shadowWith } = await worldOf(request);
  const tsconfig = tsconfigOf(request);
  const bundled = (imports: readonly string[]) =>
    timed("bundle", async () => {
      const shadow = await shadowWith(imports);
      const bindings = bindingsOf({ world: shadow.world, own, name: world, main, engine, warm });
      const minify = settings.minify === true;
      const made = await bundle({ folder, main, engine, bindings, tsconfig, minify, world });
      return { shadow, bindings, made };
    });
  const guessed = (warm && neededBefore.get(folder)) || neededImports("");
  const first = await bundled(guessed);
  const needed = neededImports(first.made.guest);
  const fits = needed.join() === guessed.join();
  if (warm) neededBefore.set(folder, needed);
  return { ...(fits ? first : await bundled(needed)), needed };
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
