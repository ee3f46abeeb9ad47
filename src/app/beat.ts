import { Worker } from "node:worker_threads";
import { limits } from "../base/limits.ts";
import { compiled } from "../base/resources.ts";
import { cells } from "./sentry.ts";
import { hearOnce } from "./signals.ts";

/** What the main thread lets be seen of itself. */
export interface Beat {
  /** It was asked to end, and has so long from then on. */
  heard(graceMs: number): void;
  end(): void;
}

/**
 * Lets another thread see that this one still has its turns; called when somebody listens for SIGINT and SIGTERM. Where
 * one comes and no turn does, the process is ended by it after a while, and a second one ends it at once.
 */
export const beginBeat = (): Beat => {
  const seen = new Int32Array(new SharedArrayBuffer(cells.count * Int32Array.BYTES_PER_ELEMENT));
  hearOnce("SIGINT");
  hearOnce("SIGTERM");
  const sentry = new Worker(new URL(compiled ? "./sentry.js" : "./sentry.ts", import.meta.url), {
    workerData: seen,
  });
  sentry.unref();
  const beating = setInterval(() => Atomics.add(seen, cells.turns, 1), limits.serveBeatMs);
  beating.unref();
  return {
    heard: (graceMs) => void Atomics.store(seen, cells.graceMs, graceMs),
    end() {
      clearInterval(beating);
      void sentry.terminate();
    },
  };
};
