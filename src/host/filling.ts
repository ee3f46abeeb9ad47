import type { Code } from "../base/codes.ts";
import { DeclaredError, Fault, fault } from "../base/fault.ts";
import { camel, type Func, type Interface, type World } from "../contract/model.ts";
import { matchInterface } from "../contract/semver.ts";
import type { Instance } from "./instance.ts";
import { Live } from "./live.ts";
import { placeOf, type Swaps } from "./places.ts";
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
      const serving = new Serving(filled, exported, context);
      context.onDrop(() => serving.drop());
      for (const filling of fillings) await serving.start(filling);
      return { [exported.name]: implementation(filled, exported, serving) };
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
  serving: Serving,
): InterfaceImplementation => {
  const made: Record<string, unknown> = {};
  for (const func of funcs.values()) {
    if (func.role.role !== "free")
      throw fault(
        "LK0402",
        `Slot ${filled.slot} has the contract ${name}, whose resource function ${func.name} cannot cross a slot yet`,
      );
    made[camel(func.name)] = combine(filled, func, serving, (instance, args) =>
      instance.callNow(name, func.name, args),
    );
  }
  return made;
};

type Call = (instance: Instance, args: unknown[]) => unknown;

const combine = ({ slot, combination, fillings }: FilledSlot, func: Func, serving: Serving, call: Call) => {
  if (combination === "one" || fillings.length === 1)
    return (...args: unknown[]) => serving.only((instance) => call(instance, args));
  if (combination === "first")
    return async (...args: unknown[]) => firstThatCan(func, serving, (instance) => call(instance, args));
  if (func.result !== undefined && func.result.kind !== "list")
    throw fault(
      "LK0402",
      `Slot ${slot} combines "all", and the result of ${func.name} is no list that could be joined`,
    );
  return async (...args: unknown[]) => {
    const answers: unknown[] = [];
    await serving.each(async (instance) => {
      answers.push(...(((await call(instance, args)) ?? []) as Iterable<unknown>));
      return true;
    });
    return func.result === undefined ? undefined : answers;
  };
};

const firstThatCan = async (
  func: Func,
  serving: Serving,
  call: (instance: Instance) => unknown,
): Promise<unknown> => {
  let refusal: unknown;
  let found: { readonly answer: unknown } | undefined;
  await serving.each(async (instance) => {
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

/** The places of a slot's fillings, for one caller. */
class Serving {
  readonly #filled: FilledSlot;
  readonly #contract: World;
  readonly #caller: InstanceContext;
  readonly #live: { readonly live: Live; readonly leave: () => void }[] = [];
  #stopped: Fault | undefined;

  constructor(filled: FilledSlot, exported: Interface, caller: InstanceContext) {
    this.#filled = filled;
    const exports: World["exports"] = new Map([[exported.name, { kind: "interface", interface: exported }]]);
    this.#contract = { name: undefined, imports: new Map(), exports };
    this.#caller = caller;
  }

  async start(plan: LinkedPlan): Promise<void> {
    const context = this.#filled.contextOf(plan, this.#caller);
    try {
      this.#place(plan, await this.#instantiate(plan, context));
    } catch (error) {
      this.#leaveOut(plan, error);
    }
  }

  #instantiate(plan: LinkedPlan, context: InstanceContext): Promise<Instance> {
    const { budget } = this.#caller;
    return plan.instantiate({ ...context, ...(budget && { budget }) });
  }

  #place(plan: LinkedPlan, instance: Instance): void {
    const { slot, swaps } = this.#filled;
    const options = { place: slot, contract: this.#contract, waits: swaps !== undefined };
    const live = new Live(options, plan, instance);
    const start = (next: LinkedPlan, context: InstanceContext) => this.#instantiate(next, context);
    const leave = swaps?.places.add(placeOf(slot, live, swaps, this.#caller, start));
    this.#live.push({ live, leave: leave ?? (() => {}) });
  }

  /** Calls the one filling, which may answer at once. */
  only(call: (instance: Instance) => unknown): unknown {
    const [one] = this.#live;
    // Started alone, it can only be missing because it was stopped.
    if (!one) throw this.#stopped;
    const fail = (error: unknown): never => {
      throw this.#named(one.live.plan, error);
    };
    try {
      const answer = one.live.run(call);
      return answer instanceof Promise ? answer.catch(fail) : answer;
    } catch (error) {
      return fail(error);
    }
  }

  /** Calls the fillings in order until one answers false; one that passes a limit of its own is left out. */
  async each(call: (instance: Instance) => Promise<boolean>): Promise<void> {
    for (const { live } of [...this.#live]) {
      try {
        if (!(await live.run(call))) return;
      } catch (error) {
        this.#leaveOut(live.plan, error);
      }
    }
    // With nobody left there is no answer that could be told from an empty one.
    if (this.#live.length === 0 && this.#stopped) throw this.#stopped;
  }

  drop(): void {
    for (const { live, leave } of this.#live.splice(0)) {
      leave();
      live.drop();
    }
  }

  /** Reports a filling that passed a limit and goes on without it; throws whatever else happened. */
  #leaveOut(plan: LinkedPlan, error: unknown): void {
    const named = this.#named(plan, error);
    if (!(named instanceof Fault) || !limitCodes.has(named.code) || this.#caller.budget?.exceeded)
      throw named;
    this.#stopped = named;
    const at = this.#live.findIndex(({ live }) => live.plan === plan);
    if (at >= 0) {
      const [gone] = this.#live.splice(at, 1);
      gone!.leave();
      gone!.live.drop();
    }
    if (this.#filled.combination === "one" || this.#filled.fillings.length === 1) throw named;
    this.#filled.onStopped?.(named);
  }

  /** A fault with the slot's name on it. */
  #named(plan: LinkedPlan, error: unknown): unknown {
    if (!(error instanceof Fault)) return error;
    const { slot } = this.#filled;
    return error.within({
      slot,
      component: plan.component.identifier,
      phase: "call",
      message: "Filling the slot",
    });
  }
}

const limitCodes: ReadonlySet<Code> = new Set(["LK0711", "LK0712", "LK0713"]);
