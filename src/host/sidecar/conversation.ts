import { errno } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { plain } from "../../base/plain.ts";
import type { ObjectOf } from "../../contract/wrpc/decode.ts";
import type { HandleOf } from "../../contract/wrpc/encode.ts";
import type { OutputSink } from "../provider.ts";
import { endWithLoop, signal } from "../warden.ts";
import { Foreign, Full, Handles, type Make } from "./handle.ts";
import { passLines } from "./stderr.ts";
import { Frames, type FromSidecar, frameOf, type Hello, type ToSidecar } from "./wire.ts";

/** Why a sidecar did not answer: the rest of a sentence that begins with its name. */
export class SidecarFailure extends Error {
  override readonly name = "SidecarFailure";
}

/** How a sidecar is started. */
export interface Start {
  /** Absolute. */
  readonly file: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Before each line that it says on standard error. */
  readonly name: string;
  readonly stderr: OutputSink;
}

interface Waiting {
  answer(value: { readonly result: Uint8Array } | { readonly message: string }): void;
  fail(failure: SidecarFailure): void;
}

/** One call, whose values its caller writes and reads. */
export interface Call<T> {
  /** As the sidecar names it. */
  readonly contract: string;
  readonly func: string;
  readonly ms: number;
  write(handleOf: HandleOf): Uint8Array;
  readonly make: Make;
  read(result: Uint8Array, objectOf: ObjectOf): T;
}

type Piped = Bun.Subprocess<"pipe", "pipe", "pipe">;

/** How long what a process wrote before it ended may still be on its way. */
const drainMs = 200;

/** One process, from its start to its end. Whatever goes wrong ends it, and fails all that wait for it. */
export class Conversation {
  readonly #process: Piped;
  /** It has a group of its own, so that what it started goes along. */
  readonly #group: number;
  readonly #letGo: () => void;
  readonly #handles = new Handles((handle) => this.#send({ tag: "drop", val: handle }));
  readonly #waiting = new Map<number, Waiting>();
  readonly #pongs = new Map<bigint, Waiting>();
  #hello: PromiseWithResolvers<Hello> | undefined;
  #failure: SidecarFailure | undefined;
  #lastId = 0;
  #lastPing = 0n;
  #writing: Promise<void> = Promise.resolve();
  #unwritten = 0;
  readonly #ended: (failure: SidecarFailure) => void;

  /** `ended` is told once, when there is no speaking with it any more. Throws SidecarFailure. */
  constructor(start: Start, ended: (failure: SidecarFailure) => void) {
    this.#ended = ended;
    this.#process = spawn(start);
    this.#group = -this.#process.pid;
    this.#letGo = endWithLoop(this.#group);
    void this.#listen();
    void this.#watch();
    void passLines(this.#process.stderr, start.name, start.stderr);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Undefined while it can be spoken with. */
  get failure(): SidecarFailure | undefined {
    return this.#failure;
  }

  get busy(): boolean {
    return this.#waiting.size > 0;
  }

  /** Says hello, and answers what it says. Throws SidecarFailure. */
  greet(hello: Hello, ms: number): Promise<Hello> {
    this.#hello = Promise.withResolvers<Hello>();
    this.#send({ tag: "hello", val: hello });
    return this.#within(ms, `did not say hello within ${ms} ms`, this.#hello.promise);
  }

  /**
   * A call's result. Throws SidecarFailure, after which only its `failure` says whether there is more to be had of it;
   * Stale for objects that it did not make; WireError for arguments beyond the limit.
   */
  async call<T>({ contract, func, ms, write, make, read }: Call<T>): Promise<T> {
    if (this.#failure) throw this.#failure;
    const id = this.#unusedId();
    const giving = this.#handles.giving();
    const { promise, resolve, reject } = Promise.withResolvers<Parameters<Waiting["answer"]>[0]>();
    try {
      const val = { id, contract, function: func, params: write(giving.handleOf) };
      const frame = frameOf({ tag: "call", val });
      this.#waiting.set(id, { answer: resolve, fail: reject });
      this.#write(frame);
      giving.done();
    } catch (error) {
      giving.lost();
      throw error;
    }
    const answer = await this.#within(ms, `did not answer ${func} within ${Math.ceil(ms)} ms`, promise);
    if ("message" in answer) throw new SidecarFailure(`says that ${func} failed: ${shown(answer.message)}`);
    const taking = this.#handles.taking(make);
    try {
      const result = read(answer.result, taking.objectOf);
      taking.done();
      return result;
    } catch (error) {
      if (error instanceof Foreign) this.#fail(new SidecarFailure(`answered ${func} with ${error.message}`));
      taking.lost();
      if (error instanceof Full) throw new SidecarFailure(error.message);
      throw error instanceof Foreign ? this.#failure : error;
    }
  }

  /** Numbers go round; none is given that somebody waits for. */
  #unusedId(): number {
    if (this.#waiting.size >= limits.sidecarCallsMax)
      throw new SidecarFailure(`has ${this.#waiting.size} calls to answer, and that is the limit`);
    do this.#lastId = (this.#lastId + 1) >>> 0;
    while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }

  /** Asks whether it is there. Throws SidecarFailure. */
  async ping(ms: number): Promise<void> {
    this.#lastPing++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pongs.set(this.#lastPing, { answer: resolve, fail: reject });
    this.#send({ tag: "ping", val: this.#lastPing });
    await this.#within(ms, `did not answer a ping within ${Math.ceil(ms)} ms`, promise);
  }

  /** Lets it read anew what it was made of. */
  reload(): void {
    this.#send({ tag: "reload" });
  }

  /** There is nothing more to say. It may put its things in order first, for a while. */
  end(): void {
    this.#fail(new SidecarFailure("was ended"), "SIGTERM");
    const timer = setTimeout(() => this.#kill("SIGKILL"), limits.sidecarEndMsMax);
    timer.unref();
    void this.#process.exited.then(() => clearTimeout(timer));
  }

  /** Nothing where it has ended: its group went with it. */
  #kill(name: NodeJS.Signals): void {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) signal(this.#group, name);
  }

  /** What takes too long ends the process: nobody knows what it is still doing. */
  async #within<T>(ms: number, late: string, work: Promise<T>): Promise<T> {
    if (this.#failure) {
      work.catch(() => {});
      throw this.#failure;
    }
    const timer = setTimeout(() => this.#fail(new SidecarFailure(late)), Math.max(0, ms));
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  #fail(failure: SidecarFailure, name: NodeJS.Signals = "SIGKILL"): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#handles.end();
    this.#kill(name);
    Promise.resolve(this.#process.stdin.end()).catch(() => {});
    for (const one of [...this.#waiting.values(), ...this.#pongs.values()]) one.fail(failure);
    this.#waiting.clear();
    this.#pongs.clear();
    this.#hello?.reject(failure);
    this.#hello?.promise.catch(() => {});
    this.#ended(failure);
  }

  #send(message: ToSidecar): void {
    this.#write(frameOf(message));
  }

  /** One write after the other. What it does not read stays here, within a bound. */
  #write(frame: Uint8Array): void {
    this.#unwritten += frame.length;
    if (this.#unwritten > limits.sidecarUnreadBytesMax) {
      this.#fail(new SidecarFailure(`has not read the last ${this.#unwritten} bytes`));
      return;
    }
    this.#writing = this.#writing.then(async () => {
      if (this.#failure) return;
      try {
        await this.#process.stdin.write(frame);
        await this.#process.stdin.flush();
      } catch {
        // A pipe that breaks has an end behind it, which tells more.
      }
      this.#unwritten -= frame.length;
    });
  }

  async #listen(): Promise<void> {
    const frames = new Frames();
    try {
      for await (const piece of this.#process.stdout) {
        if (this.#failure) return;
        for (const message of frames.push(piece)) this.#take(message);
      }
      const left = frames.held > 0 ? ` in the middle of a message, ${frames.held} bytes into it` : "";
      await Promise.race([this.#process.exited, Bun.sleep(drainMs)]);
      this.#fail(new SidecarFailure(`${this.#endText()}${left}`));
    } catch (error) {
      // A pipe that breaks, or what is no message: either way there is no understanding it.
      this.#fail(
        error instanceof SidecarFailure
          ? error
          : new SidecarFailure(`does not speak the protocol: ${shown((error as Error).message)}`),
      );
    }
  }

  async #watch(): Promise<void> {
    await this.#process.exited;
    // What it started and left behind serves nobody, and may hold its pipes open.
    signal(this.#group, "SIGKILL");
    this.#letGo();
    await Bun.sleep(drainMs);
    this.#fail(new SidecarFailure(this.#endText()));
  }

  #endText(): string {
    const { exitCode, signalCode } = this.#process;
    if (signalCode !== null) return `ended by ${signalCode}`;
    return exitCode === null ? "closed its standard output" : `ended with exit code ${exitCode}`;
  }

  #take(message: FromSidecar): void {
    switch (message.tag) {
      case "hello": {
        const hello = this.#hello;
        if (!hello) throw new SidecarFailure("said hello twice");
        this.#hello = undefined;
        hello.resolve(message.val);
        break;
      }
      case "pong":
        this.#taken(this.#pongs, message.val, "ping").answer({ message: "" });
        break;
      default:
        this.#taken(this.#waiting, message.val.id, "call").answer(message.val);
    }
  }

  #taken<Key>(from: Map<Key, Waiting>, key: Key, what: string): Waiting {
    const waiting = from.get(key);
    if (!waiting) throw new SidecarFailure(`answered ${what} ${key}, which nobody waits for`);
    from.delete(key);
    return waiting;
  }
}

const spawn = ({ file, folder, environment }: Start): Piped => {
  try {
    return Bun.spawn([file], {
      cwd: folder,
      env: { ...environment },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      // Without it Bun reads the pipes at once and without a bound.
      lazy: true,
      detached: true,
    });
  } catch (error) {
    const code = errno(error);
    if (!code) throw error;
    throw new SidecarFailure(`cannot be started: ${startText[code] ?? code}`);
  }
};

const startText: Readonly<Record<string, string>> = {
  ENOENT: "it is not there, or the interpreter that it names in its first line is not",
  EACCES: "it is not executable",
  ENOEXEC: "it is no program of this machine",
};

const shown = (text: string): string => plain(text).slice(0, limits.reasonLengthShown);
