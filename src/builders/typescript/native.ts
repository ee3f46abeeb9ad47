import { createRequire } from "node:module";
import type { ComponentizeOpts, ComponentizeResult } from "componentize-qjs";
import { fault } from "../../base/fault.ts";
import { loadAddon } from "../../base/native.ts";
import { compiled } from "../../base/resources.ts";

interface Componentizer {
  componentize(options: ComponentizeOpts): Promise<ComponentizeResult>;
}

let loaded: Componentizer | undefined;

/**
 * componentize-qjs, from its addon for this platform. The package's own index tries every platform in turn and
 * leaves where the addon lies to Bun; a literal path in a branch of its own embeds only the one that fits.
 */
export const loadComponentizer = async (): Promise<Componentizer> => {
  // From source there is nothing to extract, and Bun gives an addon's path only to what it has bundled.
  loaded ??= compiled ? loadAddon(await addonPath()) : createRequire(import.meta.url)("componentize-qjs");
  return loaded!;
};

const addonPath = async (): Promise<string> => {
  if (process.platform === "linux" && process.arch === "x64")
    return (
      await import("@andreiltd/componentize-qjs-binding-linux-x64-gnu/componentize-qjs.linux-x64-gnu.node", {
        with: { type: "file" },
      })
    ).default;
  if (process.platform === "linux" && process.arch === "arm64")
    return (
      await import(
        "@andreiltd/componentize-qjs-binding-linux-arm64-gnu/componentize-qjs.linux-arm64-gnu.node",
        {
          with: { type: "file" },
        }
      )
    ).default;
  if (process.platform === "darwin" && process.arch === "arm64")
    return (
      await import("@andreiltd/componentize-qjs-binding-darwin-arm64/componentize-qjs.darwin-arm64.node", {
        with: { type: "file" },
      })
    ).default;
  if (process.platform === "darwin" && process.arch === "x64")
    return (
      await import("@andreiltd/componentize-qjs-binding-darwin-x64/componentize-qjs.darwin-x64.node", {
        with: { type: "file" },
      })
    ).default;
  if (process.platform === "win32" && process.arch === "x64")
    return (
      await import(
        "@andreiltd/componentize-qjs-binding-win32-x64-msvc/componentize-qjs.win32-x64-msvc.node",
        {
          with: { type: "file" },
        }
      )
    ).default;
  throw fault("LK0606", `componentize-qjs is not made for ${process.platform} on ${process.arch}`, {
    hint: 'build with StarlingMonkey: engine = "starlingmonkey" in the [build] table of loop.toml',
  });
};
