import { type Fault, fault } from "../base/fault.ts";
import { describeDifference, differences } from "../contract/compare.ts";
import { type Extern, type Interface, unversioned, type World } from "../contract/model.ts";
import { matchInterface } from "../contract/semver.ts";
import type { RequireFit } from "./live.ts";
import type { Swaps, Wish } from "./places.ts";
import { type LinkedPlan, servedBy, serverOf } from "./plan.ts";
import type { InstanceContext, InterfaceImplementation, Provider, Wanted } from "./provider.ts";
import { Relay } from "./relay.ts";
import type { Member } from "./standings.ts";

// Components in a capability's place. Each stands before whoever would serve otherwise, and reaches the next one
// through its own import of the same interface; for the guest there is one capability. Who stands there, and in which
// order, is found at each call, so it can change while the guest runs.

export interface ChainOptions {
  /** The slot's name, for reports. */
  readonly slot: string;
  /** Whether an interface is the slot's. */
  readonly covers: (interfaceName: string) => boolean;
  /** What the guest imports. */
  readonly imports: World["imports"];
  /** Who serves where none of them does, the first in front. */
  readonly rest: readonly Provider[];
  /** Who serves them besides. */
  readonly others?: readonly Provider[];
  /** Versioned interfaces of others of whose resources a component makes more. */
  joins(world: World): readonly string[];
  /** Throws where a component cannot stand here, whoever else does. */
  readonly requireFit: RequireFit;
  /** The context of an instance, made for one caller. */
  contextOf(plan: LinkedPlan, caller: InstanceContext): InstanceContext;
  /** Where they come and go while they serve; calls into them may then wait. Asked once the chain is there. */
  readonly swaps?: () => Swaps | undefined;
  /** Of those that the slot is to be filled with, those that stand here. Throws where the rest would be another. */
  readonly share?: (wishes: readonly Wish[]) => readonly Wish[];
}

export class Chain {
  readonly #options: ChainOptions;
  #members: readonly Member[] = [];
  /** Interfaces of the slot that some component here serves, did, or was to. */
  readonly #served = new Set<string>();
  readonly #joined = new Set<string>();
  /** Whoever serves a component in the chain where nobody of the chain behind it does. */
  readonly behind: readonly Provider[];
  /** What a component in the chain is linked with first: whoever stands behind it when it calls. */
  readonly next: Provider;

  constructor(options: ChainOptions) {
    const { covers, rest, others = [] } = options;
    this.#options = options;
    this.behind = [...rest, ...others].map((one) => behind(one, covers));
    for (const name of rest.flatMap(({ joins = [] }) => joins)) this.#joined.add(name);
    this.next = this.#next();
  }

  /** One more in front. Faults: those of `requireFit`. */
  add(plan: LinkedPlan): void {
    const { requireFit, joins, contextOf } = this.#options;
    requireFit(plan.component, plan.world);
    this.#serve(plan.world);
    for (const name of joins(plan.world)) this.#joined.add(name);
    this.#members = [{ plan, contextOf: (caller) => contextOf(plan, caller) }, ...this.#members];
  }

  /**
   * All of it, as it serves the guest. Every instance that it serves has instances of its own. Their resources pass as
   * the host's own do: by their objects, on which methods are found, so a guest may hold those of several makers.
   */
  async provider(): Promise<Provider> {
    const { slot, rest } = this.#options;
    const swaps = this.#swaps;
    const interfaces: string[] = [];
    for (const name of this.#imported())
      if (matchInterface(name, this.#served) !== undefined || (await serverOf(name, rest)) !== undefined)
        interfaces.push(name);
    return {
      name: slot,
      interfaces,
      joins: [...this.#joined],
      suspending: this.#suspending,
      defaultGranted: this.#granted,
      instantiate: async (caller, wanted = []) => {
        const relay = this.#relay(caller, interfaces);
        caller.onDrop(() => relay.drop());
        await relay.start(this.#members);
        const leave = swaps?.places.addRow(relay);
        if (leave) caller.onDrop(leave);
        return relay.handOn(wanted, await served(wanted, rest, caller));
      },
    };
  }

  #next(): Provider {
    const chain = this;
    const { slot } = this.#options;
    return {
      name: slot,
      get interfaces() {
        return [...chain.#served, ...chain.behind.flatMap(({ interfaces }) => interfaces)];
      },
      get joins() {
        return [...chain.#joined];
      },
      get suspending() {
        return chain.#suspending;
      },
      get defaultGranted() {
        return chain.#granted;
      },
      end: chain.behind,
      async instantiate(context, wanted = []) {
        const { relay, standing } = context.rank!;
        return relay.handOn(wanted, await served(wanted, chain.behind, context), standing);
      },
    };
  }

  get #swaps(): Swaps | undefined {
    return this.#options.swaps?.();
  }

  /** Whoever comes may wait. Where nobody does, that is known. */
  get #suspending(): readonly string[] | "*" {
    const { rest, others = [] } = this.#options;
    if (this.#swaps || this.#members.some(({ plan }) => plan.suspends)) return "*";
    const theirs = [...rest, ...others].map(({ suspending }) => suspending);
    const some = theirs.flatMap((one) => (one === "*" ? [] : one));
    return theirs.includes("*") ? "*" : some;
  }

  /** What a component serves needs no grant; what is the host's needs what it needs without them. */
  get #granted(): readonly string[] {
    const free = this.behind.flatMap(({ interfaces, defaultGranted }) =>
      defaultGranted === "*" ? interfaces : defaultGranted,
    );
    return [...this.#served, ...free].map(unversioned);
  }

  #imported(): string[] {
    const { imports, covers } = this.#options;
    return [...imports.keys()].filter(covers);
  }

  #serve({ exports }: World): void {
    for (const name of exports.keys()) if (this.#options.covers(name)) this.#served.add(name);
  }

  #relay(caller: InstanceContext, interfaces: readonly string[]): Relay {
    const { slot, covers, joins, share = (wishes: readonly Wish[]) => wishes } = this.#options;
    return new Relay({
      slot,
      caller,
      swaps: this.#swaps,
      requireFit: (component, world) => {
        this.#requireComes(component, world);
        this.#serve(world);
      },
      requireOrder: (worlds) => this.#requireServed(worlds, interfaces),
      exportsOf: (world) => {
        const names = new Set([...[...world.exports.keys()].filter(covers), ...joins(world)]);
        return interfacesIn(world.exports, (name) => names.has(name));
      },
      share,
      changed: (members) => {
        this.#members = members;
      },
    });
  }

  /** The guest was linked without the resources of others that nobody made more of. Faults LK0428, and of fit. */
  #requireComes(component: Parameters<RequireFit>[0], world: World): void {
    const { requireFit, joins, slot } = this.#options;
    requireFit(component, world);
    const strange = joins(world).find((name) => matchInterface(name, this.#joined) === undefined);
    if (strange !== undefined)
      throw later(slot, `${component.identifier} makes resources of ${strange}, and nobody before it did`);
  }

  /** What the guest was linked to is served by somebody, and so is what those who serve it were linked to. */
  async #requireServed(worlds: readonly World[], interfaces: readonly string[]): Promise<void> {
    const { imports, covers, rest } = this.#options;
    const offered = this.next.interfaces;
    const ofGuest = interfacesIn(imports, (name) => interfaces.includes(name));
    await this.#requireAll("what runs", ofGuest, worlds, rest);
    for (const [at, world] of worlds.entries()) {
      const linked = interfacesIn(
        world.imports,
        (name) => covers(name) && matchInterface(name, offered) !== undefined,
      );
      await this.#requireAll("what stands in it", linked, worlds.slice(at + 1), this.behind);
    }
  }

  async #requireAll(
    who: string,
    wanted: readonly Interface[],
    worlds: readonly World[],
    rest: readonly Provider[],
  ): Promise<void> {
    const { slot } = this.#options;
    for (const one of wanted) {
      const world = worlds.find(({ exports }) => matchInterface(one.name, exports.keys()) !== undefined);
      if (!world) {
        if (!(await serverOf(one.name, rest)))
          throw later(slot, `nobody would serve ${one.name}, which ${who} imports`);
        continue;
      }
      const exports = new Map([[one.name, { kind: "interface", interface: one } as const]]);
      const [found] = differences({ name: undefined, imports: new Map(), exports }, world);
      if (found)
        throw fault(
          "LK0402",
          `What would serve ${one.name} in ${slot} does not fit: ${describeDifference(found)}`,
        );
    }
  }
}

/** A change that what runs cannot take over, since it was linked to what there was. */
export const later = (slot: string, why: string): Fault =>
  fault("LK0428", `${slot} cannot be filled so while it is used: ${why}`, {
    hint: "start the application again",
  });

const interfacesIn = (
  externs: ReadonlyMap<string, Extern>,
  includes: (name: string) => boolean,
): readonly Interface[] =>
  [...externs].flatMap(([name, extern]) =>
    extern.kind === "interface" && includes(name) ? [extern.interface] : [],
  );

/** What providers that may be reached later give to an instance, by the names of what it imports. */
const served = async (
  wanted: readonly Wanted[],
  providers: readonly Provider[],
  context: InstanceContext,
): Promise<ReadonlyMap<string, InterfaceImplementation>> => {
  const found = new Map<string, InterfaceImplementation>();
  for (const { interface: one } of wanted) {
    const given = await servedBy(one, providers, context);
    if (given) found.set(one.name, given);
  }
  return found;
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
  instantiate: (context, wanted) =>
    provider.instantiate(context.caller ? passing(context, context.caller) : context, wanted),
});

const passing = (context: InstanceContext, { grants, onDenied, ask }: InstanceContext): InstanceContext => ({
  ...context,
  grants,
  ...(onDenied && { onDenied }),
  ...(ask && { ask }),
});
