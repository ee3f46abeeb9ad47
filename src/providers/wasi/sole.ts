import { limits } from "../../base/limits.ts";
import type { World } from "../../contract/model.ts";
import type { Instance } from "../../host/instance.ts";
import { type Candidate, Live, type Swapped } from "../../host/live.ts";
import type { Phases } from "../../host/phases.ts";
import { applicationPlace } from "../../host/places.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { Respond } from "./p2/http.ts";
import type { Received } from "./p2/requests.ts";
import { Pool } from "./pool.ts";
import type { Handling, Seat } from "./seat.ts";

/** What is known of a component that sits here: how it is called, and how it is made again. */
interface Sitting {
  readonly handling: Handling;
  readonly start: Candidate["start"];
}

/** Whether what comes fits is for the generations to say: it may handle requests in another way. */
const anything: World = { name: undefined, imports: new Map(), exports: new Map() };

/** What is answered for an instance that ended before its request came to it. */
const gone = Symbol("gone");

/**
 * The one instance of a component that has state to hand over: every request is its, one after the other, in a pool with
 * a single seat. What sits there changes as in every place, between two requests, which wait for it; and where it has
 * done enough it gives way to another of its kind, with its state.
 */
export class Sole implements Seat {
  readonly pool: Pool;
  readonly #live: Live;
  readonly #known = new WeakMap<LinkedPlan, Sitting>();
  readonly #report: (error: unknown) => void;
  /** Where giving way has failed it goes on, and is asked again after a while. */
  #renewAtMs = 0;

  private constructor(
    plan: LinkedPlan,
    sitting: Sitting,
    instance: Instance,
    report: (error: unknown) => void,
  ) {
    this.#known.set(plan, sitting);
    this.#live = new Live({ place: applicationPlace, contract: anything, waits: true }, plan, instance);
    this.#report = report;
    this.pool = new Pool({ make: () => this.#ready(), reuse: true, instancesMax: () => 1 });
  }

  /** `report` is told where one that has done enough cannot give way. Faults: those of instantiating it. */
  static async begin(plan: LinkedPlan, sitting: Sitting, report: (error: unknown) => void): Promise<Sole> {
    return new Sole(plan, sitting, await sitting.start(undefined), report);
  }

  /** Lets another sit here, with the state of what does now. Faults as `Live.swap`. */
  swap(candidate: Candidate, handling: Handling, phases: Phases): Promise<Swapped> {
    this.#known.set(candidate.plan, { handling, start: candidate.start });
    return this.#live.swap(async () => candidate, phases);
  }

  /** Nobody asks any more; `gone` is told when all that have asked are answered. */
  retire(gone: () => void): void {
    this.pool.retire(() => {
      this.#live.drop();
      gone();
    });
  }

  close(): void {
    this.pool.close();
    this.#live.drop();
  }

  get instance(): Instance {
    return this.#live.instance;
  }

  get worn(): boolean {
    return this.instance.worn && performance.now() >= this.#renewAtMs;
  }

  /** Who sits here next is there when somebody next asks for the seat. */
  drop(): void {}

  readonly handle = (received: Received, respond: Respond): unknown => {
    const again = () => this.#renew().then(() => this.handle(received, respond));
    const answer = this.#live.run((instance) =>
      instance.usable ? this.#known.get(this.#live.plan)!.handling(instance, received, respond) : gone,
    );
    if (answer instanceof Promise) return answer.then((one) => (one === gone ? again() : one));
    return answer === gone ? again() : answer;
  };

  /** Ready for requests: with another instance where that has ended, or has done enough and can give way. */
  async #ready(): Promise<Seat> {
    if (!this.instance.usable) await this.#renew();
    else if (this.worn)
      await this.#renew().catch((error) => {
        this.#renewAtMs = performance.now() + limits.serveRenewEveryMs;
        this.#report(error);
      });
    return this;
  }

  /** Another of its kind, which has its state unless that went with a trap. */
  async #renew(): Promise<void> {
    await this.#live.swap(async () => {
      const { plan, instance } = this.#live;
      const { start } = this.#known.get(plan)!;
      return { plan, start: (before) => start(instance.usable ? before : undefined) };
    });
  }
}
