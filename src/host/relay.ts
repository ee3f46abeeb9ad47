import type { Func, Interface, World } from "../contract/model.ts";
import { matchInterface } from "../contract/semver.ts";
import type { Instance } from "./instance.ts";
import type { RequireFit } from "./live.ts";
import type { Change, Swaps, Wish } from "./places.ts";
import type { LinkedPlan } from "./plan.ts";
import type { Implementations, InstanceContext, InterfaceImplementation, Wanted } from "./provider.ts";
import { type Member, type Standing, Standings } from "./standings.ts";
import { calleeOf, Views } from "./views.ts";

// Components in a capability's place, for one caller: a call goes to the first that serves its interface, and what that
// one calls of the same capability to the first behind it.

/** Where a component stands: what it calls goes to those behind it, whoever they are by then. */
export interface Rank {
  readonly relay: Relay;
  readonly standing: Standing;
}

export interface RelayOptions {
  readonly slot: string;
  readonly caller: InstanceContext;
  readonly swaps: Swaps | undefined;
  readonly requireFit: RequireFit;
  requireOrder(worlds: readonly World[]): Promise<void>;
  /** Of what a component exports, that in which it may serve here or make resources. */
  exportsOf(world: World): readonly Interface[];
  /** Of those that a slot is to be filled with, those that stand here. */
  share(wishes: readonly Wish[]): readonly Wish[];
  /** Told of who stands here after each change, for callers that come later. */
  changed(members: readonly Member[]): void;
}

type Callable = (...args: unknown[]) => unknown;

/** They export what they like of the capability. */
const anything: World = { name: undefined, imports: new Map(), exports: new Map() };

export class Relay {
  readonly #options: RelayOptions;
  readonly #standings: Standings;
  readonly #views: Views;
  /** As what a component exports an interface of this name, by its world. */
  readonly #names = new WeakMap<World, Map<string, string | undefined>>();

  constructor(options: RelayOptions) {
    const { slot, caller, swaps, requireFit, requireOrder, changed } = options;
    this.#options = options;
    this.#views = new Views([], this, slot);
    this.#standings = new Standings({
      slot,
      contract: anything,
      caller,
      swaps,
      requireFit,
      requireOrder,
      start: (plan, context, standing) => this.#start(plan, context, standing),
      changed,
    });
  }

  get name(): string {
    return this.#options.slot;
  }

  /** Starts them from the last to the first, since each may call those behind it when it starts. */
  async start(members: readonly Member[]): Promise<void> {
    for (const member of members.toReversed()) await this.#standings.begin(member, "first");
    this.#standings.open();
  }

  async #start(plan: LinkedPlan, context: InstanceContext, standing: Standing): Promise<Instance> {
    const { caller, exportsOf } = this.#options;
    const { budget } = caller;
    const rank: Rank = { relay: this, standing };
    const instance = await plan.instantiate({ ...context, caller, rank, ...(budget && { budget }) });
    this.#views.add(instance, exportsOf(plan.world));
    return instance;
  }

  async arrange(wishes: readonly Wish[]): Promise<Change | undefined> {
    return this.#standings.arrange(this.#options.share(wishes));
  }

  /** As `Live.runOf`, for whoever stands here. */
  runOf<T>(made: Instance, work: () => T | Promise<T>, stale: () => T): T | Promise<T> {
    const one = this.#standings.of(made);
    return one ? this.#standings.during(() => one.live.runOf(made, work, stale)) : stale();
  }

  /**
   * What a caller is given: of those that stand here, or behind the one that calls. Where nobody of them serves an
   * interface `others` does, by its name.
   */
  handOn(
    wanted: readonly Wanted[],
    others: ReadonlyMap<string, InterfaceImplementation>,
    behind?: Standing,
  ): Implementations {
    const given = wanted.map(({ offered, interface: one }) => {
      const other = others.get(one.name);
      return [offered, this.#views.handedOn(one, (func) => this.#callOf(one, func, other, behind), other)];
    });
    return Object.fromEntries(given);
  }

  #callOf(
    { name }: Interface,
    func: Func,
    other: InterfaceImplementation | undefined,
    behind: Standing | undefined,
  ): Callable {
    const last = other && this.#views.apart(func, calleeOf(func, other));
    return (...args) =>
      this.#standings.during((all) => {
        for (const { live } of behind?.behind ?? all) {
          const exported = this.#exportedAs(name, live.plan.world);
          if (exported !== undefined)
            return live.run((instance) => this.#views.call(instance, exported, func.name, args));
        }
        if (!last)
          throw new Error(`Nobody in ${this.name} serves ${name}, and what was to see to it did not`);
        return last(...args);
      });
  }

  #exportedAs(name: string, world: World): string | undefined {
    const known = this.#names.get(world) ?? new Map<string, string | undefined>();
    if (known.has(name)) return known.get(name);
    const found = matchInterface(name, world.exports.keys());
    this.#names.set(world, known.set(name, found));
    return found;
  }

  drop(): void {
    this.#standings.drop();
  }
}
