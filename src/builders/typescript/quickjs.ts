import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { inTemporaryFolder } from "../../base/temporary.ts";
import type { Componentize } from "./engine.ts";
import { hiddenNamespace, unwrapEnvelope } from "./envelope.ts";
import { loadComponentizer } from "./native.ts";
import { widen } from "./wide.ts";

/** Componentizes with QuickJS: about 1.1 MB and a second. */
export const componentizeQuickjs: Componentize = async (request) =>
  unwrapEnvelope(await componentizeWrapped(request));

/** As `componentizeQuickjs`, before the envelope is taken off. */
export const componentizeWrapped: Componentize = async ({ source, wit, world }) => {
  const { componentize } = await loadComponentizer();
  // The componentizer reads its WIT from a file and nothing else.
  return inTemporaryFolder("loop-wit-", async (folder) => {
    const witPath = join(folder, "world.wit");
    writeFileSync(witPath, wit.replace(/\bwasi:/g, hiddenNamespace));
    const { component } = await componentize({
      witPath,
      world,
      jsSource: source,
      sync: true,
      optSize: true,
      stubWasi: true,
    });
    const wide = widen(component);
    if (!wide) throw new Error("The QuickJS runtime in the component is not the one that loop knows");
    return wide;
  });
};
