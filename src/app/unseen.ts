/**
 * Does work while the terminal at standard input shows nothing of what is typed and hands over each key. However the
 * work ends, or whoever ends the process, the terminal is put back: a shell would otherwise stay blind.
 */
export const unseen = async <T>(work: () => Promise<T>): Promise<T> => {
  const { stdin } = process;
  const restore = () => void stdin.setRawMode(false);
  const stop = (signal: NodeJS.Signals) => {
    restore();
    unlisten();
    process.kill(process.pid, signal);
  };
  const unlisten = () => {
    for (const signal of signals) process.off(signal, stop);
  };
  for (const signal of signals) process.on(signal, stop);
  stdin.setRawMode(true);
  try {
    return await work();
  } finally {
    restore();
    unlisten();
  }
};

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
