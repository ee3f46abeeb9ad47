import { fault } from "../base/fault.ts";

/** How long interrupted work may take to clean up before it is left where it is, unless it says otherwise. */
const graceMsDefault = 1000;

/**
 * Runs work that a person may interrupt (SIGINT, SIGTERM): its signal is aborted with the fault LK0005, which is
 * the answer. Only such work listens: a guest that computes keeps the system's own way of being interrupted, which
 * needs no turn of our event loop. A second interrupt ends the program at once.
 */
export const interruptible = async <T>(
  work: (signal: AbortSignal) => Promise<T>,
  graceMs = graceMsDefault,
): Promise<T> => {
  const controller = new AbortController();
  let interrupted = (_: unknown) => {};
  const interruption = new Promise<never>((_, reject) => {
    interrupted = reject;
  });
  const stop = () => {
    unlisten();
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
    return await Promise.race([work(controller.signal), interruption]);
  } finally {
    unlisten();
  }
};
