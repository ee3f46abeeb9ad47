import { closeSync } from "node:fs";
import { refusal } from "./refusal.ts";

/**
 * A descriptor of the system that refuses to be used once it is closed. The system gives its number to whatever
 * is opened next, which may be another guest's.
 */
export class Fd {
  readonly #fd: number;
  #open = true;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** EBADF once it is closed. */
  get number(): number {
    if (!this.#open) throw refusal("EBADF", "the descriptor is closed");
    return this.#fd;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.#fd);
  }
}
