import { type Event, Listeners } from "./poll.ts";

/** What some work will end with; a guest can wait for it. */
export class Later<T> {
  readonly #listeners = new Listeners();
  #settled: { readonly value: T } | { readonly error: unknown } | undefined;
  readonly event: Event = {
    ready: () => this.#settled !== undefined,
    listen: (wake) => this.#listeners.add(wake),
  };

  constructor(work?: Promise<T>) {
    work?.then(
      (value) => this.settle(value),
      (error) => this.fail(error),
    );
  }

  get ready(): boolean {
    return this.#settled !== undefined;
  }

  settle(value: T): void {
    this.#settled ??= { value };
    this.#listeners.wakeAll();
  }

  fail(error: unknown): void {
    this.#settled ??= { error };
    this.#listeners.wakeAll();
  }

  /** The value, or throws what the work threw; only once it is ready. */
  get(): T {
    if (!this.#settled) throw new Error("Asked for an outcome before there was one");
    if ("error" in this.#settled) throw this.#settled.error;
    return this.#settled.value;
  }
}
