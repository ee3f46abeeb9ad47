import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Event } from "../../host/provider.ts";

// Cancellation as a tree: what cancels a signal cancels all below it. Knows no WIT.

export type Reason = "cancelled" | "deadline";

const nsPerMs = 1e6;

/** The signals of one instance that still hold a listener or a timer; bounded, as the guest makes them. */
type Live = Set<Signal>;

export class Signal implements Event {
  readonly #live: Live;
  readonly #listeners = new Set<() => void>();
  readonly #deadlineMs: number | undefined;
  #reason: Reason | undefined;
  #release: (() => void) | undefined;

  /** `deadlineMs` is on the clock of `performance.now()`. */
  constructor(live: Live, deadlineMs: number | undefined, release: () => void) {
    this.#live = live;
    this.#deadlineMs = deadlineMs;
    this.#release = release;
    live.add(this);
  }

  /** Why it is cancelled, or undefined. A deadline counts from its moment, however late the timer fires. */
  reason(): Reason | undefined {
    if (this.#reason === undefined && this.#deadlineMs !== undefined && performance.now() >= this.#deadlineMs)
      this.cancel("deadline");
    return this.#reason;
  }

  remainingNs(): bigint | undefined {
    if (this.#deadlineMs === undefined) return undefined;
    return BigInt(Math.max(0, Math.round((this.#deadlineMs - performance.now()) * nsPerMs)));
  }

  ready(): boolean {
    return this.reason() !== undefined;
  }

  listen(wake: () => void): () => void {
    // Two who wait with one function are still two.
    const own = () => wake();
    if (this.ready()) queueMicrotask(() => this.#listeners.delete(own) && wake());
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  cancel(reason: Reason): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.release();
    const wakes = [...this.#listeners];
    this.#listeners.clear();
    for (const wake of wakes) wake();
  }

  /** Ends its timer and its hold on its parent; it is cancelled by `cancel` alone from now on. */
  release(): void {
    this.#live.delete(this);
    this.#release?.();
    this.#release = undefined;
  }

  /** Releases every signal of the instance. */
  releaseAll(): void {
    for (const signal of [...this.#live]) signal.release();
  }

  /** A signal below this one, cancelled besides when `timeoutNs` have passed. Fault: LK0204 for too many. */
  child(timeoutNs: bigint | undefined): Signal {
    if (this.#live.size >= limits.cancellationSourcesMax)
      throw fault(
        "LK0204",
        `The component holds ${this.#live.size} cancellation sources; the limit is ${limits.cancellationSourcesMax}`,
      );
    const own = timeoutNs === undefined ? Infinity : performance.now() + Number(timeoutNs) / nsPerMs;
    const deadlineMs = Math.min(own, this.#deadlineMs ?? Infinity);
    const stops: (() => void)[] = [];
    const child = new Signal(this.#live, deadlineMs === Infinity ? undefined : deadlineMs, () => {
      for (const stop of stops.splice(0)) stop();
    });
    const already = this.reason();
    if (already !== undefined) child.cancel(already);
    else {
      stops.push(this.listen(() => child.cancel(this.#reason ?? "cancelled")));
      if (own < (this.#deadlineMs ?? Infinity)) stops.push(at(own, () => child.cancel("deadline")));
    }
    return child;
  }
}

/** The signal of an instance, from what its host said. It must be released. */
export const rootSignal = (stop: AbortSignal | undefined, deadlineMs: number | undefined): Signal => {
  const stops: (() => void)[] = [];
  const root = new Signal(new Set(), deadlineMs, () => {
    for (const one of stops.splice(0)) one();
  });
  const onAbort = () => root.cancel(stop?.reason === "deadline" ? "deadline" : "cancelled");
  if (stop?.aborted) onAbort();
  else if (stop) {
    stop.addEventListener("abort", onAbort);
    stops.push(() => stop.removeEventListener("abort", onAbort));
  }
  if (deadlineMs !== undefined && !stop?.aborted) stops.push(at(deadlineMs, () => root.cancel("deadline")));
  return root;
};

/** The longest that one timer of the platform can wait (2^31 - 1 ms). */
const timerMsMax = 2 ** 31 - 1;

/** Calls `work` at a moment on the clock of `performance.now()`; the answer takes it back. */
const at = (momentMs: number, work: () => void): (() => void) => {
  let timer: ReturnType<typeof setTimeout>;
  const arm = () => {
    const left = momentMs - performance.now();
    timer = setTimeout(() => (left > timerMsMax ? arm() : work()), Math.min(Math.max(0, left), timerMsMax));
  };
  arm();
  return () => clearTimeout(timer);
};
