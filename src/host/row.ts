import type { Code } from "../base/codes.ts";
import { Fault } from "../base/fault.ts";
import type { Interface, World } from "../contract/model.ts";
import type { FilledSlot } from "./filling.ts";
import { requireFit } from "./fit.ts";
import type { Instance } from "./instance.ts";
import type { Change, Wish } from "./places.ts";
import type { LinkedPlan } from "./plan.ts";
import type { InstanceContext } from "./provider.ts";
import { type Member, type Standing, Standings } from "./standings.ts";
import { Views } from "./views.ts";

// The fillings of a slot, for one caller: who of them is called. One that passes a limit of its own is left out where
// others answer.

export interface RowOptions {
  readonly filled: FilledSlot;
  /** What callers use: every filling exports it. */
  readonly own: readonly Interface[];
  readonly caller: InstanceContext;
  /** Throws where so many fillings could not answer together. */
  requireCombines(count: number): void;
  /** Told of who fills the slot after each change, for callers that come later. */
  changed(members: readonly Member[]): void;
}

export class Row {
  readonly #filled: FilledSlot;
  /** What they export of the contract, whoever stands here. */
  readonly views: Views;
  readonly #caller: InstanceContext;
  readonly #standings: Standings;
  #stopped: Fault | undefined;
  /** How many were asked for. */
  #wanted = 0;

  constructor({ filled, own, caller, requireCombines, changed }: RowOptions) {
    const { slot, swaps } = filled;
    const exports = own.map((one) => [one.name, { kind: "interface", interface: one }] as const);
    const contract: World = { name: undefined, imports: new Map(), exports: new Map(exports) };
    this.#filled = filled;
    this.views = new Views(own, this, slot);
    this.#caller = caller;
    this.#standings = new Standings({
      slot,
      contract,
      caller,
      swaps,
      requireFit: (component, world) => requireFit({ place: slot, contract }, component, world),
      requireOrder: ({ length }) => requireCombines(length),
      start: (plan, context) => this.#instantiate(plan, context),
      changed: (members) => {
        this.#wanted = members.length;
        changed(members);
      },
    });
  }

  get name(): string {
    return this.#filled.slot;
  }

  /** How many there are that answer. */
  get length(): number {
    return this.#standings.all.length;
  }

  /** Starts them in their order; one that passes a limit of its own is left out. */
  async start(members: readonly Member[]): Promise<void> {
    this.#wanted = members.length;
    for (const member of members)
      try {
        await this.#standings.begin(member, "last");
      } catch (error) {
        this.#leaveOut(undefined, this.#named(member.plan, error));
      }
    this.#standings.open();
  }

  /** Calls the one filling, which may answer at once. */
  only(call: (instance: Instance) => unknown): unknown {
    return this.#standings.during(([one]) => {
      // Started alone, it can only be missing because it was stopped.
      if (!one) throw this.#stopped;
      return one.live.run(call);
    });
  }

  /** As `Live.runOf`, for whoever stands in the row; one of several that passes a limit of its own is left out. */
  runOf<T>(made: Instance, work: () => T | Promise<T>, stale: () => T): T | Promise<T> {
    const one = this.#standings.of(made);
    if (!one) return stale();
    const fail = (error: unknown): never => {
      if (this.length > 1) this.#leaveOut(one, error);
      throw error;
    };
    return this.#standings.during(() => {
      try {
        const answer = one.live.runOf(made, work, stale);
        return answer instanceof Promise ? answer.catch(fail) : answer;
      } catch (error) {
        return fail(error);
      }
    });
  }

  /** Calls the fillings in order until one answers false; one that passes a limit of its own is left out. */
  each(call: (instance: Instance) => Promise<boolean>): Promise<void> {
    return this.#standings.during(async (standing) => {
      for (const one of standing) {
        try {
          if (!(await one.live.run(call))) return;
        } catch (error) {
          this.#leaveOut(one, error);
        }
      }
      // With nobody left there is no answer that could be told from an empty one.
      if (this.length === 0 && this.#stopped) throw this.#stopped;
    });
  }

  /** Fills the row anew, by identifiers, as `Standings.arrange`. */
  arrange(wishes: readonly Wish[]): Promise<Change | undefined> {
    return this.#standings.arrange(wishes);
  }

  async #instantiate(plan: LinkedPlan, context: InstanceContext): Promise<Instance> {
    const { budget } = this.#caller;
    const instance = await plan.instantiate({ ...context, ...(budget && { budget }) });
    this.views.add(instance);
    return instance;
  }

  drop(): void {
    this.#standings.drop();
  }

  /** Reports a filling that passed a limit and goes on without it; throws whatever else happened. */
  #leaveOut(gone: Standing | undefined, error: unknown): void {
    if (!(error instanceof Fault) || !limitCodes.has(error.code) || this.#caller.budget?.exceeded)
      throw error;
    this.#stopped = error;
    if (gone) this.#standings.leaveOut(gone);
    if (this.#filled.combination === "one" || this.#wanted === 1) throw error;
    this.#filled.onStopped?.(error);
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
