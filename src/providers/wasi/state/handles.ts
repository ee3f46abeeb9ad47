// What one instance has of the world, without a word of WIT: handles, waits, streams, clocks, files. Owns the
// limits and the confinement; refuses by errno (refusal.ts), fault or trap; used by the adapters in p2/ alone.
import { fault } from "../../../base/fault.ts";

/**
 * Ends the guest as a WebAssembly trap does: it broke a precondition that WASI answers with a trap. The host
 * reports it as a trap of that guest.
 */
export const trap = (message: string): never => {
  throw new WebAssembly.RuntimeError(message);
};

/**
 * Counts what one instance holds of a kind ("handles"). The guest chooses how many it opens, and each costs
 * the host memory or a descriptor. Fault: LK0204 beyond the limit.
 */
export class Budget {
  #held = 0;
  readonly #what: string;
  readonly #max: number;

  constructor(what: string, max: number) {
    this.#what = what;
    this.#max = max;
  }

  get held(): number {
    return this.#held;
  }

  /** Whether `count` more fit; takes them where they do. */
  tryTake(count = 1): boolean {
    if (this.#held + count > this.#max) return false;
    this.#held += count;
    return true;
  }

  take(count = 1): void {
    if (!this.tryTake(count))
      throw fault("LK0204", `The component holds ${this.#held} ${this.#what}; the limit is ${this.#max}`);
  }

  give(count = 1): void {
    this.#held -= count;
  }
}

/** A resource that a guest holds by a handle: counted while it lives, let go once. */
export abstract class Handle {
  readonly #budget: Budget;
  #dropped = false;

  constructor(budget: Budget) {
    budget.take();
    this.#budget = budget;
  }

  /** The glue calls this when the guest drops the handle that it owns. */
  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#budget.give();
    this.release();
  }

  protected release(): void {}
}
