// Places in which an instance stands while others may take its place. Owns the order of a swap, the counting of
// calls, and what waits meanwhile; refuses to fetch or to choose (what comes is handed in as a candidate); called by
// whoever holds fillings and applications.

import type { Digest } from "../base/digest.ts";
import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import type { World } from "../contract/model.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { requireFit, requireMayStart } from "./fit.ts";
import { checkHealth, handOver, handsOver, type Migrate, type State, type Taken, take } from "./handover.ts";
import type { Instance } from "./instance.ts";
import { Phases, type SwapPart } from "./phases.ts";
import type { LinkedPlan } from "./plan.ts";
import type { InstanceContext } from "./provider.ts";

/** What is to stand in a place: linked, and not yet started. */
export interface Candidate {
  readonly plan: LinkedPlan;
  /** Makes its instance, beside the one that stands there; `before` is that one's context, for what is handed over. */
  start(before: InstanceContext | undefined): Promise<Instance>;
  /** Interfaces that it imports and was not granted, though what stands there now does without them. */
  readonly lacks?: readonly string[];
  /** Turns state that it refuses into state that it takes. */
  readonly migrate?: Migrate | undefined;
}

/**
 * Fetches, verifies and links what is to come, marking each phase. Before linking it has its world compared with what
 * callers use, which `requireFit` throws for.
 */
export type Load = (phases: Phases, requireFit: RequireFit) => Promise<Candidate>;
export type RequireFit = (component: Pick<VerifiedComponent, "identifier">, world: World) => void;

/** What stands in a place, for people. */
export interface PlaceState {
  readonly identifier: string;
  readonly digest: Digest;
  /** Counts what has stood in the place, from 1. */
  readonly generation: number;
  /** How often a program that stands there was started anew. */
  readonly restarts?: number;
}

/** What a swap did. */
export interface Swapped {
  readonly place: string;
  readonly from: Digest;
  readonly to: Digest;
  readonly generation: number;
  readonly state: State;
  readonly parts: readonly SwapPart[];
}

/** What is to stand in a place: made, and beside what stands there until it is exchanged or abandoned. */
export interface Coming {
  /** State crosses, where there is any, from when on calls wait; then it is asked for its health. */
  ready(): Promise<void>;
  /** It stands there from now on; only after `ready`. Fault LK0422 where nobody uses the place any more. */
  exchange(): Swapped;
  /** It never will: what stands there goes on as it was. */
  abandon(): void;
}

/** What stands in a place, and its calls. */
interface Generation {
  readonly number: number;
  readonly plan: LinkedPlan;
  readonly instance: Instance;
  calls: number;
  retired: boolean;
  /** Called when the last call has returned. */
  idle: (() => void) | undefined;
}

/** What a place promises to its callers, whoever stands in it. */
export interface PlaceOptions {
  /** For reports: the slot's name, or the application's identifier. */
  readonly place: string;
  /** What callers use of it: the world that every candidate has to fit. */
  readonly contract: World;
  /** Whether callers can wait. Where they cannot, neither can a candidate. */
  readonly waits: boolean;
}

/** A place. Callers hold it, and notice nothing of a swap but the time that the handing over of state takes. */
export class Live {
  readonly #options: PlaceOptions;
  #now: Generation;
  #swaps: Promise<unknown> = Promise.resolve();
  /** Resolves when calls may enter again; undefined while they may. */
  #gate: Promise<void> | undefined;
  #waiting = 0;
  /** Told of each exchange, by those who wait for a call of what stood there. */
  readonly #replaced = new Set<() => void>();
  #dropped = false;

  constructor(options: PlaceOptions, plan: LinkedPlan, instance: Instance) {
    this.#options = options;
    this.#now = generationOf(1, plan, instance);
  }

  get plan(): LinkedPlan {
    return this.#now.plan;
  }

  /** What stands there now. It may be replaced at any time; calls go through `run`. */
  get instance(): Instance {
    return this.#now.instance;
  }

  get generation(): number {
    return this.#now.number;
  }

  get state(): PlaceState {
    const { identifier, digest } = this.#now.plan.component;
    const restarts = this.#now.instance.restarts?.();
    return { identifier, digest, generation: this.#now.number, ...(restarts !== undefined && { restarts }) };
  }

  /** Whether calls wait, because state is being handed over. */
  get changing(): boolean {
    return this.#gate !== undefined;
  }

  /** Calls an export of whatever stands there; as `Instance.callNow`. */
  callNow(interfaceName: string | undefined, func: string, args: readonly unknown[]): unknown {
    return this.run((instance) => instance.callNow(interfaceName, func, args));
  }

  /**
   * As `callNow`; answers undefined as soon as what is called has been replaced, whatever becomes of that call, which
   * goes on to its end.
   */
  callWhileThere(interfaceName: string | undefined, func: string, args: readonly unknown[]): unknown {
    const waits = this.changing;
    const { number } = this.#now;
    const answer = this.callNow(interfaceName, func, args);
    // What waits for state to be handed over is called on what comes.
    if (waits || !(answer instanceof Promise)) return answer;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const replaced = () => resolve(undefined);
    this.#replaced.add(replaced);
    answer
      .then(resolve, (error: unknown) => (this.#now.number === number ? reject(error) : replaced()))
      .finally(() => this.#replaced.delete(replaced));
    return promise;
  }

  /** One call's work on what stands there when it begins, which stays until the work is done. */
  run<T>(work: (instance: Instance) => T | Promise<T>): T | Promise<T> {
    return this.#gate ? this.#afterwards(work) : this.#enter(work);
  }

  /**
   * Work on what an instance made, while that stands here. Afterwards `stale` answers, or throws: nothing of one
   * generation is ever taken for another's.
   */
  runOf<T>(made: Instance, work: () => T | Promise<T>, stale: () => T): T | Promise<T> {
    return this.run((instance) => (instance === made ? work() : stale()));
  }

  #enter<T>(work: (instance: Instance) => T | Promise<T>): T | Promise<T> {
    const generation = this.#now;
    generation.calls++;
    let answer: T | Promise<T>;
    try {
      answer = work(generation.instance);
    } catch (error) {
      leave(generation);
      throw error;
    }
    if (answer instanceof Promise) return answer.finally(() => leave(generation));
    leave(generation);
    return answer;
  }

  async #afterwards<T>(work: (instance: Instance) => T | Promise<T>): Promise<T> {
    if (this.#waiting >= limits.swapWaitingMax)
      throw fault(
        "LK0421",
        `${this.#waiting} calls into ${this.#options.place} wait for a swap, and that is the limit`,
      );
    this.#waiting++;
    try {
      while (this.#gate) await this.#gate;
    } finally {
      this.#waiting--;
    }
    return this.#enter(work);
  }

  /**
   * Puts another in the place: one swap after the other. Whatever fails before the last step leaves the old one
   * serving, and is a fault that names its phase (LK0422, or the failure's own code). `begun` are the phases of whoever has
   * loaded it already.
   */
  swap(load: Load, begun?: Phases): Promise<Swapped> {
    const swapping = this.#swaps.then(() => this.#swap(load, begun ?? new Phases(this.#options.place)));
    this.#swaps = swapping.catch(() => {});
    return swapping;
  }

  async #swap(load: Load, phases: Phases): Promise<Swapped> {
    const coming = await this.prepare(load, phases);
    try {
      await coming.ready();
      return coming.exchange();
    } catch (error) {
      coming.abandon();
      throw error;
    }
  }

  /** The first half of a swap, for who has several that come together or not at all. One at a time. */
  async prepare(load: Load, phases = new Phases(this.#options.place)): Promise<Coming> {
    let made: Instance | undefined;
    try {
      const candidate = await load(phases, (component, world) => requireFit(this.#options, component, world));
      // However it came here: nothing enters a place that does not fit it.
      requireFit(this.#options, candidate.plan.component, candidate.plan.world);
      requireMayStart(this.#options, candidate);
      phases.enter("instantiate");
      made = await candidate.start(this.#now.instance.context);
      return this.#coming(candidate, made, phases);
    } catch (error) {
      made?.drop();
      throw phases.explain(error);
    }
  }

  #coming(candidate: Candidate, made: Instance, phases: Phases): Coming {
    const old = this.#now;
    let state: State = "none";
    let open: (() => void) | undefined;
    let taken: Taken | undefined;
    const ready = async () => {
      if (handsOver(old.instance, made)) {
        open = this.#close();
        phases.enter("save");
        await this.#quiet(old);
        taken = await take(old.instance);
        phases.enter("restore");
        state = await handOver(old.instance, taken.saved, made, candidate.migrate);
      }
      phases.enter("health");
      await checkHealth(made);
      phases.enter("exchange");
    };
    return {
      ready: () => ready().catch(phases.fail),
      exchange: () => {
        if (this.#dropped)
          throw phases.explain(fault("LK0422", `${this.#options.place} is not used any more`));
        this.#now = generationOf(old.number + 1, candidate.plan, made);
        for (const tell of this.#replaced) tell();
        retire(old);
        old.instance.forgetBefore();
        open?.();
        return {
          place: this.#options.place,
          from: old.plan.component.digest,
          to: candidate.plan.component.digest,
          generation: this.#now.number,
          state,
          parts: phases.end(),
        };
      },
      abandon: () => {
        taken?.undo();
        open?.();
        made.drop();
      },
    };
  }

  /** Lets no call enter until the answer is called. */
  #close(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return () => {
      this.#gate = undefined;
      resolve();
    };
  }

  /** Waits until the last call has left. State cannot be taken out of an instance in the middle of a call. */
  #quiet(generation: Generation): Promise<void> {
    if (generation.calls === 0) return Promise.resolve();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const late = () =>
      reject(
        fault(
          "LK0422",
          `${generation.calls} calls into what stands in ${this.#options.place} did not return in ${limits.swapQuietMsMax} ms`,
        ),
      );
    const timer = setTimeout(late, limits.swapQuietMsMax);
    generation.idle = resolve;
    return promise.finally(() => {
      clearTimeout(timer);
      generation.idle = undefined;
    });
  }

  /** Nobody uses it any more: what stands there goes when its calls have returned, and nothing takes its place. */
  drop(): void {
    this.#dropped = true;
    retire(this.#now);
  }
}

const generationOf = (number: number, plan: LinkedPlan, instance: Instance): Generation => ({
  number,
  plan,
  instance,
  calls: 0,
  retired: false,
  idle: undefined,
});

const leave = (generation: Generation): void => {
  generation.calls--;
  if (generation.calls > 0) return;
  if (generation.retired) letGo(generation);
  else generation.idle?.();
};

const retire = (generation: Generation): void => {
  generation.retired = true;
  if (generation.calls === 0) letGo(generation);
};

/**
 * Whatever letting go of one instance comes to is no failure of the swap that is done, nor of the call that was its last.
 */
const letGo = ({ instance }: Generation): void => {
  try {
    instance.drop();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
};
