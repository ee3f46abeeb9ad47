// Guest code. What the other guest files share: whether an export has been called yet, and what waits for that.

export const phase = {
  /** False while the module is loaded at build time, when no import can be called. */
  running: false,
  /** Writes an uncaught exception to the host; the bindings put it here. */
  report: () => {},
  /** Stops the guest where a thrown error does not. */
  trap: () => {},
};

const waiting = [];

/** Runs `work` now, or when the first export is called: a line printed while the module was loaded, say. */
export const whenRunning = (work) => {
  if (phase.running) work();
  else waiting.push(work);
};

export const flush = () => {
  while (waiting.length > 0) waiting.shift()();
};
