import { errno, Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { isTerminal } from "../../base/terminal.ts";
import { ClosedPipe, type Event, type OutputSink, type Stdio } from "../../host/provider.ts";
import { endWithLoop, signal } from "../../host/warden.ts";
import { InputPipe, OutputPipe, Wakes } from "./pipe.ts";
import type { Program } from "./program.ts";
import { Refusal } from "./refusal.ts";

// The children of one instance: started, counted, killed together. Knows no WIT.

export type StreamKind = "none" | "pipe" | "inherit";

export interface Start {
  readonly program: Program;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, on the host. */
  readonly folder: string;
  readonly stdin: StreamKind;
  readonly stdout: StreamKind;
  readonly stderr: StreamKind;
}

export type Ending = { readonly exited: number } | { readonly signalled: string };

/** After a child's end, how long its inherited output may still come from what it left running. */
const drainMs = 1000;

export class Children {
  readonly #stdio: Stdio;
  readonly #running = new Set<Child>();

  constructor(stdio: Stdio) {
    this.#stdio = stdio;
  }

  get count(): number {
    return this.#running.size;
  }

  /** Refusals: too-many, not-found, denied, invalid, other. */
  start(start: Start): Child {
    if (this.#running.size >= limits.childProcessesMax)
      throw new Refusal("too-many", `${this.#running.size} children run, and that is the limit`);
    const child = new Child(start, this.#stdio);
    this.#running.add(child);
    const forget = () => void this.#running.delete(child);
    child.ended.then(forget, forget);
    return child;
  }

  /** Kills what runs and closes every pipe. */
  release(): void {
    for (const child of this.#running) child.release();
  }
}

export class Child implements Event {
  /** Its pipes, where they were asked for. */
  readonly stdin: InputPipe | undefined;
  readonly stdout: OutputPipe | undefined;
  readonly stderr: OutputPipe | undefined;
  /** Resolves when it ended and what it wrote to inherited streams has gone out. */
  readonly ended: Promise<Ending>;
  readonly #process: Bun.Subprocess;
  /** What a signal to it goes to: it, or its group where it has one of its own. */
  readonly #target: number;
  readonly #passed: OutputPipe[] = [];
  readonly #wakes = new Wakes();
  #ending: Ending | undefined;

  constructor(start: Start, stdio: Stdio) {
    const shared = sharedTerminal(stdio);
    // In a group of its own, so that a kill reaches what it started; but a child that shares the terminal has to
    // stay in the terminal's group, or it is stopped when it reads.
    const ownGroup = process.platform !== "win32" && !usesTerminal(start, shared);
    this.#process = spawn(start, shared, ownGroup);
    const { pid } = this.#process;
    this.#target = ownGroup ? -pid : pid;
    // The host may end without dropping the instance.
    const letGo = endWithLoop(this.#target);
    void this.#process.exited.then(letGo);
    const { stdin, stdout, stderr } = this.#process;
    const input = stdin && typeof stdin !== "number" ? new InputPipe(stdin) : undefined;
    const outputs = [stdout, stderr].map((stream) =>
      stream && typeof stream !== "number" ? new OutputPipe(stream) : undefined,
    );
    if (start.stdin === "pipe") this.stdin = input;
    else if (input) void passInput(stdio.stdin, input, this.#process);
    if (start.stdout === "pipe") this.stdout = outputs[0];
    if (start.stderr === "pipe") this.stderr = outputs[1];
    const passing: Promise<void>[] = [];
    const pass = (kind: StreamKind, pipe: OutputPipe | undefined, sink: OutputSink) => {
      if (kind !== "inherit" || !pipe) return;
      this.#passed.push(pipe);
      passing.push(passOutput(pipe, sink));
    };
    pass(start.stdout, outputs[0], stdio.stdout);
    pass(start.stderr, outputs[1], stdio.stderr);
    this.ended = this.#end(passing);
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }

  ready(): boolean {
    return this.#ending !== undefined;
  }

  listen(wake: () => void): () => void {
    return this.#wakes.listen(wake);
  }

  /** Sends a signal to it and its group; nothing where it has ended. */
  kill(name: NodeJS.Signals): void {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) signal(this.#target, name);
  }

  release(): void {
    this.kill("SIGKILL");
    this.stdin?.close();
    for (const pipe of [this.stdout, this.stderr, ...this.#passed]) pipe?.close();
  }

  async #end(passing: readonly Promise<void>[]): Promise<Ending> {
    await this.#process.exited;
    const { exitCode, signalCode } = this.#process;
    const ending = signalCode ? { signalled: `${signalCode}` } : { exited: exitCode ?? 0 };
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, drainMs);
    });
    try {
      if (passing.length > 0) await Promise.race([Promise.all(passing), late]);
    } finally {
      clearTimeout(timer);
      for (const pipe of this.#passed) pipe.close();
      this.#ending = ending;
      this.#wakes.all();
    }
    return ending;
  }
}

/** Which of the instance's streams are the very terminal of this process, so that a child can have it itself. */
const sharedTerminal = ({ stdin, stdout, stderr }: Stdio) => ({
  stdin: stdin.isTerminal && isTerminal(0),
  stdout: stdout.isTerminal && isTerminal(1),
  stderr: stderr.isTerminal && isTerminal(2),
});

type SharedTerminal = ReturnType<typeof sharedTerminal>;

const usesTerminal = (start: Start, shared: SharedTerminal): boolean =>
  (["stdin", "stdout", "stderr"] as const).some((name) => start[name] === "inherit" && shared[name]);

const spawn = (start: Start, shared: SharedTerminal, detached: boolean): Bun.Subprocess => {
  const kind = (name: keyof SharedTerminal) => {
    if (start[name] === "none") return "ignore" as const;
    return start[name] === "inherit" && shared[name] ? ("inherit" as const) : ("pipe" as const);
  };
  try {
    return Bun.spawn([start.program.file, ...start.args], {
      argv0: start.program.name,
      cwd: start.folder,
      env: { ...start.env },
      stdin: kind("stdin"),
      stdout: kind("stdout"),
      stderr: kind("stderr"),
      // Without it Bun reads the pipes at once and without a bound.
      lazy: true,
      detached,
    });
  } catch (error) {
    throw startRefusal(error, start);
  }
};

const startRefusal = (error: unknown, { program }: Start): unknown => {
  switch (errno(error)) {
    case "ENOENT":
      return new Refusal("not-found", `${program.name} or what it is run with is gone`);
    case "EACCES":
    case "EPERM":
      return new Refusal("denied", `The system does not let ${program.name} be run`);
    case "E2BIG":
      return new Refusal("invalid", "Arguments and variables are longer than the system takes");
    case undefined:
      return error;
    default:
      return new Refusal("other", `${program.name} cannot be started: ${errno(error)}`);
  }
};

const passOutput = async (pipe: OutputPipe, sink: OutputSink): Promise<void> => {
  try {
    for (;;) {
      const bytes = await pipe.read(limits.childReadBytesMax);
      if (!bytes) break;
      await sink.write(bytes);
    }
    await sink.flush();
  } catch (error) {
    pipe.close();
    if (!(error instanceof ClosedPipe)) throw error;
  }
};

/** Asks the instance's input for more only when the child's pipe took what came before, and while it runs. */
const passInput = async (source: Stdio["stdin"], pipe: InputPipe, child: Bun.Subprocess): Promise<void> => {
  try {
    while (child.exitCode === null && child.signalCode === null) {
      const bytes = await source.read(limits.streamReadBytesMax);
      if (!bytes) break;
      await pipe.write(bytes);
      await pipe.flush();
    }
  } catch (error) {
    // Input that cannot be read has ended, for the child.
    if (!(error instanceof Refusal || error instanceof Fault)) throw error;
  } finally {
    pipe.close();
  }
};
