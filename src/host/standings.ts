import { fault } from "../base/fault.ts";
import type { World } from "../contract/model.ts";
import { checkHealth } from "./handover.ts";
import type { Instance } from "./instance.ts";
import { type Coming, Live, type RequireFit, type Swapped } from "./live.ts";
import { Phases } from "./phases.ts";
import { type Arrival, type Change, candidateOf, type Swaps, succeeding, type Wish } from "./places.ts";
import type { LinkedPlan } from "./plan.ts";
import type { InstanceContext } from "./provider.ts";

// Those that stand in a slot for one caller, each in a place of its own, in an order. What stands in the places and the
// order change between two calls, all at once or not at all.

/** What is made for each caller anew: linked, with the context of its instances. */
export interface Member {
  readonly plan: LinkedPlan;
  contextOf(caller: InstanceContext): InstanceContext;
}

/** One of them. It is there before what stands in it is made, since that may ask at its start who stands behind it. */
export class Standing {
  live!: Live;
  /** What callers that come later are given. */
  member!: Member;
  /** Those that come after it, in the order in which it stands or stood last. */
  behind: readonly Standing[];
  /** Takes it out of what can be swapped. */
  leave = () => {};

  constructor(behind: readonly Standing[] = []) {
    this.behind = behind;
  }

  /** Nothing stands in it yet. */
  get isNew(): boolean {
    return this.live === undefined;
  }
}

export interface StandingsOptions {
  readonly slot: string;
  /** What callers use of every one of them. */
  readonly contract: World;
  readonly caller: InstanceContext;
  /** Where they can be replaced, come and go; calls may then wait. */
  readonly swaps: Swaps | undefined;
  /** Throws where something cannot stand here, whoever else does. */
  readonly requireFit: RequireFit;
  /** Throws where these, in this order, cannot stand together. */
  requireOrder(worlds: readonly World[]): void | Promise<void>;
  start(plan: LinkedPlan, context: InstanceContext, standing: Standing): Promise<Instance>;
  /** Told of who stands there after each exchange, for callers that come later. */
  changed(members: readonly Member[]): void;
}

/** The order as some calls have it. */
interface Order {
  readonly standing: readonly Standing[];
  calls: number;
}

/** One of the next order, and what comes to stand in it, where something does. */
interface Seat {
  readonly standing: Standing;
  readonly wish?: Wish;
}

export class Standings {
  readonly #options: StandingsOptions;
  #order: Order = orderOf([]);
  /** Orders that are none any more, and that some call has still. */
  readonly #past = new Set<Order>();
  /** Those that go when the last call has returned that has them. */
  readonly #leaving = new Set<Standing>();
  #changes: Promise<unknown> = Promise.resolve();
  #dropped = false;

  constructor(options: StandingsOptions) {
    this.#options = options;
  }

  get all(): readonly Standing[] {
    return this.#order.standing;
  }

  /** The one in which an instance stands. */
  of(instance: Instance): Standing | undefined {
    return this.#order.standing.find(({ live }) => live.instance === instance);
  }

  /** One that is there from the start: behind all others, or before them. */
  async begin(member: Member, where: "first" | "last"): Promise<void> {
    const { caller, start, slot, swaps, contract } = this.#options;
    const { standing } = this.#order;
    const one = new Standing(where === "first" ? standing : undefined);
    const instance = await start(member.plan, member.contextOf(caller), one);
    one.member = member;
    one.live = new Live({ place: slot, contract, waits: swaps !== undefined }, member.plan, instance);
    this.#order = orderOf(where === "first" ? [one, ...standing] : [...standing, one]);
  }

  /** Lets those that stand there be seen and swapped, in their order. */
  open(): void {
    for (const one of this.#order.standing) this.#enter(one);
  }

  /** Whoever is called has the order that there was when the call began, to its end: nobody in it goes. */
  during<T>(work: (standing: readonly Standing[]) => T): T {
    const order = this.#order;
    order.calls++;
    const leave = () => {
      order.calls--;
      if (order !== this.#order) this.#letGo();
    };
    let answer: T;
    try {
      answer = work(order.standing);
    } catch (error) {
      leave();
      throw error;
    }
    if (answer instanceof Promise) return answer.finally(leave) as T;
    leave();
    return answer;
  }

  /**
   * Fills the slot anew: who is wished for and stands here stays; who is not gives way to who comes, or goes. What comes
   * is made ready first, all of it. Where something fails everything is as it was. Undefined where nothing had to be done.
   */
  arrange(wishes: readonly Wish[]): Promise<Change | undefined> {
    return this.#inTurn(async () => {
      const { standing } = this.#order;
      const seats = seated(standing, wishes);
      const stays = seats.every(({ standing: one, wish }, at) => !wish && one === standing[at]);
      return stays && seats.length === standing.length ? undefined : this.#change(seats);
    });
  }

  #swap(one: Standing, wish: Wish): Promise<Swapped> {
    return this.#inTurn(async () => {
      const { standing } = this.#order;
      // It may have gone while it waited for its turn.
      if (!standing.includes(one)) throw this.#unused();
      const { swapped } = await this.#change(
        standing.map((other) => (other === one ? { standing: one, wish } : { standing: other })),
      );
      return swapped[0]!.swapped;
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(work);
    this.#changes = done.catch(() => {});
    return done;
  }

  async #change(seats: readonly Seat[]): Promise<Change> {
    const startMs = performance.now();
    const arrivals = new Map<Standing, Arrived>();
    try {
      // From the last to the first: who comes may be linked to who comes behind it.
      for (const { standing, wish } of seats.toReversed())
        if (wish) arrivals.set(standing, await this.#arrive(standing, wish));
      await this.#requireOrder(seats.map(({ standing }) => (arrivals.get(standing) ?? standing).member));
      // Who is one more while nobody waits yet. Then in the order in which they are called now: a call that waits at one
      // of them is in those before it, which have let everybody leave, and in none behind it.
      const added = seats.map(({ standing }) => standing).filter(({ isNew }) => isNew);
      for (const one of [...added, ...this.#order.standing]) await arrivals.get(one)?.ready();
      return this.#exchange(seats, arrivals, startMs);
    } catch (error) {
      for (const one of arrivals.values()) one.abandon();
      throw error;
    }
  }

  /** Between two calls: those in flight have the order that they began with. */
  #exchange(seats: readonly Seat[], arrivals: ReadonlyMap<Standing, Arrived>, startMs: number): Change {
    const before = this.#order;
    const next = seats.map(({ standing }) => standing);
    // Before the first of them is exchanged: from here on nothing fails.
    const added = next.filter(({ isNew }) => isNew);
    if (this.#dropped || !next.every((one) => before.standing.includes(one) || added.includes(one)))
      throw this.#unused();
    const swapped = next.flatMap((one) => {
      const arrived = arrivals.get(one);
      if (!arrived) return [];
      one.member = arrived.member;
      const done = arrived.exchange();
      return done ? [{ swapped: done, identifier: one.live.state.identifier }] : [];
    });
    const leaving = before.standing.filter((one) => !next.includes(one));
    for (const one of leaving) this.#leaving.add(one);
    this.#past.add(before);
    this.#order = orderOf(next);
    for (const one of before.standing) one.leave();
    for (const [at, one] of next.entries()) one.behind = next.slice(at + 1);
    this.open();
    this.#options.changed(next.map(({ member }) => member));
    this.#letGo();
    const moved =
      next.length !== before.standing.length || next.some((one, at) => one !== before.standing[at]);
    return {
      swapped,
      arranged: moved
        ? {
            place: this.#options.slot,
            fillings: identifiers(next),
            added: identifiers(added),
            removed: identifiers(leaving),
            ms: performance.now() - startMs,
          }
        : undefined,
    };
  }

  /** What is wished for, made beside the others by the steps of a swap; who is one more is asked for no state. */
  async #arrive(standing: Standing, wish: Wish): Promise<Arrived> {
    const { swaps, requireFit, start, caller } = this.#options;
    const phases = new Phases(this.#options.slot);
    const made = (plan: LinkedPlan, context: InstanceContext) => start(plan, context, standing);
    if (standing.isNew) {
      const arrival = await swaps!.arrive(wish, undefined, phases, requireFit).catch(phases.fail);
      return this.#another(standing, arrival, phases, made);
    }
    let member!: Member;
    const coming = await standing.live.prepare(async (own) => {
      const arrival = await swaps!.arrive(wish, standing.member.plan, own, requireFit);
      member = arrival;
      return candidateOf(arrival, caller, made);
    });
    return { ...coming, member };
  }

  async #another(
    standing: Standing,
    member: Arrival,
    phases: Phases,
    start: (plan: LinkedPlan, context: InstanceContext) => Promise<Instance>,
  ): Promise<Arrived> {
    const { slot, contract, caller } = this.#options;
    const { plan, contextOf } = member;
    phases.enter("instantiate");
    const instance = await start(plan, succeeding(contextOf(caller), undefined)).catch(phases.fail);
    return {
      member,
      ready() {
        phases.enter("health");
        return checkHealth(instance).catch(phases.fail);
      },
      exchange() {
        standing.live = new Live({ place: slot, contract, waits: true }, plan, instance);
        return undefined;
      },
      abandon: () => instance.drop(),
    };
  }

  async #requireOrder(members: readonly Member[]): Promise<void> {
    const phases = new Phases(this.#options.slot);
    phases.enter("compare");
    const worlds = members.map(({ plan }) => plan.world);
    await Promise.try(() => this.#options.requireOrder(worlds)).catch(phases.fail);
  }

  #unused(): unknown {
    const { slot } = this.#options;
    const phases = new Phases(slot);
    phases.enter("exchange");
    return phases.explain(fault("LK0422", `${slot} is not used any more`));
  }

  #enter(one: Standing): void {
    const { slot, swaps } = this.#options;
    const leave = swaps?.places.add({
      name: slot,
      get state() {
        return one.live.state;
      },
      swap: (wish) => this.#swap(one, wish),
    });
    if (leave) one.leave = leave;
  }

  /** Takes one out at once, whoever calls it. */
  leaveOut(gone: Standing): void {
    this.#past.add(this.#order);
    this.#order = orderOf(this.#order.standing.filter((one) => one !== gone));
    dismiss(gone);
  }

  #letGo(): void {
    for (const order of this.#past) if (order.calls === 0) this.#past.delete(order);
    for (const one of this.#leaving) {
      if ([...this.#past].some(({ standing }) => standing.includes(one))) continue;
      this.#leaving.delete(one);
      dismiss(one);
    }
  }

  drop(): void {
    this.#dropped = true;
    for (const one of [...this.#order.standing, ...this.#leaving]) dismiss(one);
    this.#leaving.clear();
  }
}

const orderOf = (standing: readonly Standing[]): Order => ({ standing, calls: 0 });

const dismiss = ({ leave, live }: Standing): void => {
  leave();
  live.drop();
};

const identifiers = (standing: readonly Standing[]): string[] =>
  standing.map(({ live }) => live.state.identifier);

/**
 * For each wish who stands there from then on. A choice is of the bytes that there were when it was made: where they were
 * built anew since, and nobody has chosen again, what stands there stays. Who comes takes the place of what was known by
 * its name, or of the first that nobody wishes for.
 */
const seated = (standing: readonly Standing[], wishes: readonly Wish[]): readonly Seat[] => {
  const free = new Set(standing);
  const taken = (found: Standing | undefined) => {
    if (found) free.delete(found);
    return found;
  };
  const known = ({ identifier }: Wish) =>
    [...free].filter(({ live }) => live.state.identifier === identifier);
  const isIt = ({ anew, digest }: Wish, { live }: Standing) =>
    !anew || !digest || live.state.digest === digest;
  const staying = wishes.map((wish) => taken(known(wish).find((one) => isIt(wish, one))));
  const renewed = wishes.map((wish, at) => (staying[at] ? undefined : taken(known(wish)[0])));
  const seats = wishes.map((wish, at): Seat => {
    const stays = staying[at];
    return stays
      ? { standing: stays }
      : { standing: renewed[at] ?? taken([...free][0]) ?? new Standing(), wish };
  });
  for (const [at, { standing: one }] of seats.entries())
    if (one.isNew)
      one.behind = seats.slice(at + 1).flatMap(({ standing: other }) => (other.isNew ? [] : other));
  return seats;
};

/** What is to stand somewhere: instead of something, which `exchange` tells of, or as one more. */
interface Arrived extends Omit<Coming, "exchange"> {
  readonly member: Member;
  exchange(): Swapped | undefined;
}
