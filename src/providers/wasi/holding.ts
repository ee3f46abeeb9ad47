import type { InstanceContext } from "../../host/provider.ts";
import { heldOf } from "./held.ts";
import { type Holding, Transit } from "./p3/pipe.ts";

const known = new WeakMap<InstanceContext, Holding>();

/** What WASI 0.3's packages share for one instance, beside what those of both generations do. */
export const holdingOf = (context: InstanceContext): Holding => {
  const made = known.get(context);
  if (made) return made;
  const holding: Holding = { ...heldOf(context), transit: new Transit() };
  known.set(context, holding);
  context.onDrop(() => holding.transit.endAll());
  return holding;
};
