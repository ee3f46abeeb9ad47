import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Lifetime } from "../../host/lifetime.ts";
import type { Event } from "../../host/provider.ts";
import { forgetAdapters } from "./adapter.ts";
import { accepted, type WireError, wireError } from "./error.ts";
import type { Holdings } from "./holdings.ts";

// One device of one instance: its errors, its loss, and what counts whatever is made with it.

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
}

export class Session {
  readonly native: GPUDevice;
  readonly classes: Classes;
  readonly holdings: Holdings;
  readonly lifetime: Lifetime;
  readonly #keepErrors: boolean;
  readonly #tellError: ((error: WireError) => void) | undefined;
  readonly #wakes = new Set<() => void>();
  #errors: WireError[] = [];
  #lost: WireLost | undefined;
  #scopes = 0;
  #reached = 0;

  constructor(native: GPUDevice, { classes, holdings, lifetime, keepErrors, tellError }: SessionWish) {
    this.native = native;
    this.classes = classes;
    this.holdings = holdings;
    this.lifetime = lifetime;
    this.#keepErrors = keepErrors;
    this.#tellError = tellError;
    // Dawn calls it while the call that is wrong still runs. Not prevented, it would print the error itself.
    const heard = (event: GPUUncapturedErrorEvent) => {
      event.preventDefault();
      this.#uncaptured(wireError(event.error));
    };
    native.addEventListener("uncapturederror", heard);
    void native.lost.then(({ reason, message }) => {
      // Dawn holds its listeners for good, and through this one the device and all of this.
      native.removeEventListener("uncapturederror", heard);
      this.lose({ reason: reason ?? "unknown", message });
    });
  }

  /** How many error scopes are open. */
  get scopes(): number {
    return this.#scopes;
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
    if (this.#keepErrors || this.#tellError || this.#errors.length === 0) return;
    const [first] = this.#errors.splice(0);
    throw fault("LK0742", `In ${what}: ${first!.message}`, {
      hint: "Take GPU errors with push-error-scope and pop-error-scope, or request the device with keep-uncaptured-errors",
    });
  }

  pushScope(filter: GPUErrorFilter): void {
    if (this.#scopes >= limits.gpuScopesMax)
      throw fault("LK0743", `${this.#scopes} GPU error scopes are open, and that is the limit`);
    this.#scopes++;
    this.native.pushErrorScope(filter);
  }

  async popScope(): Promise<WireError | undefined> {
    if (this.#scopes === 0) return { kind: "validation", message: "No error scope is open" };
    this.#scopes--;
    const error = await this.lifetime.until(this.native.popErrorScope());
    return error ? wireError(error) : undefined;
  }

  /** An error of `work` itself, which WebGPU also gives to scopes, taken out of there. */
  async scoped<T>(work: () => Promise<T>): Promise<T> {
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

  destroy(): void {
    this.native.destroy();
  }

  #uncaptured(error: WireError): void {
    this.#tellError?.(error);
    this.#errors.push(error);
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
