import { fault } from "../base/fault.ts";
import type { Beat } from "./beat.ts";
import type { Ending } from "./signals.ts";

/** How long interrupted work may take to clean up before it is left where it is, unless it says otherwise. */
const graceMsDefault = 1000;

export interface Interruption {
  readonly graceMs?: number;
  /** A guest may keep the thread without end meanwhile: the process ends all the same, by the signal. */
  readonly held?: boolean;
}

/**
 * Runs work that a person may interrupt (SIGINT, SIGTERM): its signal is aborted with the fault LK0005, which is
 * the answer. Only such work listens: a guest that computes keeps the system's own way of being interrupted, which
 * needs no turn of our event loop. A second interrupt ends the program at once.
 */
export const interruptible = async <T>(
  work: (signal: AbortSignal) => Promise<T>,
  { graceMs = graceMsDefault, held = false }: Interruption = {},
): Promise<T> => {
  const controller = new AbortController();
  let interrupted = (_: unknown) => {};
  const interruption = new Promise<never>((_, reject) => {
    interrupted = reject;
  });
  let beat: Beat | undefined;
  let heard: Ending | undefined;
  const stop = (signal: Ending) => {
    unlisten();
    heard = signal;
    beat?.heard(signal, graceMs);
    const reason = fault("LK0005", "Interrupted before it was done; nothing was written");
    controller.abort(reason);
    setTimeout(() => interrupted(reason), graceMs);
  };
  const unlisten = () => {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    const watched = held && process.platform !== "win32" ? await import("./beat.ts") : undefined;
    const working = work(controller.signal);
    // By the first turn of anything that the work has begun, and not a moment before that it would wait for.
    beat = watched?.beginBeat();
    if (heard) beat?.heard(heard, graceMs);
    return await Promise.race([working, interruption]);
  } finally {
    unlisten();
    beat?.end();
  }
};
