import { Claims } from "../../host/claims.ts";

// One device of Dawn's. During a swap two instances have it, and each hears of its own errors alone: they take turns.

/** An error scope that is open, and what it took while it was not the device's. */
export interface Scope {
  readonly filter: GPUErrorFilter;
  readonly early: Promise<GPUError | null>[];
}

/** Who calls the device, for one instance. */
export interface Caller {
  /** The outermost first. */
  readonly scopes: readonly Scope[];
  /** An error of its own calls that no scope took. */
  uncaptured(error: GPUError): void;
  lose(lost: { readonly reason: "unknown" | "destroyed"; readonly message: string }): void;
}

export class NativeDevice {
  readonly device: GPUDevice;
  readonly #claims = new Claims(() => this.device.destroy());
  readonly #callers = new Set<Caller>();
  #turn: Caller | undefined;

  constructor(device: GPUDevice) {
    this.device = device;
    // Dawn calls it while the call that is wrong still runs. Not prevented, it would print the error itself.
    const heard = (event: GPUUncapturedErrorEvent) => {
      event.preventDefault();
      this.#turn?.uncaptured(event.error);
    };
    device.addEventListener("uncapturederror", heard);
    void device.lost.then(({ reason, message }) => {
      // Dawn holds its listeners for good, and through this one the device and all that has it.
      device.removeEventListener("uncapturederror", heard);
      for (const caller of [...this.#callers]) caller.lose({ reason: reason ?? "unknown", message });
    });
  }

  /** One more has it; the answer ends that, and with the last one the device. */
  join(caller: Caller): () => void {
    const giveUp = this.#claims.claim();
    this.#callers.add(caller);
    return () => {
      if (this.#turn === caller) {
        this.#suspend(caller);
        this.#turn = undefined;
      }
      this.#callers.delete(caller);
      giveUp();
    };
  }

  /** What is called from now on is this one's: the scopes of the one before are put aside with what they have taken. */
  turnTo(caller: Caller): void {
    if (this.#turn === caller) return;
    if (this.#turn) this.#suspend(this.#turn);
    this.#turn = caller;
    for (const { filter } of caller.scopes) this.device.pushErrorScope(filter);
  }

  #suspend({ scopes }: Caller): void {
    for (const { early } of scopes.toReversed()) early.push(this.device.popErrorScope().catch(() => null));
  }
}
