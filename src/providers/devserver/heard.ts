/** What an application runs by besides its bytes, in texts that differ where that does. */
export interface Settings {
  /** What is heard at its start alone. */
  readonly fixed: string;
  /** By slot: what is to fill it, which is followed where something stands in it. */
  readonly choices: ReadonlyMap<string, string>;
}

/** What the application that runs, or ran last, has heard of its settings. */
export class Heard {
  #settings: Settings | undefined;

  /** At a start; where there is none that reads, whatever is said next is heard by beginning anew. */
  begin(settings: Settings = { fixed: "", choices: new Map() }): void {
    this.#settings = settings;
  }

  /** Whether it has to begin anew to hear what is said now, where others can fill only the slots in use. */
  isPast(now: Settings | undefined, inUse: readonly string[]): boolean {
    const before = this.#settings;
    if (!before || !now) return false;
    return now.fixed !== before.fixed || differing(before, now).some((slot) => !inUse.includes(slot));
  }

  /** Slots that something else is to fill than it has heard; from now on it has. */
  take(now: Settings | undefined): readonly string[] {
    if (!this.#settings || !now) return [];
    const slots = differing(this.#settings, now);
    this.#settings = { ...this.#settings, choices: now.choices };
    return slots;
  }
}

const differing = (before: Settings, now: Settings): string[] =>
  [...new Set([...before.choices.keys(), ...now.choices.keys()])].filter(
    (slot) => before.choices.get(slot) !== now.choices.get(slot),
  );
