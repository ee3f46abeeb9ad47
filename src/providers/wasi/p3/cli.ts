import { errno } from "../../../base/fault.ts";
import type { Audit } from "../../../host/audit.ts";
import { ClosedPipe, type InstanceContext, type OutputSink } from "../../../host/provider.ts";
import { Watched } from "../p2/watched.ts";
import { drainInto, type GuestStream, type Holding, type Outcome, outcome, streamOut } from "./pipe.ts";

// wasi:cli 0.3: the standard streams. Environment, exit and terminals are 0.2's under other names.

/** `error-code` of wasi:cli/types. */
type ErrorCode = "io" | "illegal-byte-sequence" | "pipe";

/** Of what the system refused; undefined for any other error. */
const errorCode = (error: unknown): ErrorCode | undefined => {
  if (error instanceof ClosedPipe) return "pipe";
  const code = errno(error);
  if (code === undefined || code.startsWith("ERR_")) return undefined;
  if (code === "EILSEQ") return "illegal-byte-sequence";
  return code === "EPIPE" ? "pipe" : "io";
};

export const standardStreams = (
  holding: Holding,
  { stdin, stdout, stderr }: InstanceContext["stdio"],
  audit?: Audit,
) => {
  const watched = (name: string) => new Watched(audit, name, "stdio");
  const writing = (name: string, sink: OutputSink) => ({
    writeViaStream: (data: GuestStream): Promise<Outcome<ErrorCode>> =>
      outcome(drainInto(holding, data, watched(name).writing(sink)), errorCode),
  });
  return {
    stdin: {
      readViaStream: () => streamOut(holding, watched("standard input").reading(stdin), errorCode),
    },
    stdout: writing("standard output", stdout),
    stderr: writing("standard error", stderr),
  };
};
