import { fault } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import type { Audit } from "../../../host/audit.ts";
import { GuestExit, type InstanceContext } from "../../../host/provider.ts";
import { type GrantKind, grantWords } from "../../../trust/written.ts";
import { Handle } from "../state/handles.ts";
import { type Input, Output } from "../state/streams.ts";
import { type Held, InputStream, OutputStream } from "./io.ts";
import { Watched } from "./watched.ts";

// wasi:cli 0.2: environment, exit, the standard streams and the terminals behind them.

/** Faults: LK0204 where arguments and environment together pass `argumentsBytesMax`, when the guest asks. */
export const environment = (context: InstanceContext) => {
  const { args, grants, component, audit } = context;
  const check = () => {
    let bytes = 0;
    for (const text of args) bytes += Buffer.byteLength(text);
    for (const [name, value] of grants.env) bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    if (bytes > limits.argumentsBytesMax)
      throw fault(
        "LK0204",
        `Arguments and environment of ${component.identifier} are ${bytes} bytes; the limit is ${limits.argumentsBytesMax}`,
      );
  };
  return {
    getEnvironment() {
      check();
      tellUnmet(context, "env");
      for (const [target] of grants.env) audit?.({ capability: "environment", action: "read", target });
      return grants.env.map(([name, value]): [string, string] => [name, value]);
    },
    getArguments() {
      check();
      return [...args];
    },
    /** None: the host's working folder is not the guest's, and what it was granted it finds as preopens. */
    initialCwd: () => undefined,
  };
};

/** A guest gets all that there is at once: what it misses only its own wishes say. */
export const tellUnmet = ({ unmet = [], onDenied }: InstanceContext, kind: GrantKind): void => {
  for (const grant of unmet) if (grant.kind === kind) onDenied?.({ wanted: grantWords(grant), grant });
};

export const exit = {
  exit(status: { tag: "ok" | "err" }): never {
    throw new GuestExit(status.tag === "ok" ? 0 : 1);
  },
  exitWithCode(code: number): never {
    throw new GuestExit(code);
  },
};

/**
 * Handles to one stream share its state, so order and back-pressure hold however often a guest asks for it. `input` is
 * made when somebody reads.
 */
export const standardStreams = (
  held: Held,
  input: () => Input,
  { stdout, stderr }: InstanceContext["stdio"],
  audit?: Audit,
) => {
  const watched = (name: string) => new Watched(audit, name, "stdio");
  let output: Output | undefined;
  let errors: Output | undefined;
  return {
    stdin: {
      getStdin: () => new InputStream(held, input()),
    },
    stdout: {
      getStdout() {
        output ??= new Output(watched("standard output").writing(stdout));
        return new OutputStream(held, output);
      },
    },
    stderr: {
      getStderr() {
        errors ??= new Output(watched("standard error").writing(stderr));
        return new OutputStream(held, errors);
      },
    },
  };
};

/** `terminal-input`: says by being there that the stream is a terminal; it has no methods. */
export class TerminalInput extends Handle {}

/** `terminal-output`, likewise. */
export class TerminalOutput extends Handle {}

export const terminals = ({ handles }: Held, { stdin, stdout, stderr }: InstanceContext["stdio"]) => ({
  input: { TerminalInput },
  output: { TerminalOutput },
  stdin: { getTerminalStdin: () => (stdin.isTerminal ? new TerminalInput(handles) : undefined) },
  stdout: { getTerminalStdout: () => (stdout.isTerminal ? new TerminalOutput(handles) : undefined) },
  stderr: { getTerminalStderr: () => (stderr.isTerminal ? new TerminalOutput(handles) : undefined) },
});
