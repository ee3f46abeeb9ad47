import { limits } from "../base/limits.ts";

// Whose turn it is on the one thread that there is. A guest that computes is asked for it now and then, and suspended
// until what waits has been done: signals, timers, files that changed, questions of other programs.

/** What a guest that computes is to do. */
export type Answer = "go on" | "turn" | "stop";

/** Below this many milliseconds a turn of the event loop had nothing to do. */
const idleMs = 0.3;

/** One for all guests that take turns with each other and with the same work of the host. */
export class Turns {
  readonly #isHurried: () => boolean;
  #askedMs = performance.now();
  /** Since when the event loop has not turned, though a guest was told to let it. */
  #heldSinceMs: number | undefined;
  /** Ends of work that guests wait for. */
  readonly #hurries = new Set<{ readonly endMs: number }>();

  /** While others are in a hurry guests compute in smaller pieces. */
  constructor(isHurried: () => boolean = () => false) {
    this.#isHurried = isHurried;
  }

  /** Called by a guest at a moment of its computing. */
  ask(nowMs: number): Answer {
    const hurried = this.#waitedFor(nowMs) || this.#isHurried();
    if (nowMs - this.#askedMs < (hurried ? limits.turnHurriedMs : limits.turnEveryMs)) return "go on";
    this.#askedMs = nowMs;
    if (this.#heldSinceMs === undefined) this.#expectTurn(nowMs);
    else if (nowMs - this.#heldSinceMs > limits.turnHeldMsMax) return "stop";
    return "turn";
  }

  /** Resolves when others have had their turn: where much is waiting, in several, so that it is done soon. */
  async take(): Promise<void> {
    const begunMs = performance.now();
    for (let beforeMs = begunMs; ; ) {
      await new Promise((resolve) => setImmediate(resolve));
      const nowMs = performance.now();
      const idle = nowMs - beforeMs < idleMs;
      if (this.#waitedFor(nowMs)) await (idle && Bun.sleep(1));
      else if (idle || nowMs - begunMs > limits.turnMsMax) break;
      beforeMs = nowMs;
    }
    this.#askedMs = performance.now();
  }

  /** Does work that guests which take a turn wait for, in its first moments: they would make it last. */
  async hurried<T>(work: () => Promise<T>): Promise<T> {
    const hurry = { endMs: performance.now() + limits.turnHurryMsMax };
    this.#hurries.add(hurry);
    try {
      return await work();
    } finally {
      this.#hurries.delete(hurry);
    }
  }

  #waitedFor(nowMs: number): boolean {
    for (const { endMs } of this.#hurries) if (nowMs < endMs) return true;
    return false;
  }

  #expectTurn(nowMs: number): void {
    this.#heldSinceMs = nowMs;
    setImmediate(() => {
      this.#heldSinceMs = undefined;
    });
  }
}
