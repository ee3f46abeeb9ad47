import { limits } from "../../base/limits.ts";
import type { InstanceContext } from "../../host/provider.ts";
import type { Held } from "./p2/io.ts";
import { Budget } from "./state/handles.ts";
import { Waits } from "./state/poll.ts";

const known = new WeakMap<InstanceContext, Held>();

/** What WASI's packages share for one instance; they are instantiated apart, each where a guest imports it. */
export const heldOf = (context: InstanceContext): Held => {
  const made = known.get(context);
  if (made) return made;
  const held: Held = { handles: new Budget("handles", limits.handlesMax), waits: new Waits() };
  known.set(context, held);
  context.onDrop(() => held.waits.endAll());
  return held;
};
