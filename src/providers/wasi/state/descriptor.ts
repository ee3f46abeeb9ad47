import { closeSync, readlinkSync } from "node:fs";
import { Claims } from "../../../host/claims.ts";
import { refusal } from "./refusal.ts";

/**
 * A descriptor of the system that refuses to be used once it is closed. The system gives its number to whatever
 * is opened next, which may be another guest's.
 */
export class Fd {
  readonly #fd: number;
  readonly #claims: Claims;
  readonly #giveUp: () => void;
  #open = true;

  constructor(fd: number, claims = new Claims(() => closeSync(fd))) {
    this.#fd = fd;
    this.#claims = claims;
    this.#giveUp = claims.claim();
  }

  /** EBADF once it is closed. */
  get number(): number {
    if (!this.#open) throw refusal("EBADF", "the descriptor is closed");
    return this.#fd;
  }

  /** The same descriptor, closed on its own; the system closes it when the last one is. */
  again(): Fd {
    return new Fd(this.number, this.#claims);
  }

  /**
   * Where what it is open on lies now; where it lay, with a word more, once it was deleted; undefined where the system
   * does not say.
   */
  get place(): string | undefined {
    try {
      return readlinkSync(`/proc/self/fd/${this.number}`);
    } catch {
      return undefined;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#giveUp();
  }
}
