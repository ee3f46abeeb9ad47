import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { shellWord } from "../../base/word.ts";
import type { World } from "../../contract/model.ts";
import { matchInterface } from "../../contract/semver.ts";
import { requireFit, requireMayStart } from "../../host/fit.ts";
import { checkHealth, hasState } from "../../host/handover.ts";
import type { Instance } from "../../host/instance.ts";
import type { Candidate, Load, PlaceState, Swapped } from "../../host/live.ts";
import { Phases } from "../../host/phases.ts";
import { applicationPlace } from "../../host/places.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import { type Handling, handlerOf, handlingOf, seatOf } from "./seat.ts";
import { Sole } from "./sole.ts";

/** A component and its instances. */
export interface Generation {
  readonly number: number;
  readonly plan: LinkedPlan;
  readonly pool: Pool;
  /** Whose pool that is, where it has state: what comes after it and has state too sits down in its place. */
  readonly sole?: Sole | undefined;
}

type Instances = Pick<Generation, "pool" | "sole">;

export interface GenerationsOptions extends Pick<PoolOptions, "reuse"> {
  /** Of all generations together, where those before leave the newest one at all. */
  readonly instancesMax: number;
  /** Told of what goes wrong while nobody waits for an answer to it. */
  report(error: unknown): void;
}

/**
 * The components that serve at one address, one after the other: one whose instances get what is asked now, and those
 * before it, whose instances end what they have begun. Of several instances each has a state of its own, and each may go
 * at any time, so nothing crosses between those; a component that has state to hand over has one instance for all.
 */
export class Generations {
  readonly #options: GenerationsOptions;
  #now: Generation;
  readonly #before = new Set<Generation>();
  #swaps: Promise<unknown> = Promise.resolve();
  #closed = false;

  private constructor(options: GenerationsOptions, first: Generation) {
    this.#options = options;
    this.#now = first;
  }

  /** Faults: LK0305 the component handles no requests, and those of instantiating its first instance. */
  static async begin(
    plan: LinkedPlan,
    start: Candidate["start"],
    options: GenerationsOptions,
  ): Promise<Generations> {
    const handling = await handlingOf(plan.world);
    if (!handling)
      throw fault(
        "LK0305",
        `${plan.component.identifier} does not export wasi:http/handler or wasi:http/incoming-handler; it exports: ${[...plan.world.exports.keys()].join(", ") || "nothing"}`,
        { hint: `loop run ${plan.component.identifier}` },
      );
    let room = (_: Pool) => options.instancesMax;
    const made = await begun({ plan, start }, handling, options, (pool) => room(pool));
    const generations = new Generations(options, { number: 1, plan, ...made });
    room = (pool) => generations.#room(pool);
    return generations;
  }

  /** What new requests go to. */
  get now(): Generation {
    return this.#now;
  }

  get plan(): LinkedPlan {
    return this.#now.plan;
  }

  get state(): PlaceState {
    const { identifier, digest } = this.#now.plan.component;
    return { identifier, digest, generation: this.#now.number };
  }

  /** Instances that are alive, of all. */
  get live(): number {
    return this.#all.reduce((sum, { pool }) => sum + pool.live, 0);
  }

  /** Somebody gets no instance before another request is over. */
  get exhausted(): boolean {
    return this.#all.some(({ pool }) => pool.exhausted);
  }

  /**
   * Lets another component serve what is asked from then on: one swap after the other. Whatever fails before leaves the
   * one that serves serving, and is a fault that names its phase.
   */
  swap(load: Load): Promise<Swapped> {
    const swapping = this.#swaps.then(() => this.#swap(load));
    this.#swaps = swapping.catch(() => {});
    return swapping;
  }

  close(): void {
    this.#closed = true;
    for (const { pool, sole } of this.#all) (sole ?? pool).close();
  }

  get #all(): Generation[] {
    return [this.#now, ...this.#before];
  }

  /** What those before still hold counts, and the newest has one instance at least. */
  #room(pool: Pool): number {
    return Math.max(1, this.#options.instancesMax - (this.live - pool.live));
  }

  async #swap(load: Load): Promise<Swapped> {
    const phases = new Phases(applicationPlace);
    const { candidate, handling } = await phases.during(() => this.#arrival(load, phases));
    const { sole } = this.#now;
    return sole && hasState(candidate.plan.world)
      ? this.#handOver(sole, candidate, handling, phases)
      : phases.during(() => this.#replace(candidate, handling, phases));
  }

  async #arrival(
    load: Load,
    phases: Phases,
  ): Promise<{ readonly candidate: Candidate; readonly handling: Handling }> {
    const candidate = await load(phases, ({ identifier }, world) => this.#requireFit(identifier, world));
    const { component, world } = candidate.plan;
    this.#requireFit(component.identifier, world);
    requireMayStart({ place: applicationPlace, waits: true }, candidate);
    return { candidate, handling: (await handlingOf(world))! };
  }

  /** What has state after what has state: it comes into the same place, and the requests there find it. */
  async #handOver(sole: Sole, candidate: Candidate, handling: Handling, phases: Phases): Promise<Swapped> {
    const swapped = await sole.swap(candidate, handling, phases);
    this.#now = { ...this.#now, number: this.#now.number + 1, plan: candidate.plan };
    return { ...swapped, generation: this.#now.number };
  }

  async #replace(candidate: Candidate, handling: Handling, phases: Phases): Promise<Swapped> {
    this.#requireRoom();
    phases.enter("instantiate");
    const made = await begun(
      candidate,
      handling,
      this.#options,
      (pool) => this.#room(pool),
      async (instance) => {
        phases.enter("health");
        await checkHealth(instance);
      },
    );
    phases.enter("exchange");
    if (this.#closed) {
      (made.sole ?? made.pool).close();
      throw fault("LK0422", "The server was stopped");
    }
    return this.#exchange({ number: this.#now.number + 1, plan: candidate.plan, ...made }, phases);
  }

  #exchange(next: Generation, phases: Phases): Swapped {
    const old = this.#now;
    this.#before.add(old);
    this.#now = next;
    (old.sole ?? old.pool).retire(() => this.#before.delete(old));
    return {
      place: applicationPlace,
      from: old.plan.component.digest,
      to: next.plan.component.digest,
      generation: next.number,
      state: "none",
      parts: phases.end(),
    };
  }

  /** It has to serve in one way or the other; in the way of what serves now it has to fit that. Fault LK0402. */
  #requireFit(identifier: string, world: World): void {
    const exported = handlerOf(world);
    if (exported === undefined)
      throw fault(
        "LK0402",
        `${identifier} does not fit ${applicationPlace}: it exports neither wasi:http/handler nor wasi:http/incoming-handler`,
        { hint: `loop inspect ${shellWord(identifier)} --wit` },
      );
    if (hasState(world) && !this.#options.reuse)
      throw fault(
        "LK0402",
        `${identifier} does not fit ${applicationPlace}: it exports loop:core/handover, so one instance of it is for all requests, and here each has one of its own`,
        { hint: `loop serve ${shellWord(identifier)}` },
      );
    const { exports } = this.#now.plan.world;
    const same = exports.get(handlerOf(this.#now.plan.world)!)!;
    if (matchInterface(exported, exports.keys()) === undefined) return;
    const contract: World = { name: undefined, imports: new Map(), exports: new Map([[exported, same]]) };
    requireFit({ place: applicationPlace, contract }, { identifier }, world);
  }

  /** Requests that never end could else keep as many components as somebody swaps in. Fault LK0422. */
  #requireRoom(): void {
    if (this.#before.size < limits.serveGenerationsMax) return;
    throw fault(
      "LK0422",
      `${this.#before.size} components that served before have not answered all that they began, and that is the limit`,
    );
  }
}

/** The first instance, and the way to the others where there are any; whatever fails leaves nothing behind. */
const begun = async (
  { plan, start }: Pick<Candidate, "plan" | "start">,
  handling: Handling,
  { reuse, report }: GenerationsOptions,
  room: (pool: Pool) => number,
  look?: (instance: Instance) => Promise<void>,
): Promise<Instances> => {
  const sole = hasState(plan.world) ? await Sole.begin(plan, { handling, start }, report) : undefined;
  const pool: Pool =
    sole?.pool ??
    new Pool({
      make: async () => seatOf(await start(undefined), handling),
      reuse,
      instancesMax: () => room(pool),
    });
  try {
    await pool.begin(look);
    return { pool, sole };
  } catch (error) {
    (sole ?? pool).close();
    throw error;
  }
};
