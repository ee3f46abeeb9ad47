import { limits } from "../../base/limits.ts";
import { Lasting } from "../../host/kept.ts";
import type { InstanceContext } from "../../host/provider.ts";
import type { Held } from "./p2/io.ts";
import { Watched } from "./p2/watched.ts";
import { MonotonicClock } from "./state/clocks.ts";
import { Budget } from "./state/handles.ts";
import { Waits } from "./state/poll.ts";
import { type ByteSource, Input } from "./state/streams.ts";

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

const clocks = new Lasting<MonotonicClock>();

/**
 * The monotonic clock of an instance. One that takes the place of another goes on with that one's: a moment that was
 * told to the one is the same moment to the other.
 */
export const clockOf = (context: InstanceContext): MonotonicClock =>
  clocks.of(context, (before) => before ?? new MonotonicClock());

const inputs = new Lasting<{ readonly source: ByteSource; readonly input: Input }>();

/**
 * The standard input of an instance. One that takes the place of another has that one's where it is the same stream: a
 * look whether there is something takes bytes off it, which would be lost.
 */
export const inputOf = (context: InstanceContext): Input => {
  const { stdio, audit } = context;
  const source = stdio.stdin;
  const make = () => new Input(new Watched(audit, "standard input", "stdio").reading(source));
  return inputs.of(context, (before) => (before?.source === source ? before : { source, input: make() }))
    .input;
};
