import { DeclaredError, type Fault, fault } from "../base/fault.ts";
import type { Func, Interface, Type } from "../contract/model.ts";
import { streamedResource } from "../contract/resource.ts";
import { matchInterface } from "../contract/semver.ts";
import type { Instance } from "./instance.ts";
import type { Swaps } from "./places.ts";
import type { LinkedPlan } from "./plan.ts";
import type { InstanceContext, Provider } from "./provider.ts";
import { Row } from "./row.ts";
import type { Member } from "./standings.ts";
import { suspendingFuncs } from "./views.ts";

/** How the fillings of one slot answer together; there is no fourth way. */
export type Combination = "one" | "first" | "all";

export interface FilledSlot {
  /** The slot's name, for reports. */
  readonly slot: string;
  /** The interface that its contract asks every filling to export. */
  readonly contract: string;
  /** Interfaces whose resources the contract is about, and that the fillings export as well. */
  readonly uses?: readonly string[];
  /** The same as its callers import them: what is served where nothing fills the slot yet. */
  readonly imported?: readonly Interface[];
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
 * An object that a filling made is for that one alone to answer for (`views.ts`).
 * Faults: LK0407 without a filling, unless it combines `all`; LK0402 where `all` meets a result that cannot be joined,
 * or objects lie in a stream.
 */
export const fillingProvider = (filled: FilledSlot): Provider => {
  const { combination, fillings } = filled;
  const own = servedBy(filled);
  requireCrosses(filled.slot, own);
  const requireAll = (count: number) => requireCombines(filled, own, count);
  requireAll(fillings.length);
  const several = fillings.length > 1 && combination !== "one";
  // A caller that comes later begins with what the others have by then.
  let members: readonly Member[] = fillings.map((plan) => ({
    plan,
    contextOf: (caller) => filled.contextOf(plan, caller),
  }));
  const waits = several || filled.swaps !== undefined || fillings.some((filling) => filling.suspends);
  return {
    name: filled.slot,
    interfaces: own.map(({ name }) => name),
    suspending: waits ? own.flatMap(suspendingFuncs) : [],
    defaultGranted: "*",
    async instantiate(context) {
      const changed = (next: readonly Member[]) => {
        members = next;
      };
      const row = new Row({ filled, own, caller: context, requireCombines: requireAll, changed });
      context.onDrop(() => row.drop());
      await row.start(members);
      const leave = filled.swaps?.places.addRow(row);
      if (leave) context.onDrop(leave);
      return Object.fromEntries(
        own.map((one) => [one.name, row.views.handedOn(one, (func) => toMaker(filled, one, func, row))]),
      );
    },
  };
};

const servedBy = (filled: FilledSlot): readonly Interface[] => {
  const { slot, contract, uses = [], imported, combination, fillings } = filled;
  if (fillings.length > 0) return [contract, ...uses].map((name) => exportedOf(filled, name));
  if (imported && combination === "all") return imported;
  throw empty(slot);
};

const empty = (slot: string): Fault =>
  fault("LK0407", `Slot ${slot} has no filling`, { hint: `loop slot set ${slot} ./component.wasm` });

const exportedOf = ({ slot, fillings }: FilledSlot, wanted: string): Interface => {
  const { world, component } = fillings[0]!;
  const extern = world.exports.get(matchInterface(wanted, world.exports.keys()) ?? "");
  if (extern?.kind === "interface") return extern.interface;
  throw fault("LK0402", `${component.identifier} fills ${slot} and does not export ${wanted}`);
};

/** What is made here is known by the values that it lies in, and of what a stream carries nobody sees anything. */
const requireCrosses = (slot: string, own: readonly Interface[]): void => {
  const found = streamedResource(own);
  if (found === undefined) return;
  throw fault("LK0402", `The contract of the slot ${slot} cannot be kept: ${found}`, {
    hint: "let a function answer with a list of them, as often as it is called",
  });
};

type Callable = (...args: unknown[]) => unknown;
type Call = (instance: Instance, args: unknown[]) => unknown;

/** A call that is given what a filling made goes to that one, and to no other; any other goes to whom `combine` says. */
const toMaker = (filled: FilledSlot, { name }: Interface, func: Func, row: Row): Callable => {
  const { views } = row;
  const call: Call = (instance, args) => views.call(instance, name, func.name, args);
  const chosen = combine(filled, func, row, call);
  if (!views.takes(func)) return chosen;
  return (...args) => {
    const maker = views.makerIn(args);
    return maker ? views.callMaker(maker, name, func, args) : chosen(...args);
  };
};

const combine = (filled: FilledSlot, func: Func, row: Row, call: Call): Callable => {
  const alone = (args: unknown[]) => row.only((instance) => call(instance, args));
  const { combination, fillings, swaps } = filled;
  if (combination === "one" || (fillings.length === 1 && !swaps)) return (...args: unknown[]) => alone(args);
  const together =
    combination === "first"
      ? (args: unknown[]) => firstThatCan(func, row, (instance) => call(instance, args))
      : (args: unknown[]) => joinedAnswers(func, row, (instance) => call(instance, args));
  // There may be more of them than when it was linked, or fewer.
  if (fillings.length === 1) return (...args: unknown[]) => (row.length === 1 ? alone(args) : together(args));
  return async (...args: unknown[]) => together(args);
};

/** Faults: LK0402 where so many fillings could not answer together, LK0407 where none is left and some has to. */
const requireCombines = (
  { slot, combination }: FilledSlot,
  own: readonly Interface[],
  count: number,
): void => {
  if (combination !== "all" && count === 0) throw empty(slot);
  if (combination !== "all" || count === 1) return;
  const isOwn = (type: Type) =>
    (type.kind === "own" || type.kind === "borrow") && own.some(({ name }) => name === type.resource.owner);
  for (const { name, params, result } of own.flatMap(({ funcs }) => [...funcs.values()])) {
    // What is about one object is for its maker alone to answer.
    if (result === undefined || result.kind === "list" || params.some(({ type }) => isOwn(type))) continue;
    throw fault(
      "LK0402",
      `Slot ${slot} combines "all", and the result of ${name} is no list that could be joined`,
    );
  }
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
