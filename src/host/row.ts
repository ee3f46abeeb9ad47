import type { Code } from "../base/codes.ts";
import { Fault } from "../base/fault.ts";
import type { Interface, World } from "../contract/model.ts";
import type { FilledSlot } from "./filling.ts";
import { requireFit } from "./fit.ts";
import { checkHealth } from "./handover.ts";
import type { Instance } from "./instance.ts";
import { Live } from "./live.ts";
import { Phases } from "./phases.ts";
import { type Arranged, placeOf, succeeding, type Wish } from "./places.ts";
import type { LinkedPlan } from "./plan.ts";
import type { InstanceContext } from "./provider.ts";
import { Views } from "./views.ts";

// The fillings of a slot, for one caller: each in a place of its own, in an order, and both can change between two
// calls. A call has the row that there was when it began, to its end.

interface Standing {
  readonly live: Live;
  /** Takes it out of what can be swapped. */
  leave: () => void;
}

/** A row as some calls have it. */
interface Order {
  readonly standing: readonly Standing[];
  calls: number;
  /** Those that are in no later order: they go when the last call of this one has returned. */
  leaving: Standing[];
}

const orderOf = (standing: readonly Standing[]): Order => ({ standing, calls: 0, leaving: [] });

export class Row {
  readonly #filled: FilledSlot;
  /** What callers use: every filling fits it. */
  readonly #contract: World;
  /** What they export of it, whoever stands here. */
  readonly views: Views;
  readonly #caller: InstanceContext;
  readonly #requireCombines: (count: number) => void;
  #order: Order = orderOf([]);
  #stopped: Fault | undefined;
  /** How many were asked for. */
  #wanted: number;
  #changes: Promise<unknown> = Promise.resolve();
  #dropped = false;

  /** `requireCombines` throws where so many fillings could not answer together. */
  constructor(
    filled: FilledSlot,
    own: readonly Interface[],
    caller: InstanceContext,
    requireCombines: (count: number) => void,
  ) {
    const exports = own.map((one) => [one.name, { kind: "interface", interface: one }] as const);
    this.#filled = filled;
    this.#contract = { name: undefined, imports: new Map(), exports: new Map(exports) };
    this.views = new Views(own, this, filled.slot);
    this.#caller = caller;
    this.#requireCombines = requireCombines;
    this.#wanted = filled.fillings.length;
  }

  get name(): string {
    return this.#filled.slot;
  }

  /** How many there are that answer. */
  get length(): number {
    return this.#order.standing.length;
  }

  /** Starts one at the end of the row; one that passes a limit of its own is left out. */
  async start(plan: LinkedPlan): Promise<void> {
    const context = this.#filled.contextOf(plan, this.#caller);
    try {
      const standing = this.#stand(plan, await this.#instantiate(plan, context));
      this.#order = orderOf([...this.#order.standing, standing]);
    } catch (error) {
      this.#leaveOut(undefined, this.#named(plan, error));
    }
  }

  /** Calls the one filling, which may answer at once. */
  only(call: (instance: Instance) => unknown): unknown {
    const [one] = this.#order.standing;
    // Started alone, it can only be missing because it was stopped.
    if (!one) throw this.#stopped;
    return this.#during(this.#order, () => one.live.run(call));
  }

  /** As `Live.runOf`, for whoever stands in the row; one of several that passes a limit of its own is left out. */
  runOf<T>(made: Instance, work: () => T | Promise<T>, stale: () => T): T | Promise<T> {
    const one = this.#order.standing.find(({ live }) => live.instance === made);
    if (!one) return stale();
    const fail = (error: unknown): never => {
      if (this.length > 1) this.#leaveOut(one, error);
      throw error;
    };
    return this.#during(this.#order, () => {
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
    const order = this.#order;
    return this.#during(order, async () => {
      for (const one of order.standing) {
        try {
          if (!(await one.live.run(call))) return;
        } catch (error) {
          this.#leaveOut(one, error);
        }
      }
      // With nobody left there is no answer that could be told from an empty one.
      if (this.#order.standing.length === 0 && this.#stopped) throw this.#stopped;
    });
  }

  /**
   * Fills the row anew, by identifiers: what is wanted and stands here stays, the rest comes and goes when all that
   * comes is ready. Where something fails the row is as it was. Undefined where nothing had to be done.
   */
  arrange(wishes: readonly Wish[]): Promise<Arranged | undefined> {
    const done = this.#changes.then(() => this.#arrange(wishes));
    this.#changes = done.catch(() => {});
    return done;
  }

  async #arrange(wishes: readonly Wish[]): Promise<Arranged | undefined> {
    const { standing } = this.#order;
    const taken = assign(standing, wishes);
    if (taken.length === standing.length && taken.every((one, at) => one === standing[at])) return undefined;
    const leaving = standing.filter((one) => !taken.includes(one));
    if (wishes.length > 1) this.#requireCombines(wishes.length);
    const startMs = performance.now();
    const made: Standing[] = [];
    try {
      const next: Standing[] = [];
      for (const [at, wish] of wishes.entries()) {
        const stays = taken[at];
        if (!stays) made.push(await this.#arrive(wish));
        next.push(stays ?? made.at(-1)!);
      }
      this.#exchange(next, leaving);
    } catch (error) {
      for (const one of made) dismiss(one);
      throw error;
    }
    return {
      place: this.name,
      fillings: this.#order.standing.map(({ live }) => live.state.identifier),
      added: made.map(({ live }) => live.state.identifier),
      removed: leaving.map(({ live }) => live.state.identifier),
      ms: performance.now() - startMs,
    };
  }

  /** Between two calls: those in flight have the order that they began with. */
  #exchange(next: readonly Standing[], leaving: readonly Standing[]): void {
    if (this.#dropped) {
      const phases = new Phases(this.name);
      phases.enter("exchange");
      throw phases.explain(new Error("nobody uses it any more"));
    }
    const before = this.#order;
    this.#order = orderOf(next);
    this.#wanted = next.length;
    for (const one of [...next, ...leaving]) one.leave();
    // In the order in which they stand now.
    for (const one of next) one.leave = this.#enter(one.live);
    before.leaving.push(...leaving);
    letGo(before);
  }

  /** One more, made beside the others by the steps of a swap; nobody is asked for state. */
  async #arrive(wish: Wish): Promise<Standing> {
    const { swaps, slot } = this.#filled;
    const phases = new Phases(slot);
    let instance: Instance | undefined;
    try {
      const arrival = await swaps!.arrive(wish, undefined, phases, (component, world) =>
        requireFit({ place: slot, contract: this.#contract }, component, world),
      );
      phases.enter("instantiate");
      const context = succeeding(arrival.contextOf(this.#caller), undefined);
      instance = await this.#instantiate(arrival.plan, context);
      phases.enter("health");
      await checkHealth(instance);
      return this.#stand(arrival.plan, instance, false);
    } catch (error) {
      instance?.drop();
      throw phases.explain(error);
    }
  }

  async #instantiate(plan: LinkedPlan, context: InstanceContext): Promise<Instance> {
    const { budget } = this.#caller;
    const instance = await plan.instantiate({ ...context, ...(budget && { budget }) });
    this.views.add(instance);
    return instance;
  }

  #stand(plan: LinkedPlan, instance: Instance, enters = true): Standing {
    const { slot, swaps } = this.#filled;
    const options = { place: slot, contract: this.#contract, waits: swaps !== undefined };
    const live = new Live(options, plan, instance);
    return { live, leave: enters ? this.#enter(live) : () => {} };
  }

  /** Lets it be seen and swapped. */
  #enter(live: Live): () => void {
    const { slot, swaps } = this.#filled;
    const start = (next: LinkedPlan, context: InstanceContext) => this.#instantiate(next, context);
    return swaps?.places.add(placeOf(slot, live, swaps, this.#caller, start)) ?? (() => {});
  }

  /** Whoever is in an order keeps all of it standing. */
  #during<T>(order: Order, work: () => T): T {
    order.calls++;
    const leave = () => {
      order.calls--;
      letGo(order);
    };
    let answer: T;
    try {
      answer = work();
    } catch (error) {
      leave();
      throw error;
    }
    if (answer instanceof Promise) return answer.finally(leave) as T;
    leave();
    return answer;
  }

  drop(): void {
    this.#dropped = true;
    for (const one of this.#order.standing) dismiss(one);
    this.#order = orderOf([]);
  }

  /** Reports a filling that passed a limit and goes on without it; throws whatever else happened. */
  #leaveOut(gone: Standing | undefined, error: unknown): void {
    if (!(error instanceof Fault) || !limitCodes.has(error.code) || this.#caller.budget?.exceeded)
      throw error;
    this.#stopped = error;
    if (gone) {
      this.#order = orderOf(this.#order.standing.filter((one) => one !== gone));
      dismiss(gone);
    }
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

const dismiss = ({ leave, live }: Standing): void => {
  leave();
  live.drop();
};

const letGo = (order: Order): void => {
  if (order.calls > 0) return;
  for (const one of order.leaving.splice(0)) dismiss(one);
};

/** For each wish what of those that stand there is it, each at most once. */
const assign = (standing: readonly Standing[], wishes: readonly Wish[]): (Standing | undefined)[] => {
  const free = new Set(standing);
  return wishes.map(({ identifier }) => {
    const found = [...free].find(({ live }) => live.state.identifier === identifier);
    if (found) free.delete(found);
    return found;
  });
};

const limitCodes: ReadonlySet<Code> = new Set(["LK0711", "LK0712", "LK0713"]);
