// A thread that ends the process where somebody asked for its end (SIGINT, SIGTERM) and the main thread never comes back
// to hear it, since a guest computes there without end. Owns the moment of that; refuses to end what was not asked to
// end, or what still comes back in time; started by `beat`.
import { workerData } from "node:worker_threads";
import { limits } from "../base/limits.ts";
import { isDeadly, numberOf } from "./signals.ts";

/** Where the main thread counts its turns, and says by which signal it was asked and how long it has from then on. */
export const cells = { turns: 0, heard: 1, graceMs: 2, count: 3 } as const;

/** Those that ask for the end. */
export const endings = ["SIGINT", "SIGTERM"] as const;

/** When the process is to be ended, by what is seen of it now and then. */
export class Watch {
  #turns = -1;
  #turnMs = 0;
  #askedMs: number | undefined;

  /** Whether it is to be ended now. Once somebody `asked`, somebody has. */
  look(nowMs: number, turns: number, asked: boolean, graceMs: number): boolean {
    if (turns !== this.#turns) this.#turnMs = nowMs;
    this.#turns = turns;
    if (!asked) return false;
    this.#askedMs ??= nowMs;
    const { serveHeldMsMax } = limits;
    return (
      nowMs >= Math.max(this.#turnMs + serveHeldMsMax, this.#askedMs + Math.max(graceMs, serveHeldMsMax))
    );
  }
}

const stand = (seen: Int32Array): void => {
  const watch = new Watch();
  setInterval(() => {
    const heard = Atomics.load(seen, cells.heard);
    const asked = heard || numberOf(endings.find(isDeadly));
    const [turns, graceMs] = [Atomics.load(seen, cells.turns), Atomics.load(seen, cells.graceMs)];
    if (watch.look(performance.now(), turns, asked !== 0, graceMs)) process.kill(process.pid, asked);
  }, limits.serveBeatMs);
};

if (workerData instanceof Int32Array) stand(workerData);
