import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Lifetime } from "../../host/lifetime.ts";
import type { Event } from "../../host/provider.ts";
import { forgetAdapters } from "./adapter.ts";
import { accepted, type WireError, wireError } from "./error.ts";
import type { Holdings } from "./holdings.ts";
import type { Caller, NativeDevice, Scope } from "./native.ts";

// One device as one instance has it: its errors, its loss, and what counts whatever is made with it.

export interface WireLost {
  readonly reason: "unknown" | "destroyed";
  readonly message: string;
}

/** The classes of what is made with a device: those of the interface through which the component asked for it. */
export type Classes = typeof import("./classes.ts");

export interface SessionWish {
  readonly classes: Classes;
  readonly holdings: Holdings;
  readonly lifetime: Lifetime;
  /** Errors that no scope took are kept for the guest. */
  readonly keepErrors: boolean;
  /** Told of errors that no scope took, where they are not kept and do not end the component. */
  readonly tellError?: ((error: WireError) => void) | undefined;
  /** Called once, when it is lost. */
  readonly onLost?: (session: Session) => void;
}

export class Session implements Caller {
  readonly device: NativeDevice;
  readonly native: GPUDevice;
  readonly classes: Classes;
  readonly holdings: Holdings;
  readonly lifetime: Lifetime;
  readonly keepErrors: boolean;
  readonly #tellError: ((error: WireError) => void) | undefined;
  readonly #onLost: ((session: Session) => void) | undefined;
  readonly #leaveDevice: () => void;
  readonly #ends = new Set<() => void>();
  readonly #wakes = new Set<() => void>();
  readonly scopes: Scope[] = [];
  #errors: WireError[] = [];
  #lost: WireLost | undefined;
  #over = false;
  #reached = 0;

  constructor(
    device: NativeDevice,
    { classes, holdings, lifetime, keepErrors, tellError, onLost }: SessionWish,
  ) {
    this.device = device;
    this.native = device.device;
    this.classes = classes;
    this.holdings = holdings;
    this.lifetime = lifetime;
    this.keepErrors = keepErrors;
    this.#tellError = tellError;
    this.#onLost = onLost;
    this.#leaveDevice = device.join(this);
  }

  /** Neither lost nor over for this instance. */
  get usable(): boolean {
    return this.#lost === undefined && !this.#over;
  }

  get lost(): WireLost | undefined {
    return this.#lost;
  }

  /** From now on it is lost, for this reason; the first one stands. */
  lose(lost: WireLost): void {
    if (this.#lost) return;
    this.#lost = lost;
    // A driver that was reset is found again only by looking for it anew.
    if (lost.reason === "unknown") forgetAdapters();
    this.#onLost?.(this);
    this.#wake();
  }

  takeError(): WireError | undefined {
    return this.#errors.shift();
  }

  /** Ready when it is lost, or when an error waits. */
  event(of: "lost" | "error"): Event {
    return {
      ready: () => (of === "lost" ? this.#lost !== undefined : this.#errors.length > 0),
      listen: (wake) => {
        const own = () => wake();
        this.#wakes.add(own);
        return () => void this.#wakes.delete(own);
      },
    };
  }

  /** One more thing of it that the guest can reach. LK0743 where there are too many. */
  enter(): void {
    this.holdings.enter();
    this.#reached++;
  }

  /** One less. What nobody can reach any more is destroyed: a device is megabytes. */
  leave(): void {
    this.holdings.leave();
    if (--this.#reached === 0) this.destroy();
  }

  /** Does something of which Dawn may say at once that it is wrong. LK0742, LK0743. */
  call<T>(what: string, work: () => T): T {
    this.device.turnTo(this);
    const made = accepted(what, work);
    this.check(what);
    return made;
  }

  /** As `call`, for something that is counted until it is dropped. */
  make<T>(what: string, work: () => T): T {
    this.enter();
    try {
      return this.call(what, work);
    } catch (error) {
      this.leave();
      throw error;
    }
  }

  /** Ends the component where an error came that nobody takes. LK0742. */
  check(what: string): void {
    if (this.keepErrors || this.#tellError || this.#errors.length === 0) return;
    const [first] = this.#errors.splice(0);
    throw fault("LK0742", `In ${what}: ${first!.message}`, {
      hint: "Take GPU errors with push-error-scope and pop-error-scope, or request the device with keep-uncaptured-errors",
    });
  }

  pushScope(filter: GPUErrorFilter): void {
    if (this.scopes.length >= limits.gpuScopesMax)
      throw fault("LK0743", `${this.scopes.length} GPU error scopes are open, and that is the limit`);
    this.device.turnTo(this);
    this.scopes.push({ filter, early: [] });
    this.native.pushErrorScope(filter);
  }

  async popScope(): Promise<WireError | undefined> {
    this.device.turnTo(this);
    const scope = this.scopes.pop();
    if (!scope) return { kind: "validation", message: "No error scope is open" };
    const taken = Promise.all([...scope.early, this.native.popErrorScope()]);
    const error = (await this.lifetime.until(taken)).find((one) => one !== null);
    return error && wireError(error);
  }

  /** An error of `work` itself, which WebGPU also gives to scopes, taken out of there. */
  async scoped<T>(work: () => Promise<T>): Promise<T> {
    this.device.turnTo(this);
    this.native.pushErrorScope("validation");
    const done = work();
    const [answer, error] = await this.lifetime.until(
      Promise.all([
        done.then(
          (value) => ({ value }),
          (reason: unknown) => ({ reason }),
        ),
        this.native.popErrorScope().catch(() => null),
      ]),
    );
    if ("value" in answer) return answer.value;
    throw error ?? answer.reason;
  }

  /** Does something at its end; the answer forgets that. */
  atEnd(work: () => void): () => void {
    this.#ends.add(work);
    return () => void this.#ends.delete(work);
  }

  /** It ends for this instance; the device itself with the last that has it. */
  destroy(): void {
    this.#over = true;
    for (const end of [...this.#ends]) end();
    this.#ends.clear();
    this.#leaveDevice();
    queueMicrotask(() => this.lose({ reason: "destroyed", message: "The device was destroyed" }));
  }

  uncaptured(error: GPUError): void {
    const told = wireError(error);
    this.#tellError?.(told);
    this.#errors.push(told);
    if (this.#errors.length > limits.gpuErrorsMax) this.#errors.shift();
    this.#wake();
  }

  #wake(): void {
    for (const wake of [...this.#wakes]) wake();
  }
}

/** What a guest has a handle of: Dawn's object, counted until the handle is dropped. */
export class Held<T extends { label: string }> {
  readonly session: Session;
  readonly native: T;
  #dropped = false;

  /** `native` comes out of `session.make`, which has counted it. */
  constructor(session: Session, native: T) {
    this.session = session;
    this.native = native;
  }

  [Symbol.dispose](): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.session.leave();
    this.dropped();
  }

  label(): string {
    return this.native.label;
  }

  setLabel(label: string): void {
    this.native.label = label.slice(0, limits.gpuLabelLengthMax);
  }

  protected dropped(): void {}
}
