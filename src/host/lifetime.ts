import { fault } from "../base/fault.ts";

/** The waits of one instance: when it is dropped they end with a fault, so that no caller waits for ever. */
export class Lifetime {
  readonly #ends = new Set<(reason: unknown) => void>();
  #ended = false;

  /** As `promise`, or fault LK0304 when the instance is dropped first. */
  until<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(fault("LK0304", "The component waited after it was dropped"));
      this.#ends.add(reject);
      promise.then(resolve, reject).finally(() => this.#ends.delete(reject));
    });
  }

  end(): void {
    this.#ended = true;
    const reason = fault("LK0304", "The component was dropped while it waited");
    for (const end of [...this.#ends]) end(reason);
  }
}
