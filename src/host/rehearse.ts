import { outlineOf } from "../contract/outline.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { decoded } from "./decoded.ts";
import { deniedInterface } from "./denied.ts";
import { ownLinker } from "./link/link.ts";
import { type Recalled, recallKey } from "./recall.ts";

/**
 * Instantiates a component once with imports that refuse every call, and gives what is to be remembered of it;
 * undefined where it needs more than that to start. What the build carries for the commands is made by this.
 */
export const rehearse = async (component: VerifiedComponent): Promise<Recalled | undefined> => {
  const known = decoded(component);
  if (known.asynchronous) return undefined;
  const imports: Record<string, unknown> = {};
  for (const [name, extern] of known.world.imports)
    if (extern.kind === "interface")
      imports[name] = deniedInterface(extern.interface, "this is a rehearsal", () => undefined);
  const linked = await ownLinker.link({ component, decoded: known, suspending: new Set() });
  await linked.instantiate(imports);
  const { recipe } = known;
  return recipe && { key: recallKey(component), outline: outlineOf(known.world), recipe };
};
