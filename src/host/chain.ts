import type { World } from "../contract/model.ts";
import type { Instance } from "./instance.ts";
import { Live } from "./live.ts";
import { placeOf, type Swaps } from "./places.ts";
import type { LinkedPlan } from "./plan.ts";
import type { InstanceContext, Provider } from "./provider.ts";
import { suspendingFuncs, Views } from "./views.ts";

// Components in a capability's place. Each stands before whoever would serve otherwise, and reaches the next one
// through its own import of the same interface; for the guest there is one capability.

export interface StandIn {
  /** The slot's name, for reports. */
  readonly slot: string;
  readonly plan: LinkedPlan;
  /** Versioned interfaces that it serves, of those that it exports. */
  readonly interfaces: readonly string[];
  /** Versioned interfaces of others of whose resources it, or who comes after it, makes more. */
  readonly joins: readonly string[];
  /** The context of its own instance, made for one caller. */
  contextOf(caller: InstanceContext): InstanceContext;
  /** Where it can be swapped while it serves; calls into it may then wait. */
  readonly swaps?: Swaps | undefined;
}

/**
 * A provider made of a component. Every instance that it serves has an instance of it. Its resources pass as the
 * host's own do: by their objects, on which methods are found, so a guest may hold those of several makers.
 */
export const standIn = (options: StandIn): Provider => {
  const { slot, plan, interfaces, joins, swaps } = options;
  const own = [...interfaces, ...joins].flatMap((name) => {
    const extern = plan.world.exports.get(name);
    return extern?.kind === "interface" ? [extern.interface] : [];
  });
  return {
    name: slot,
    interfaces,
    joins,
    suspending: plan.suspends || swaps ? own.flatMap(suspendingFuncs) : [],
    defaultGranted: "*",
    async instantiate(caller) {
      const instance = await startFor(caller, plan, options.contextOf(caller));
      const exports = new Map(own.map((one) => [one.name, { kind: "interface", interface: one } as const]));
      const contract: World = { name: undefined, imports: new Map(), exports };
      const live = new Live({ place: slot, contract, waits: swaps !== undefined }, plan, instance);
      const views = new Views(own, live, slot);
      views.add(instance);
      const start = async (next: LinkedPlan, context: InstanceContext) => {
        const made = await startFor(caller, next, context);
        views.add(made);
        return made;
      };
      const leave = swaps?.places.add(placeOf(slot, live, swaps, caller, start));
      caller.onDrop(() => {
        leave?.();
        live.drop();
      });
      const callOf =
        (name: string, func: string) =>
        (...args: unknown[]) =>
          live.run((instance) => views.call(instance, name, func, args));
      return Object.fromEntries(
        own.map((one) => [one.name, views.handedOn(one, ({ name }) => callOf(one.name, name))]),
      );
    },
  };
};

const startFor = (caller: InstanceContext, plan: LinkedPlan, context: InstanceContext): Promise<Instance> => {
  const { budget } = caller;
  return plan.instantiate({ ...context, caller, ...(budget && { budget }) });
};

/**
 * The rest of a chain, or the host's own provider, as it serves a component that stands before it: under the grants
 * of the guest at the chain's head, since it is that guest's use which passes through.
 */
export const behind = (
  { of, ...provider }: Provider,
  covers: (interfaceName: string) => boolean,
): Provider => ({
  ...provider,
  interfaces: provider.interfaces.filter(covers),
  instantiate: (context) => provider.instantiate(context.caller ? passing(context, context.caller) : context),
});

const passing = (context: InstanceContext, { grants, onDenied, ask }: InstanceContext): InstanceContext => ({
  ...context,
  grants,
  ...(onDenied && { onDenied }),
  ...(ask && { ask }),
});
