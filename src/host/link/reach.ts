// Which core functions may end up in an import that suspends. A core instance reaches what it imports; a table
// that two instances share lets either call what the other put into it, so a table joins them both ways.

/** A core instance or a border function in the graph of who can call whom. */
export class Reach {
  /** Whether a call that arrives here may suspend. */
  readonly suspends: boolean;
  readonly #next = new Set<Reach>();

  constructor(suspends = false) {
    this.suspends = suspends;
  }

  add(other: Reach): void {
    if (other !== this) this.#next.add(other);
  }

  /** Whether a suspending import can be reached from here, as far as the graph is built by now. */
  canSuspend(): boolean {
    const seen = new Set<Reach>([this]);
    for (const one of seen) {
      if (one.suspends) return true;
      for (const next of one.#next) seen.add(next);
    }
    return false;
  }
}

/** What never suspends: the host's own functions that answer at once, and a guest's built-ins. */
export const still = new Reach();
