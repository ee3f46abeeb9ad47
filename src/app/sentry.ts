// A thread that ends the process where somebody asked for its end (SIGINT, SIGTERM) and the main thread never comes back
// to hear it, since a guest computes there without end. Owns the moment of that; refuses to end what was not asked to
// end, or what still comes back in time; started by `beat`.
import { workerData } from "node:worker_threads";
import { limits } from "../base/limits.ts";
import { type Ending, isDeadly } from "./signals.ts";

/** Where the main thread counts its turns, and says how long it has from the signal on to end by itself. */
export const cells = { turns: 0, graceMs: 1, count: 2 } as const;

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
    return nowMs >= Math.max(this.#turnMs + serveHeldMsMax, this.#askedMs + Math.max(graceMs, serveHeldMsMax));
  }
}

const stand = (seen: Int32Array): void => {
  const watch = new Watch();
  let asked: Ending | undefined;
  setInterval(() => {
    asked ??= (["SIGINT", "SIGTERM"] as const).find(isDeadly);
    const [turns, graceMs] = [Atomics.load(seen, cells.turns), Atomics.load(seen, cells.graceMs)];
    if (watch.look(performance.now(), turns, asked !== undefined, graceMs)) process.kill(process.pid, asked);
  }, limits.serveBeatMs);
};

if (workerData instanceof Int32Array) stand(workerData);
