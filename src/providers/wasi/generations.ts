import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { shellWord } from "../../base/word.ts";
import type { World } from "../../contract/model.ts";
import { matchInterface } from "../../contract/semver.ts";
import { requireFit, requireMayStart } from "../../host/fit.ts";
import { checkHealth } from "../../host/handover.ts";
import type { Instance } from "../../host/instance.ts";
import type { Candidate, Load, PlaceState, Swapped } from "../../host/live.ts";
import { Phases } from "../../host/phases.ts";
import { applicationPlace } from "../../host/places.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import { type Handling, incomingHandling } from "./serving.ts";

/** What makes a component a server: WASI 0.3's interface, and 0.2's. */
const handlers = ["wasi:http/handler@0.3.0", "wasi:http/incoming-handler@0.2.0"] as const;

/** A component and its instances. */
export interface Generation {
  readonly number: number;
  readonly plan: LinkedPlan;
  readonly handling: Handling;
  readonly pool: Pool;
}

export interface GenerationsOptions extends Pick<PoolOptions, "reuse"> {
  /** Of all generations together, where those before leave the newest one at all. */
  readonly instancesMax: number;
}

/**
 * The components that serve at one address, one after the other: one whose instances get what is asked now, and those
 * before it, whose instances end what they have begun. State is not handed over: of several instances each has its own,
 * and each may go at any time.
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
    make: () => Promise<Instance>,
    options: GenerationsOptions,
  ): Promise<Generations> {
    const handling = await handlingOf(plan.world);
    if (!handling)
      throw fault(
        "LK0305",
        `${plan.component.identifier} does not export wasi:http/handler or wasi:http/incoming-handler; it exports: ${[...plan.world.exports.keys()].join(", ") || "nothing"}`,
        { hint: `loop run ${plan.component.identifier}` },
      );
    let room = () => options.instancesMax;
    const pool = new Pool({ make, reuse: options.reuse, instancesMax: () => room() });
    const generations = new Generations(options, { number: 1, plan, handling, pool });
    room = () => generations.#room(pool);
    await beginning(pool);
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
    for (const { pool } of this.#all) pool.close();
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
    let pool: Pool | undefined;
    try {
      const candidate = await load(phases, ({ identifier }, world) => this.#requireFit(identifier, world));
      const { plan } = candidate;
      this.#requireFit(plan.component.identifier, plan.world);
      requireMayStart({ place: applicationPlace, waits: true }, candidate);
      this.#requireRoom();
      phases.enter("instantiate");
      const handling = (await handlingOf(plan.world))!;
      pool = this.#poolOf(candidate);
      await beginning(pool, async (instance) => {
        phases.enter("health");
        await checkHealth(instance);
      });
      phases.enter("exchange");
      if (this.#closed) throw fault("LK0422", "The server was stopped");
      return this.#exchange({ number: this.#now.number + 1, plan, handling, pool }, phases);
    } catch (error) {
      pool?.close();
      throw phases.explain(error);
    }
  }

  #poolOf({ start }: Candidate): Pool {
    const pool: Pool = new Pool({
      make: () => start(undefined),
      reuse: this.#options.reuse,
      instancesMax: () => this.#room(pool),
    });
    return pool;
  }

  #exchange(next: Generation, phases: Phases): Swapped {
    const old = this.#now;
    this.#before.add(old);
    this.#now = next;
    old.pool.retire(() => this.#before.delete(old));
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

/** How a component handles requests, by the newer of what it exports. */
const handlerOf = ({ exports }: World): string | undefined =>
  handlers.map((name) => matchInterface(name, exports.keys())).find((name) => name !== undefined);

/** Undefined where it handles nothing. */
const handlingOf = async (world: World): Promise<Handling | undefined> => {
  const exported = handlerOf(world);
  if (exported === undefined) return undefined;
  if (matchInterface(handlers[0], [exported]) === undefined) return incomingHandling(exported);
  return (await import("./p3/handler.ts")).handling(exported);
};

const beginning = async (pool: Pool, look?: (instance: Instance) => Promise<void>): Promise<void> => {
  try {
    await pool.begin(look);
  } catch (error) {
    pool.close();
    throw error;
  }
};
