import { DeclaredError, fault } from "../base/fault.ts";
import { camel, type Func, type Interface } from "../contract/model.ts";
import { matchInterface } from "../contract/semver.ts";
import type { Instance } from "./instance.ts";
import type { LinkedPlan } from "./plan.ts";
import type { InstanceContext, InterfaceImplementation, Provider } from "./provider.ts";

/** How the fillings of one slot answer together; there is no fourth way. */
export type Combination = "one" | "first" | "all";

export interface FilledSlot {
  /** The slot's name, for reports. */
  readonly slot: string;
  /** The interface that its contract asks every filling to export. */
  readonly contract: string;
  readonly combination: Combination;
  readonly fillings: readonly LinkedPlan[];
  /** The context of a filling's own instance: its grants are its own, not those of its caller. */
  contextOf(filling: LinkedPlan, caller: InstanceContext): InstanceContext;
}

/**
 * A provider whose interface is served by the components that fill a slot. Each caller gets instances of its
 * own, so no state passes between two guests through a shared filling. `first` passes on to the next filling
 * where one answers with an err or with none; `all` calls every filling and joins their lists.
 * Faults: LK0407 without a filling, LK0402 where `all` meets a result that cannot be joined.
 */
export const fillingProvider = (filled: FilledSlot): Provider => {
  const { slot, combination, fillings } = filled;
  if (fillings.length === 0)
    throw fault("LK0407", `Slot ${slot} has no filling`, { hint: `loop slot set ${slot} ./component.wasm` });
  const exported = contractOf(filled);
  const several = fillings.length > 1 && combination !== "one";
  const waits = several || fillings.some((filling) => filling.suspends);
  return {
    name: slot,
    interfaces: [exported.name],
    suspending: waits
      ? [...exported.funcs.keys()].map((name) => `${exported.name.replace(/@.*$/, "")}#${name}`)
      : [],
    defaultGranted: "*",
    async instantiate(context) {
      const instances: Instance[] = [];
      context.onDrop(() => instances.splice(0).forEach((instance) => void instance.drop()));
      for (const filling of fillings)
        instances.push(await filling.instantiate(filled.contextOf(filling, context)));
      return { [exported.name]: implementation(filled, exported, instances) };
    },
  };
};

const contractOf = ({ slot, contract, fillings }: FilledSlot): Interface => {
  const world = fillings[0]!.world;
  const extern = world.exports.get(matchInterface(contract, world.exports.keys()) ?? "");
  if (extern?.kind === "interface") return extern.interface;
  throw fault("LK0402", `${fillings[0]!.component.identifier} fills ${slot} and does not export ${contract}`);
};

const implementation = (
  { slot, combination }: FilledSlot,
  { name, funcs }: Interface,
  instances: readonly Instance[],
): InterfaceImplementation => {
  const made: Record<string, unknown> = {};
  for (const func of funcs.values()) {
    if (func.role.role !== "free")
      throw fault(
        "LK0402",
        `Slot ${slot} has the contract ${name}, whose resource function ${func.name} cannot cross a slot yet`,
      );
    const calls = instances.map((instance) => (args: unknown[]) => instance.callNow(name, func.name, args));
    made[camel(func.name)] = combine(slot, combination, func, calls);
  }
  return made;
};

type Call = (args: unknown[]) => unknown;

const combine = (slot: string, combination: Combination, func: Func, calls: readonly Call[]) => {
  if (combination === "one" || calls.length === 1) return (...args: unknown[]) => calls[0]!(args);
  if (combination === "first") return async (...args: unknown[]) => firstThatCan(func, calls, args);
  if (func.result !== undefined && func.result.kind !== "list")
    throw fault(
      "LK0402",
      `Slot ${slot} combines "all", and the result of ${func.name} is no list that could be joined`,
    );
  return async (...args: unknown[]) => {
    const answers: unknown[] = [];
    for (const call of calls) answers.push(...(((await call(args)) ?? []) as Iterable<unknown>));
    return func.result === undefined ? undefined : answers;
  };
};

const firstThatCan = async (func: Func, calls: readonly Call[], args: unknown[]): Promise<unknown> => {
  let refusal: unknown;
  for (const call of calls) {
    try {
      const answer = await call(args);
      if (func.result?.kind !== "option" || answer !== undefined) return answer;
    } catch (error) {
      if (!(error instanceof DeclaredError)) throw error;
      refusal = error;
    }
  }
  if (refusal) throw refusal;
  return undefined;
};
