import type { Digest } from "../base/digest.ts";
import { type Fault, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { shellWord } from "../base/word.ts";
import type { Grants } from "../trust/grants.ts";
import type { InstanceLimits } from "./budget.ts";
import type { Migrate } from "./handover.ts";
import type { Instance } from "./instance.ts";
import type { Candidate, Live, PlaceState, RequireFit, Swapped } from "./live.ts";
import type { Phases } from "./phases.ts";
import type { LinkedPlan } from "./plan.ts";
import type { InstanceContext } from "./provider.ts";

/** What is to stand somewhere: linked, with what every instance of it is given. */
export interface Arrival {
  readonly plan: LinkedPlan;
  /** Interfaces that it imports, these grants do not cover, and what stands there does without. */
  lacks(grants: Grants): readonly string[];
  readonly migrate?: Migrate | undefined;
  contextOf(caller: InstanceContext): InstanceContext;
}

/** What a person, or whoever watches, wants in a place; without grants it gets those of what stands there. */
export interface Wish {
  readonly identifier: string;
  readonly grants?: readonly string[] | undefined;
  /** The bytes that a person gave these grants to, that the person gives them now, or the loop.toml whose word they are. */
  readonly digest?: Digest | undefined;
  readonly agreed?: boolean | undefined;
  readonly file?: string | undefined;
  /** It was chosen since what stands there was: where other bytes stand there under its name, it takes their place. */
  readonly anew?: boolean | undefined;
}

/** The name of the place in which an application stands, beside those of its slots. */
export const applicationPlace = "application";

/** How what fills a place is replaced; given by the composition root to whoever makes places. */
export interface Swaps {
  readonly places: Places;
  /**
   * Fetches, verifies and links what is wished for, marking each phase: instead of what stands there, or as one more.
   */
  arrive(
    wish: Wish,
    instead: LinkedPlan | undefined,
    phases: Phases,
    requireFit: RequireFit,
  ): Promise<Arrival>;
}

/** A place that is in use. */
export interface Place {
  /** The slot's name, or the application's. */
  readonly name: string;
  readonly state: PlaceState;
  swap(wish: Wish): Promise<Swapped>;
}

/** The fillings of a slot, for one caller: they come, go and change their order. */
export interface Arrangeable {
  readonly name: string;
  arrange(wishes: readonly Wish[]): Promise<Change | undefined>;
}

/** How a slot is filled now, and what came and went; identifiers, in their order. */
export interface Arranged {
  readonly place: string;
  readonly fillings: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly ms: number;
}

export interface Exchanged {
  readonly swapped: Swapped;
  /** Of what stands there now. */
  readonly identifier: string;
}

/** What was done at once: what took the place of what, and how the slot is filled now where not just that has changed. */
export interface Change {
  readonly swapped: readonly Exchanged[];
  readonly arranged: Arranged | undefined;
}

/** What became of one swap, or of a row of fillings: what was done, or why what there was goes on. */
export type SwapEvent =
  | Exchanged
  | { readonly arranged: Arranged }
  | { readonly place: string; readonly identifier?: string; readonly failed: unknown };

/** All places of one process, by name. */
export class Places {
  readonly #places = new Map<string, Set<Place>>();
  readonly #rows = new Set<Arrangeable>();
  readonly #listeners = new Set<(event: SwapEvent) => void>();
  readonly #observers = new Set<() => void>();
  #onUse: (() => void) | undefined;
  #changing = 0;

  /** `onUse` is called once, when there is a place, or a row where one may be. */
  constructor(onUse?: () => void) {
    this.#onUse = onUse;
  }

  /** The answer takes it away again. */
  add(place: Place): () => void {
    this.#use();
    const same = this.#places.get(place.name) ?? new Set();
    this.#places.set(place.name, same.add(place));
    this.reconsider();
    return () => {
      if (same.delete(place) && same.size === 0) this.#places.delete(place.name);
    };
  }

  /** The answer takes it away again. */
  addRow(row: Arrangeable): () => void {
    this.#use();
    this.#rows.add(row);
    return () => this.#rows.delete(row);
  }

  #use(): void {
    this.#onUse?.();
    this.#onUse = undefined;
  }

  /**
   * Fills every row of a name anew; each by itself. Throws what the first failure was, after the others were tried.
   * Names that are no slot's have no rows, and keep what they have.
   */
  async arrange(name: string, wishes: readonly Wish[]): Promise<void> {
    const rows = [...this.#rows].filter((row) => row.name === name);
    const done = await Promise.allSettled(rows.map((row) => this.#arrangeOne(row, wishes)));
    for (const one of done) if (one.status === "rejected") throw one.reason;
  }

  async #arrangeOne(row: Arrangeable, wishes: readonly Wish[]): Promise<void> {
    this.#changing++;
    try {
      const change = await row.arrange(wishes);
      for (const one of change?.swapped ?? []) this.#tell(one);
      if (change?.arranged) this.#tell({ arranged: change.arranged });
    } catch (failed) {
      this.#tell({ place: row.name, failed });
      throw failed;
    } finally {
      this.#changing--;
    }
  }

  /** Names of what is in use: of places, and of slots of several fillings that have none at the moment. */
  get names(): readonly string[] {
    return [...new Set([...this.#places.keys(), ...[...this.#rows].map(({ name }) => name)])];
  }

  /** Whether something is about to take a place. */
  get changing(): boolean {
    return this.#changing > 0;
  }

  /** What stands under a name: one state for each instance. */
  at(name: string): readonly PlaceState[] {
    return [...(this.#places.get(name) ?? [])].map(({ state }) => state);
  }

  /**
   * Puts another in every place of a name, or in those where `instead` stands; each place swaps by itself. Throws
   * what the first failure was, after the others were tried. Fault LK0425.
   */
  async swap(name: string, wish: Wish, instead?: string): Promise<readonly Swapped[]> {
    const there = [...(this.#places.get(name) ?? [])];
    const places = there.filter(({ state }) => instead === undefined || state.identifier === instead);
    if (places.length === 0) throw this.#nothingAt(name, wish);
    const done = await Promise.allSettled(places.map((place) => this.#one(place, wish)));
    const failed = done.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
    return done.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  }

  #nothingAt(name: string, { identifier }: Wish): Fault {
    const { names } = this;
    return names.includes(name)
      ? fault("LK0425", `Nothing fills ${name} at the moment, so there is nothing to replace`, {
          hint: `loop slot set ${name} ${shellWord(identifier)}`,
        })
      : fault("LK0425", `Nothing that runs here uses ${name}; in use: ${names.join(", ") || "no slot"}`);
  }

  /** Hears of every swap, done or failed, until the answer is called. */
  listen(listener: (event: SwapEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Hears of every place that comes into use, and of when something was decided that may let in what could not come,
   * until the answer is called; of what takes a place later, listeners hear.
   */
  observe(observer: () => void): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** Lets observers look again. */
  reconsider(): void {
    for (const observer of this.#observers) observer();
  }

  async #one(place: Place, wish: Wish): Promise<Swapped> {
    this.#changing++;
    try {
      const swapped = await place.swap(wish);
      this.#tell({ swapped, identifier: place.state.identifier });
      return swapped;
    } catch (failed) {
      this.#tell({ place: place.name, identifier: wish.identifier, failed });
      throw failed;
    } finally {
      this.#changing--;
    }
  }

  #tell(event: SwapEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** What comes can be stopped, and its start has a time: nobody knows yet whether it ends on its own. */
export const comingLimits: InstanceLimits = { stoppable: true, startMsMax: limits.swapCallMsMax };

/**
 * The context of an instance that takes the place of another; what stood there before has proved itself.
 */
export const succeeding = (
  context: InstanceContext,
  before: InstanceContext | undefined,
): InstanceContext => ({
  ...context,
  limits: { ...context.limits, ...comingLimits },
  ...(before && { before }),
});

/** What stands in a place, and gives way to another. */
export type Swappable = Pick<Live, "state" | "plan" | "swap">;

/** A place as its users know it: `start` makes the instances that come into it. */
export const placeOf = (
  name: string,
  live: Swappable,
  { arrive }: Swaps,
  caller: InstanceContext,
  start: (plan: LinkedPlan, context: InstanceContext) => Promise<Instance>,
): Place => ({
  name,
  get state() {
    return live.state;
  },
  swap: (wish) =>
    live.swap(async (phases, requireFit) =>
      candidateOf(await arrive(wish, live.plan, phases, requireFit), caller, start),
    ),
});

/** What has arrived as what takes a place. */
export const candidateOf = (
  { plan, migrate, contextOf, lacks }: Arrival,
  caller: InstanceContext,
  start: (plan: LinkedPlan, context: InstanceContext) => Promise<Instance>,
): Candidate => {
  const context = contextOf(caller);
  return {
    plan,
    migrate,
    lacks: lacks(context.grants),
    start: (before) => start(plan, succeeding(context, before)),
  };
};
