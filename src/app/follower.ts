import type { Followed, Following } from "./follow.ts";

/** Follows what is chosen elsewhere from when that first matters; most programs are over before it does. */
export class Follower {
  readonly #following: () => Following | undefined;
  #followed: Promise<Followed | undefined> | undefined;

  /** `following` is asked at the beginning; undefined where nothing is followed. */
  constructor(following: () => Following | undefined) {
    this.#following = following;
  }

  /** Faults: those of the slots; then it may be asked again. */
  begin(): Promise<Followed | undefined> {
    this.#followed ??= this.#begin().catch((error) => {
      this.#followed = undefined;
      throw error;
    });
    return this.#followed;
  }

  async #begin(): Promise<Followed | undefined> {
    const following = this.#following();
    return following && (await import("./follow.ts")).follow(following);
  }

  /** As `Followed.now`; nobody is waited for where nothing is followed. */
  async now(): Promise<void> {
    await (await this.#followed)?.now();
  }

  /** Takes in what is chosen elsewhere than in memory, and follows from then on. Faults as `begin`. */
  async refill(): Promise<void> {
    await (await this.begin())?.now("elsewhere");
  }
}
