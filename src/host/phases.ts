import { Fault, fault } from "../base/fault.ts";

/** The steps of a swap, in their order. */
export type SwapPhase =
  | "fetch"
  | "verify"
  | "compare"
  | "link"
  | "instantiate"
  | "save"
  | "restore"
  | "health"
  | "exchange";

export interface SwapPart {
  readonly phase: SwapPhase;
  readonly ms: number;
}

/** Where a swap is, and how long each step took. */
export class Phases {
  readonly #place: string;
  readonly #parts: SwapPart[] = [];
  #phase: SwapPhase = "fetch";
  #startMs = performance.now();

  constructor(place: string) {
    this.#place = place;
  }

  enter(phase: SwapPhase): void {
    this.#finish();
    this.#phase = phase;
  }

  /** All parts that took place, with their times. */
  end(): readonly SwapPart[] {
    this.#finish();
    return this.#parts;
  }

  /** Does some of it; what goes wrong is explained. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.explain(error);
    }
  }

  /** What went wrong, with the phase in which it did. */
  explain(error: unknown): unknown {
    const message = `Swapping: ${this.#phase}; what stood in its place goes on`;
    if (error instanceof Fault) return error.within({ slot: this.#place, message });
    if (!(error instanceof Error)) return error;
    return fault("LK0422", `What was to stand in ${this.#place} failed: ${error.message}`, {
      cause: error,
      causes: [{ slot: this.#place, message }],
    });
  }

  /** Throws what `explain` says. */
  readonly fail = (error: unknown): never => {
    throw this.explain(error);
  };

  #finish(): void {
    const nowMs = performance.now();
    this.#parts.push({ phase: this.#phase, ms: nowMs - this.#startMs });
    this.#startMs = nowMs;
  }
}
