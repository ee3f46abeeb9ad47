import { type Cause, DeclaredError, Fault, fault, type Phase } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { camel, type Func, type World } from "../contract/model.ts";
import { matchInterface } from "../contract/semver.ts";
import { signerSubjects } from "../trust/subject.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { Budget } from "./budget.ts";
import type { Meter } from "./cores.ts";
import { guestException } from "./exception.ts";
import { ClosedPipe, GuestExit, type InstanceContext, type OutputSink } from "./provider.ts";
import { type Undo, Undoable } from "./undo.ts";

/** Turns of the event loop: one for the linker to hand bytes over, one for who takes them. */
const turnsAfterAnswer = 2;

type Callable = (...args: unknown[]) => unknown;

/**
 * A live component. A trap poisons it: its memory may be half-changed, so every later call is refused.
 * Made by `instantiate` of a plan alone.
 */
export class Instance {
  /** What its providers were given: the caller's context, with the guest's stderr remembered for reports. */
  readonly context: InstanceContext;
  /** What it has used up of its limits. */
  readonly budget: Budget;
  /** What its linker joins it to. */
  readonly meter: Meter;
  readonly #undoable = new Undoable();
  /** While a call goes on that is undone where it fails. */
  #attempt: Undo | undefined;
  readonly #component: VerifiedComponent;
  readonly #world: World;
  readonly #tail: StderrTail;
  readonly #releases: (() => void)[] = [];
  #exports: Readonly<Record<string, unknown>> = {};
  readonly #running = new Set<Promise<unknown>>();
  #begun = 0;
  #trapped = false;
  #dropped = false;
  /** How often what serves behind it was started anew; undefined where nothing is. */
  readonly restarts: (() => number) | undefined;

  /** `restarts` is given where a call that fails leaves nothing half-changed behind, so that others may follow. */
  constructor(component: VerifiedComponent, world: World, outer: InstanceContext, restarts?: () => number) {
    this.restarts = restarts;
    this.#component = component;
    this.#world = world;
    this.budget = new Budget(component.identifier, outer.limits ?? {}, outer.budget, outer.stop);
    const { imports, turns } = this.budget;
    this.meter = {
      imports,
      turns,
      begin: (bytes) => this.budget.begin(bytes),
      made: (core, state) => this.#undoable.made(core, state),
      inside: (one) => this.#undoable.inside(one),
    };
    const { stdin, stdout, stderr } = outer.stdio;
    this.#tail = new StderrTail(this.budget.capped(stderr));
    this.context = {
      ...outer,
      budget: this.budget,
      component: {
        ...outer.component,
        get trust() {
          return component.trust;
        },
        get signedAs() {
          return signerSubjects(component).flatMap((one) => (one.package === undefined ? [] : [one.subject]));
        },
      },
      stdio: { stdin, stdout: this.budget.capped(stdout), stderr: this.#tail },
      shared: {},
      onDrop: (release) => this.#releases.push(release),
    };
  }

  /** Takes what the linker makes; once. */
  async begin(make: () => Promise<Readonly<Record<string, unknown>>>): Promise<void> {
    const leave = this.budget.enterStart();
    try {
      this.#exports = await this.budget.until(make());
    } finally {
      leave();
    }
  }

  /**
   * Calls an export: `func` as WIT spells it, inside `interfaceName` (any compatible version) where one is
   * given. Arguments and result are in the JS mapping. A `result`'s err is thrown as DeclaredError, a trap as
   * Fault LK0304, an exit as GuestExit.
   */
  async call(interfaceName: string | undefined, func: string, args: readonly unknown[]): Promise<unknown> {
    return this.callNow(interfaceName, func, args);
  }

  /** As `call`, but answers at once where the component cannot wait; a promise where it can. */
  callNow(interfaceName: string | undefined, func: string, args: readonly unknown[]): unknown {
    const where = interfaceName === undefined ? func : `${interfaceName}#${func}`;
    return this.watch(this.#signature(interfaceName, func), where, () => {
      const callee = this.#find(interfaceName, func);
      return callee(...args);
    });
  }

  /** As `call`, and no longer than `ms`; what was instantiated as `stoppable` is stopped then. Fault LK0711. */
  async callWithin(
    ms: number,
    interfaceName: string,
    func: string,
    args: readonly unknown[],
  ): Promise<unknown> {
    const leave = this.budget.enter(ms);
    try {
      return await this.call(interfaceName, func, args);
    } finally {
      leave();
    }
  }

  /**
   * As `callWithin`, and where it fails everything that it changed of the instance is put back, which goes on as if it
   * had not been called; so does it when the answer's `undo` is called. Where that cannot be done a failure ends the
   * instance, as that of any call does.
   */
  async attempt(
    ms: number,
    interfaceName: string,
    func: string,
    args: readonly unknown[],
  ): Promise<{ readonly answer: unknown; readonly undo: Undo }> {
    const undo = this.#undoable.mark();
    this.#attempt = undo;
    try {
      return { answer: await this.callWithin(ms, interfaceName, func, args), undo: undo ?? (() => false) };
    } finally {
      this.#attempt = undefined;
    }
  }

  /** Whether it exports an interface, in a compatible version. */
  exports(interfaceName: string): boolean {
    return this.#exportName(interfaceName) !== undefined;
  }

  /** Whether it can be called: it has not trapped and was not dropped. */
  get usable(): boolean {
    return !this.#trapped && !this.#dropped;
  }

  /** A task of it begins, and goes on until `end`, whenever it answers. */
  readonly began = (end: Promise<unknown>): void => {
    this.#begun++;
    this.#running.add(end);
    const ended = () => void this.#running.delete(end);
    end.then(ended, ended);
  };

  /**
   * Whether it has done enough: jco's runtime keeps something of every stream and future until its instance ends, so
   * whoever calls one again and again takes another from time to time.
   */
  get worn(): boolean {
    return this.#begun >= limits.asyncCallsMax;
  }

  /** Waits for the tasks that go on after they have answered, within its limits. Faults as `call`. */
  async settled(): Promise<void> {
    if (this.#running.size === 0 || this.#trapped) return;
    await this.watch(undefined, "what goes on after its answer", () => Promise.all(this.#running));
  }

  /** Lets what it has handed over before it answered arrive; what it still does after that is cut short. */
  async arrived(): Promise<void> {
    for (let turn = 0; turn < turnsAfterAnswer && this.#running.size > 0 && !this.#trapped; turn++)
      await new Promise((resolve) => setImmediate(resolve));
  }

  /** What it exports of an interface, as its linker made it; calls into it go through `watch`. */
  exported(interfaceName: string): Readonly<Record<string, unknown>> {
    return (this.#exports[this.#exportName(interfaceName) ?? ""] ?? {}) as Readonly<Record<string, unknown>>;
  }

  /** Runs a call into one of its exports, counted and explained as `callNow` does. */
  watch(func: Func | undefined, where: string, work: () => unknown): unknown {
    const component = this.#component.identifier;
    if (this.#trapped) throw fault("LK0304", `${component} was called at ${where} after it had trapped`);
    if (this.#dropped) throw fault("LK0304", `${component} was called at ${where} after it had been dropped`);
    if (this.budget.suspended) return this.budget.resumed().then(() => this.watch(func, where, work));
    const leave = this.budget.enter();
    const fail = (error: unknown): never => {
      leave();
      if (isDeclared(error, func)) throw new DeclaredError(error.payload);
      const explained = this.explain(error, "call", where);
      if (this.#attempt?.() && this.budget.forgive()) throw explained;
      this.#trapped = this.restarts === undefined;
      // Where it waits it goes on waiting, unless what it waits for ends.
      if (this.budget.exceeded) this.drop();
      throw explained;
    };
    try {
      const answer = work();
      if (answer instanceof Promise) return this.budget.until(answer).then(left(leave), fail);
      leave();
      return answer;
    } catch (error) {
      return fail(error);
    }
  }

  /** It was replaced itself: whose place it once took is of no use any more, and would keep all that were before. */
  forgetBefore(): void {
    delete (this.context as { before?: InstanceContext }).before;
  }

  /** Lets go of everything that its providers hold for it. Safe to call twice. */
  drop(): void {
    this.#dropped = true;
    this.#exports = {};
    for (const release of this.#releases.splice(0).reverse()) release();
    this.budget.end();
  }

  [Symbol.dispose](): void {
    this.drop();
  }

  /** Names component, export and the guest's own words for whatever a call threw. */
  explain(error: unknown, phase: Phase, where: string): unknown {
    if (error instanceof GuestExit || error instanceof ClosedPipe) return error;
    const component = this.#component.identifier;
    const passed = this.budget.explain(where, isTrap(error));
    if (passed) return passed.within({ component, phase, message: `In ${where}` });
    if (error instanceof Fault) return error.within({ component, phase, message: `In ${where}` });
    if (!isTrap(error)) return error;
    if (isOverflow(error))
      return fault(
        "LK0304",
        `${component} trapped in ${where}: it called itself too deep and its stack is full`,
        {
          cause: error,
        },
      );
    const own = guestException(this.#tail.text());
    const causes: Cause[] = own
      ? [{ component, phase, message: `${own.message}${own.place ? ` at ${own.place}` : ""}` }]
      : [];
    // JavaScriptCore adds a piece of our own source, which says nothing to anyone.
    const why = own ? own.message : error.message.replace(/ \(evaluating '[\s\S]*'\)$/, "");
    return fault("LK0304", `${component} trapped in ${where}: ${why}`, { causes, cause: error });
  }

  #exportName(interfaceName: string): string | undefined {
    return matchInterface(interfaceName, this.#world.exports.keys());
  }

  #signature(interfaceName: string | undefined, func: string): Func | undefined {
    const extern = this.#world.exports.get(
      interfaceName === undefined ? func : (this.#exportName(interfaceName) ?? ""),
    );
    if (extern?.kind === "func") return extern.func;
    return extern?.kind === "interface" ? extern.interface.funcs.get(func) : undefined;
  }

  #find(interfaceName: string | undefined, func: string): Callable {
    const owner =
      interfaceName === undefined ? this.#exports : this.#exports[this.#exportName(interfaceName) ?? ""];
    const callee = (owner as Record<string, unknown> | undefined)?.[camel(func)];
    if (typeof callee !== "function")
      throw fault(
        "LK0207",
        `${this.#component.identifier} does not export ${interfaceName ? `${interfaceName}#` : ""}${func}; it exports: ${[...this.#world.exports.keys()].join(", ") || "nothing"}`,
      );
    return callee as Callable;
  }
}

/** A trap is the engine's own error, or a glue's complaint about a value; never something a provider threw. */
const isTrap = (error: unknown): error is Error =>
  error instanceof WebAssembly.RuntimeError ||
  error instanceof RangeError ||
  error instanceof TypeError ||
  (error instanceof Error && (error.constructor.name === "SuspendError" || error.name === "ComponentError"));

/** What JavaScriptCore throws where a stack is full, the guest's or, below it, ours. */
const isOverflow = (error: Error): boolean =>
  error instanceof RangeError && error.message.startsWith("Maximum call stack");

/** Passes an answer on after the call was left. */
const left =
  (leave: () => void) =>
  <T>(answer: T): T => {
    leave();
    return answer;
  };

/** jco throws a declared err as an error with a payload; only functions that have a `result` can. */
const isDeclared = (error: unknown, func: Func | undefined): error is { payload: unknown } =>
  func?.result?.kind === "result" && typeof error === "object" && error !== null && "payload" in error;

/** Passes a guest's stderr through and keeps its end, where an uncaught exception's text is found. */
class StderrTail implements OutputSink {
  readonly #sink: OutputSink;
  #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(sink: OutputSink) {
    this.#sink = sink;
  }

  get isTerminal(): boolean {
    return this.#sink.isTerminal;
  }

  write(bytes: Uint8Array): void | Promise<void> {
    this.#chunks.push(bytes.slice(-limits.stderrTailBytesMax));
    this.#length += bytes.length;
    while (this.#chunks.length > 1 && this.#length - this.#chunks[0]!.length >= limits.stderrTailBytesMax)
      this.#length -= this.#chunks.shift()!.length;
    return this.#sink.write(bytes);
  }

  flush(): void | Promise<void> {
    return this.#sink.flush();
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
