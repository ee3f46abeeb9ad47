import { fault } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import { trap } from "./handles.ts";

/** Something that a guest can wait for. */
export interface Event {
  /** Never waits; may start the work that will make it true. */
  ready(): boolean;
  /** Calls `wake` once `ready` may have become true, never before this returns; the answer stops listening. */
  listen(wake: () => void): () => void;
}

/** Of things that never wait, as files. */
export const always: Event = {
  ready: () => true,
  listen(wake) {
    let listening = true;
    queueMicrotask(() => listening && wake());
    return () => {
      listening = false;
    };
  },
};

/** Whom to tell when something happens. */
export class Listeners {
  readonly #wakes = new Set<() => void>();

  add(wake: () => void): () => void {
    // Two who wait with one function are still two.
    const own = () => wake();
    this.#wakes.add(own);
    return () => void this.#wakes.delete(own);
  }

  wakeAll(): void {
    const wakes = [...this.#wakes];
    this.#wakes.clear();
    for (const wake of wakes) wake();
  }
}

/** The waits of one instance. When the instance is dropped they end with a fault, so no caller waits for ever. */
export class Waits {
  readonly #ends = new Set<(reason: unknown) => void>();
  #ended = false;
  /** Waits that ended at once since the process last had a turn. */
  #prompt = 0;

  /** The indices of the events that are ready: at once where some are, otherwise when the first becomes so. */
  poll(events: readonly Event[]): number[] | Promise<number[]> {
    if (events.length === 0) return trap("The component polled an empty list");
    if (events.length > limits.pollablesMax)
      throw fault(
        "LK0204",
        `The component polled ${events.length} pollables at once; the limit is ${limits.pollablesMax}`,
      );
    const ready = readyOnes(events);
    if (ready.length > 0 && !this.#isTurn()) return ready;
    return this.#wait(events, ready.length > 0);
  }

  /** Waits for one event; undefined where it is ready. */
  until(event: Event): void | Promise<void> {
    const ready = event.ready();
    if (!ready || this.#isTurn()) return this.#wait([event], ready).then(() => {});
  }

  /**
   * Whether the process gets a turn although something is ready: a guest that polls in a loop with a timer of no time
   * would otherwise keep everything else, its own sockets included, from ever becoming so.
   */
  #isTurn(): boolean {
    this.#prompt += 1;
    return this.#prompt >= limits.promptWaitsMax;
  }

  endAll(): void {
    this.#ended = true;
    const reason = fault("LK0304", "The component was dropped while it waited");
    for (const end of [...this.#ends]) end(reason);
  }

  async #wait(events: readonly Event[], turn: boolean): Promise<number[]> {
    this.#prompt = 0;
    if (turn) await new Promise<void>((resolve) => setImmediate(resolve));
    for (;;) {
      const ready = readyOnes(events);
      if (ready.length > 0) return ready;
      await this.#wakeOf(events);
    }
  }

  #wakeOf(events: readonly Event[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(fault("LK0304", "The component waited after it was dropped"));
      const stops: (() => void)[] = [];
      const finish = () => {
        this.#ends.delete(end);
        for (const stop of stops) stop();
      };
      const end = (reason: unknown) => {
        finish();
        reject(reason);
      };
      this.#ends.add(end);
      for (const event of events)
        stops.push(
          event.listen(() => {
            finish();
            resolve();
          }),
        );
    });
  }
}

const readyOnes = (events: readonly Event[]): number[] => {
  const ready: number[] = [];
  for (let at = 0; at < events.length; at++) if (events[at]!.ready()) ready.push(at);
  return ready;
};

/** Continues at once after a value, or later after a promise: a guest is suspended only where it must wait. */
export const after = <A, B>(first: A | Promise<A>, next: (value: A) => B | Promise<B>): B | Promise<B> =>
  first instanceof Promise ? first.then(next) : next(first);
