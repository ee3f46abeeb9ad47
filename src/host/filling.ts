import { DeclaredError, type Fault, fault } from "../base/fault.ts";
import { camel, type Func, type Interface, type World } from "../contract/model.ts";
import { matchInterface } from "../contract/semver.ts";
import type { Instance } from "./instance.ts";
import type { Swaps } from "./places.ts";
import type { LinkedPlan } from "./plan.ts";
import type { InstanceContext, InterfaceImplementation, Provider } from "./provider.ts";
import { Row } from "./row.ts";

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
  /** Told of a filling that passed a limit of its own and was left out, while the others go on. */
  readonly onStopped?: (fault: Fault) => void;
  /** Where its fillings can be swapped while they serve; calls into the slot may then wait. */
  readonly swaps?: Swaps | undefined;
}

/**
 * A provider whose interface is served by the components that fill a slot. Each caller gets instances of its
 * own, so no state passes between two guests through a shared filling. `first` passes on to the next filling
 * where one answers with an err or with none; `all` calls every filling and joins their lists. A filling that
 * passes a limit is stopped and left out from then on, where there are others.
 * Faults: LK0407 without a filling, LK0402 where `all` meets a result that cannot be joined.
 */
export const fillingProvider = (filled: FilledSlot): Provider => {
  const { slot, combination, fillings } = filled;
  if (fillings.length === 0)
    throw fault("LK0407", `Slot ${slot} has no filling`, { hint: `loop slot set ${slot} ./component.wasm` });
  const exported = contractOf(filled);
  const several = fillings.length > 1 && combination !== "one";
  const waits = several || filled.swaps !== undefined || fillings.some((filling) => filling.suspends);
  return {
    name: slot,
    interfaces: [exported.name],
    suspending: waits
      ? [...exported.funcs.keys()].map((name) => `${exported.name.replace(/@.*$/, "")}#${name}`)
      : [],
    defaultGranted: "*",
    async instantiate(context) {
      const exports: World["exports"] = new Map([
        [exported.name, { kind: "interface", interface: exported }],
      ]);
      const contract: World = { name: undefined, imports: new Map(), exports };
      const row = new Row(filled, contract, context, (count) => requireCombines(filled, exported, count));
      context.onDrop(() => row.drop());
      for (const filling of fillings) await row.start(filling);
      const leave = filled.swaps?.places.addRow(row);
      if (leave) context.onDrop(leave);
      return { [exported.name]: implementation(filled, exported, row) };
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
  filled: FilledSlot,
  { name, funcs }: Interface,
  row: Row,
): InterfaceImplementation => {
  const made: Record<string, unknown> = {};
  for (const func of funcs.values()) {
    if (func.role.role !== "free")
      throw fault(
        "LK0402",
        `Slot ${filled.slot} has the contract ${name}, whose resource function ${func.name} cannot cross a slot yet`,
      );
    made[camel(func.name)] = combine(filled, func, row, (instance, args) =>
      instance.callNow(name, func.name, args),
    );
  }
  return made;
};

type Call = (instance: Instance, args: unknown[]) => unknown;

const combine = (filled: FilledSlot, func: Func, row: Row, call: Call) => {
  const alone = (args: unknown[]) => row.only((instance) => call(instance, args));
  const { combination, fillings, swaps } = filled;
  if (combination === "one" || (fillings.length === 1 && !swaps)) return (...args: unknown[]) => alone(args);
  const together =
    combination === "first"
      ? (args: unknown[]) => firstThatCan(func, row, (instance) => call(instance, args))
      : (args: unknown[]) => joinedAnswers(func, row, (instance) => call(instance, args));
  // There may be more of them than when it was linked, or fewer.
  if (fillings.length === 1) return (...args: unknown[]) => (row.length > 1 ? together(args) : alone(args));
  requireCombines(filled, { funcs: new Map([[func.name, func]]) }, fillings.length);
  return async (...args: unknown[]) => together(args);
};

/** Fault LK0402 where so many fillings could not answer together. */
const requireCombines = (
  { slot, combination }: FilledSlot,
  { funcs }: Pick<Interface, "funcs">,
  count: number,
): void => {
  if (combination !== "all" || count < 2) return;
  for (const { name, result } of funcs.values())
    if (result !== undefined && result.kind !== "list")
      throw fault(
        "LK0402",
        `Slot ${slot} combines "all", and the result of ${name} is no list that could be joined`,
      );
};

const joinedAnswers = async (
  func: Func,
  row: Row,
  call: (instance: Instance) => unknown,
): Promise<unknown[] | undefined> => {
  const answers: unknown[] = [];
  await row.each(async (instance) => {
    answers.push(...(((await call(instance)) ?? []) as Iterable<unknown>));
    return true;
  });
  return func.result === undefined ? undefined : answers;
};

const firstThatCan = async (
  func: Func,
  row: Row,
  call: (instance: Instance) => unknown,
): Promise<unknown> => {
  let refusal: unknown;
  let found: { readonly answer: unknown } | undefined;
  await row.each(async (instance) => {
    try {
      const answer = await call(instance);
      if (func.result?.kind !== "option" || answer !== undefined) found = { answer };
    } catch (error) {
      if (!(error instanceof DeclaredError)) throw error;
      refusal = error;
    }
    return found === undefined;
  });
  if (found) return found.answer;
  if (refusal) throw refusal;
  return undefined;
};
