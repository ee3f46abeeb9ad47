/**
 * How many have a claim to one thing of the system's or the machine's: instances that follow each other in a place
 * have one each, and with the last claim it ends.
 */
export class Claims {
  #count = 0;
  readonly #end: () => void;

  constructor(end: () => void) {
    this.#end = end;
  }

  /** One more; the answer gives it up, once. */
  claim(): () => void {
    this.#count++;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#count--;
      if (this.#count === 0) this.#end();
    };
  }
}
