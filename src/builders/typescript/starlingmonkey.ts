import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { fault } from "../../base/fault.ts";
import { repositoryRoot } from "../../base/resources.ts";
import type { Componentize } from "./engine.ts";

const packageName = "@bytecodealliance/componentize-js";

interface ComponentizeJs {
  componentize(
    source: string,
    options: { witWorld: string; worldName: string; disableFeatures: readonly string[] },
  ): Promise<{ component: Uint8Array }>;
}

/**
 * Componentizes with StarlingMonkey, which is not carried: 12 MB and seven to eleven seconds a build, from the
 * project's node_modules. LK0606 where it is not there.
 */
export const componentizeStarlingmonkey: Componentize = async ({ source, wit, world, folder }) => {
  const entry = [folder, repositoryRoot].filter(Boolean).map(entryAbove).find(Boolean);
  if (!entry)
    throw fault(
      "LK0606",
      `engine = "starlingmonkey" needs ${packageName}, and no node_modules above ${folder} has it`,
      {
        hint: `npm install --save-dev ${packageName}`,
      },
    );
  const { componentize } = (await import(pathToFileURL(entry).href)) as ComponentizeJs;
  const { component } = await componentize(source, {
    witWorld: wit,
    worldName: world,
    // What the guest needs of WASI it imports itself, through the wrapper; nothing else may be in the component.
    disableFeatures: ["stdio", "random", "clocks", "http", "fetch-event"],
  });
  return component;
};

/** The package's main file in the nearest node_modules that has it. */
const entryAbove = (from: string): string | undefined => {
  for (let folder = from; ; folder = dirname(folder)) {
    const root = join(folder, "node_modules", packageName);
    if (existsSync(join(root, "package.json"))) return join(root, mainOf(join(root, "package.json")));
    if (dirname(folder) === folder) return undefined;
  }
};

const mainOf = (path: string): string => {
  const { main, exports } = JSON.parse(readFileSync(path, "utf8"));
  return exports?.import ?? exports?.["."]?.import ?? main ?? "index.js";
};
