import { Worker } from "node:worker_threads";
import { limits } from "../base/limits.ts";
import { compiled } from "../base/resources.ts";
import { cells, endings } from "./sentry.ts";
import { type Ending, hearOnce, numberOf } from "./signals.ts";

/** What the main thread lets be seen of itself. */
export interface Beat {
  /** It was asked to end, and has so long from then on. */
  heard(signal: Ending, graceMs: number): void;
  end(): void;
}

/**
 * Lets another thread see that this one still has its turns; called when somebody listens for SIGINT and SIGTERM. Where
 * one comes and no turn does, the process is ended by it after a while, and a second one ends it at once.
 */
export const beginBeat = (): Beat => {
  const seen = new Int32Array(new SharedArrayBuffer(cells.count * Int32Array.BYTES_PER_ELEMENT));
  for (const signal of endings) hearOnce(signal);
  const sentry = new Worker(new URL(compiled ? "./sentry.js" : "./sentry.ts", import.meta.url), {
    workerData: seen,
  });
  // Where the machine gives no thread it is served as well; a second signal ends it then.
  sentry.on("error", () => {});
  sentry.unref();
  const beating = setInterval(() => Atomics.add(seen, cells.turns, 1), limits.serveBeatMs);
  beating.unref();
  return {
    heard(signal, graceMs) {
      Atomics.store(seen, cells.graceMs, graceMs);
      Atomics.store(seen, cells.heard, numberOf(signal));
    },
    end() {
      clearInterval(beating);
      void sentry.terminate();
    },
  };
};
