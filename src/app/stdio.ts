import { ClosedPipe, GuestExit, type OutputSink, type Stdio } from "../host/provider.ts";
import { processStdio } from "../providers/wasi/process.ts";

/** What a shell shows for a program that SIGPIPE ended. */
const closedPipeExit = 141;

/**
 * The process's own streams, with Unix's way of ending a program whose reader has gone: the first write to the
 * closed pipe unwinds the guest, whether or not it looks at what its writes answer, and nothing more is said.
 */
export const ownStdio = (): Stdio => {
  const { stdin, stdout, stderr } = processStdio();
  return { stdin, stdout: endingSink(stdout), stderr };
};

const endingSink = (sink: OutputSink): OutputSink => ({
  write(bytes) {
    const ended = (error: unknown): never => {
      throw error instanceof ClosedPipe ? new GuestExit(closedPipeExit) : error;
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
