import { limits } from "../../base/limits.ts";
import { identityOf } from "../../host/kept.ts";
import type { InstanceContext } from "../../host/provider.ts";
import type { Held } from "./p2/io.ts";
import { MonotonicClock } from "./state/clocks.ts";
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

const clocks = new WeakMap<object, MonotonicClock>();

/**
 * The monotonic clock of an instance. One that takes the place of another goes on with that one's: a moment that was
 * told to the one is the same moment to the other.
 */
export const clockOf = (context: InstanceContext): MonotonicClock => {
  const own = identityOf(context);
  const { before } = context;
  const known = clocks.get(own) ?? (before && clocks.get(identityOf(before)));
  const clock = known ?? new MonotonicClock();
  clocks.set(own, clock);
  return clock;
};
