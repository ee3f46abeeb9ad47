// loop:process: programs of the host. Owns their WIT mapping and the checks before a start; refuses whoever is
// not trusted, was not granted the program, or would choose what code is loaded; listed in the app's table.
import { declared, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { Lifetime } from "../../host/lifetime.ts";
import type { Event, InstanceContext, Provider } from "../../host/provider.ts";
import { Children, type Child as ChildState, type Ending, type StreamKind } from "./children.ts";
import { childEnvironment } from "./environment.ts";
import { startFolder } from "./folder.ts";
import type { InputPipe, OutputPipe } from "./pipe.ts";
import { Programs } from "./program.ts";
import { Refusal } from "./refusal.ts";

/** What the composition root gives. */
export interface ProcessServices {
  /** The host's own environment: PATH for finding programs, and the few variables that every child gets. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** `loop:process/processes#command` in the JS mapping. */
export interface WireCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: ReadonlyArray<readonly [string, string]>;
  readonly folder: string | undefined;
  readonly stdin: StreamKind;
  readonly stdout: StreamKind;
  readonly stderr: StreamKind;
}

const signals = {
  hangup: "SIGHUP",
  interrupt: "SIGINT",
  quit: "SIGQUIT",
  kill: "SIGKILL",
  user1: "SIGUSR1",
  user2: "SIGUSR2",
  terminate: "SIGTERM",
} as const;

export const processProvider = (services: ProcessServices): Provider => ({
  name: "process",
  interfaces: ["loop:process/processes@0.1.0", "loop:process/processes-poll@0.1.0"],
  suspending: [
    "loop:process/processes#spawn",
    "loop:process/processes#[method]reader.read",
    "loop:process/processes#[method]writer.write",
    "loop:process/processes#[method]writer.flush",
    "loop:process/processes#[method]writer.end",
    "loop:process/processes#[method]child.wait",
  ],
  // Every guest may import it; what it starts, each call decides by its trust and the grants.
  defaultGranted: "*",
  instantiate: (context) => processes(context, services),
});

const processes = (context: InstanceContext, services: ProcessServices) => {
  const { grants } = context;
  const programs = new Programs(grants.runs ?? [], services.environment.PATH ?? "", grants.folders);
  const children = new Children(context.stdio);
  const lifetime = new Lifetime();
  context.onDrop(() => {
    lifetime.end();
    children.release();
  });
  const waiting = <T>(work: Promise<T>): Promise<T> => lifetime.until(work).catch(toGuest);

  class Reader {
    readonly pipe: OutputPipe;
    constructor(pipe: OutputPipe) {
      this.pipe = pipe;
    }
    read(max: number): Promise<Uint8Array | undefined> {
      return waiting(this.pipe.read(max));
    }
    [Symbol.dispose](): void {
      this.pipe.close();
    }
  }

  class Writer {
    readonly pipe: InputPipe;
    constructor(pipe: InputPipe) {
      this.pipe = pipe;
    }
    write(bytes: Uint8Array): Promise<void> {
      return waiting(this.pipe.write(bytes));
    }
    flush(): Promise<void> {
      return waiting(this.pipe.flush());
    }
    end(): Promise<void> {
      return waiting(this.pipe.end());
    }
    [Symbol.dispose](): void {
      this.pipe.close();
    }
  }

  class Child {
    readonly state: ChildState;
    readonly #taken = new Set<string>();
    constructor(state: ChildState) {
      this.state = state;
    }
    stdin(): Writer | undefined {
      const pipe = this.#once("stdin");
      return pipe && new Writer(pipe);
    }
    stdout(): Reader | undefined {
      const pipe = this.#once("stdout");
      return pipe && new Reader(pipe);
    }
    stderr(): Reader | undefined {
      const pipe = this.#once("stderr");
      return pipe && new Reader(pipe);
    }
    wait(): Promise<WireStatus> {
      return waiting(this.state.ended).then(wireStatus);
    }
    tryWait(): WireStatus | undefined {
      return this.state.ending && wireStatus(this.state.ending);
    }
    kill(signal: keyof typeof signals): void {
      this.state.kill(signals[signal]);
    }
    /** What was never taken cannot be used any more; what was taken lives on. */
    [Symbol.dispose](): void {
      for (const name of ["stdin", "stdout", "stderr"] as const) this.#once(name)?.close();
    }
    #once<Name extends "stdin" | "stdout" | "stderr">(name: Name): ChildState[Name] | undefined {
      if (this.#taken.has(name)) return undefined;
      this.#taken.add(name);
      return this.state[name];
    }
  }

  /** Answers at once, unless the person is asked for the program first. */
  const spawn = (command: WireCommand): Child | Promise<Child> => {
    const { program } = command;
    if (!context.ask || !isTrusted(context) || programs.granted(program) || !isAskable(program))
      return start(command);
    const asked = context.ask({ kind: "run", value: program }).then((granted) => {
      if (granted) programs.grant(program);
      return start(command);
    });
    return waiting(asked);
  };

  const start = (command: WireCommand): Child => {
    try {
      if (!programs.granted(command.program)) tellMissing(context, command.program);
      requireTrust(context);
      requireBounds(command);
      const program = programs.get(command.program);
      const env = childEnvironment(services.environment, command.env, { any: programs.any });
      const folder = startFolder(command.folder, grants.folders);
      const child = new Child(children.start({ ...command, program, env, folder }));
      context.audit?.({ capability: "programs", action: "start", target: command.program });
      return child;
    } catch (error) {
      return toGuest(error);
    }
  };

  const pollable = (event: Event): object => {
    const make = context.shared?.pollable;
    if (make) return make(event);
    throw fault(
      "LK0301",
      `${context.component.identifier} waits for a child, and no provider makes pollables for it`,
    );
  };

  return {
    "loop:process/processes@0.1.0": { Reader, Writer, Child, spawn },
    "loop:process/processes-poll@0.1.0": {
      Reader,
      Writer,
      Child,
      subscribeChild: (child: Child) => pollable(child.state),
      subscribeReader: (reader: Reader) => pollable(reader.pipe),
      subscribeWriter: (writer: Writer) => pollable(writer.pipe),
    },
  };
};

type WireStatus = { readonly tag: "exited"; val: number } | { readonly tag: "signalled"; val: string };

const wireStatus = (ending: Ending): WireStatus =>
  "exited" in ending ? { tag: "exited", val: ending.exited } : { tag: "signalled", val: ending.signalled };

/** Tells whoever listens which grant is missing, with the program's name; `Programs` refuses it. */
const tellMissing = ({ onDenied }: InstanceContext, program: string): void => {
  if (program === "") return;
  onDenied?.({ wanted: `to start ${program}`, grant: { kind: "run", value: program } });
};

/** A name that reads the same in a question, in a flag and in memory. */
const isAskable = (program: string): boolean => /^[\w./+-]{1,256}$/.test(program) && program !== "*";

const isTrusted = ({ component }: InstanceContext): boolean =>
  component.trust !== undefined && component.trust !== "untrusted";

const requireTrust = (context: InstanceContext): void => {
  if (isTrusted(context)) return;
  const { component, onDenied } = context;
  onDenied?.({
    wanted: "to start a program, which only trusted components may",
    grant: undefined,
    hint: `loop trust add ${component.identifier}`,
  });
  throw new Refusal(
    "denied",
    `${component.identifier} is not trusted, and only trusted components start programs`,
  );
};

const requireBounds = ({ args, env, program }: WireCommand): void => {
  const texts = [program, ...args, ...env.flat()];
  if (texts.some((text) => text.includes("\0")))
    throw new Refusal("invalid", "An argument or variable has a NUL, and none can be given");
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
  if (bytes > limits.argumentsBytesMax || env.length > limits.childVariablesMax)
    throw new Refusal(
      "invalid",
      `Arguments and variables are ${bytes} bytes in ${env.length} variables; the limits are ${limits.argumentsBytesMax} and ${limits.childVariablesMax}`,
    );
};

const toGuest = (error: unknown): never => {
  if (!(error instanceof Refusal)) throw error;
  const bare = error.kind === "too-many" || error.kind === "closed";
  throw declared(bare ? { tag: error.kind } : { tag: error.kind, val: error.message });
};
