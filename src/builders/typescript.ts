// TypeScript → component. Owns bundling the guest in this process, the wrapper through which every engine shows it
// jco's JS mapping, and componentizing with QuickJS or StarlingMonkey; the parts lie in typescript/. Refuses to run
// any of the project's code outside the component. Listed in the app's table, called by project.ts.
import { join } from "node:path";
import { fault } from "../base/fault.ts";
import { timed } from "../base/timings.ts";
import { chooseWorld, worldFromWit } from "../contract/wit.ts";
import type { Builder, BuildRequest, BuildResult } from "./builder.ts";
import { bindingsOf } from "./typescript/bindings.ts";
import { type Bundle, bundle } from "./typescript/bundle.ts";
import type { Componentize } from "./typescript/engine.ts";
import { neededImports } from "./typescript/needs.ts";
import { moduleFault } from "./typescript/positions.ts";
import { shadowOf } from "./typescript/shadow.ts";
import { typingsOf } from "./typescript/typings.ts";
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
  const { world } = chooseWorld(wit, request.world);
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
  const tsconfig = typeof settings.tsconfig === "string" ? join(folder, settings.tsconfig) : undefined;
  const bundled = async (imports: readonly string[]) => {
    const shadow = await shadowOf(wit, world, imports);
    const bindings = bindingsOf({ world: shadow.world, own, name: world, main, engine });
    const made = await bundle({
      folder,
      main,
      engine,
      bindings,
      tsconfig,
      minify: settings.minify === true,
      world,
    });
    return { shadow, made };
  };
  request.onProgress?.("bundling");
  // Once to see what the program uses, and again only where that is more than every program needs.
  const least = neededImports("");
  let { shadow, made } = await timed("bundle", () => bundled(least));
  const needed = neededImports(made.guest);
  if (needed.length > least.length) ({ shadow, made } = await timed("bundle", () => bundled(needed)));
  request.onProgress?.(`componentizing with ${engine}`);
  const source = `${made.source}\n${positionsLine(made)}\n`;
  const componentize = await engines[engine]();
  const component = await timed("componentize", () =>
    componentize({ source, wit: shadow.text, world: shadow.name, folder }).catch((error: unknown) => {
      throw moduleFault(error, made, main);
    }),
  );
  return {
    component,
    inputs: [...made.inputs, ...witInputs(request), tsconfig ?? join(folder, "tsconfig.json")],
    warnings: made.warnings,
    generated,
  };
};

const engineOf = (setting: unknown): Engine => {
  if (setting === undefined) return "quickjs";
  if (typeof setting === "string" && setting in engines) return setting as Engine;
  throw fault(
    "LK0503",
    `[build] engine is ${JSON.stringify(setting)}, and one of ${Object.keys(engines).join(", ")} was looked for`,
  );
};

/** The source map travels at the end, so that no line of the bundle moves. */
const positionsLine = ({ positions }: Bundle): string =>
  `globalThis[Symbol.for("loop:positions")] = ${JSON.stringify(positions)};`;
