import { Shelves, unfit } from "../../../host/kept.ts";
import type { InstanceContext } from "../../../host/provider.ts";
import { heldOf } from "../held.ts";
import { Pollable } from "../p2/io.ts";
import { Moment } from "../state/clocks.ts";

const shelves = new Shelves<Moment>();

/** loop:kept/timers for one instance. A moment holds nothing open. */
export const keptTimers = (context: InstanceContext) => {
  const shelf = shelves.of(context);
  const held = heldOf(context);
  return {
    keep(name: string, value: unknown): void {
      if (!(value instanceof Pollable) || !(value.event instanceof Moment)) throw unfit();
      shelf.keep(name, value.event, () => () => {});
    },
    take(name: string): Pollable | undefined {
      const moment = shelf.find(name);
      return moment && new Pollable(held, moment);
    },
    forget: (name: string) => shelf.forget(name),
  };
};
