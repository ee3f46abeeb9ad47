import { ClosedPipe, GuestExit, type OutputSink, type Stdio } from "../host/provider.ts";
import { processStdio } from "../providers/wasi/process.ts";

/** What a shell shows for a program that SIGPIPE ended. */
const closedPipeExit = 141;

/** The process's own streams, and what standard output lost, where something could not be written there. */
export interface OwnStdio extends Stdio {
  lost(): unknown;
}

/**
 * The process's own streams, with Unix's way of ending a program whose reader has gone: the first write to the
 * closed pipe unwinds the guest, whether or not it looks at what its writes answer, and nothing more is said. Any
 * other failure is the guest's to hear of, and is remembered: many a guest does not look.
 */
export const ownStdio = (): OwnStdio => {
  const { stdin, stdout, stderr } = processStdio();
  let lost: unknown;
  const losing = (error: unknown) => {
    lost ??= error;
  };
  return { stdin, stdout: endingSink(stdout, losing), stderr, lost: () => lost };
};

const endingSink = (sink: OutputSink, losing: (error: unknown) => void): OutputSink => ({
  write(bytes) {
    const ended = (error: unknown): never => {
      if (error instanceof ClosedPipe) throw new GuestExit(closedPipeExit);
      losing(error);
      throw error;
    };
    try {
      const waiting = sink.write(bytes);
      return waiting instanceof Promise ? waiting.catch(ended) : waiting;
    } catch (error) {
      return ended(error);
    }
  },
  flush: () => sink.flush(),
  get isTerminal() {
    return sink.isTerminal;
  },
});
