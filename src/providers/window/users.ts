import { limits } from "../../base/limits.ts";
import type { Desk } from "./desk.ts";
import type { Pane } from "./pane.ts";

// Whose the windows of a desk are: of one instance, or during a swap of two, of which the second may yet fail.

/** One instance's way to windows. */
export interface WindowHand {
  readonly open: Desk["open"];
  /** Refuses a size that a window may not have. */
  readonly admit: Desk["admit"];
  /** Closes a window, where nobody else has it. */
  close(pane: Pane): void;
  /** The title that a window has, or is to have when its instance serves. */
  titleOf(pane: Pane): string;
  rename(pane: Pane, title: string): void;
  /** Changes what it shares with the instance whose place it is to take: once it has taken it. */
  change(work: () => void): void;
  /** Ends the program with this code; as `change`. */
  stop(exitCode: number): void;
  /** Whether it is to take a place and has not. */
  readonly waits: boolean;
}

/** What somebody wants who is to take another's place: if that fails, nothing of it has happened. */
interface Wishes {
  readonly changes: (() => void)[];
  readonly titles: Map<Pane, string>;
  exitCode?: number;
}

/** The instances that use a desk. */
export class Users {
  readonly #desk: Desk;
  readonly #users = new Set<object>();
  /** Whose each window is: closed when its last user has gone. */
  readonly #owners = new Map<Pane, Set<object>>();
  /** Those who are to take the place of another, and may yet fail. */
  readonly #coming = new Map<object, Wishes>();

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** A window is closed. */
  forget(pane: Pane): void {
    this.#owners.delete(pane);
  }

  /** One more instance opens windows here. One that takes another's place is given those that are open, in order. */
  join(user: object): void {
    if (this.#users.size > 0) this.#coming.set(user, { changes: [], titles: new Map() });
    this.#users.add(user);
  }

  /** What opens windows for one instance, and closes them. */
  handFor(user: object): WindowHand {
    // Those that were there before it, which it has not asked for yet.
    const inherited = this.#coming.has(user) ? this.#desk.panes : [];
    const take = (): Pane | undefined => {
      for (let pane = inherited.shift(); pane; pane = inherited.shift()) if (pane.isOpen) return pane;
      return undefined;
    };
    const coming = this.#coming;
    return {
      open: (title, width, height) => {
        const there = take();
        if (there) this.#rename(there, user, title);
        const pane = there ?? this.#desk.open(title, width, height);
        this.#owners.set(pane, (this.#owners.get(pane) ?? new Set()).add(user));
        return pane;
      },
      admit: (width, height, changed) => this.#desk.admit(width, height, changed),
      close: (pane) => this.#release(pane, user),
      titleOf: (pane) => this.#coming.get(user)?.titles.get(pane) ?? pane.title,
      rename: (pane, title) => this.#rename(pane, user, title),
      change: (work) => this.#change(user, work),
      stop: (exitCode) => {
        const wishes = this.#coming.get(user);
        if (wishes) wishes.exitCode = exitCode;
        else this.#desk.exitCode = exitCode;
      },
      get waits() {
        return coming.has(user);
      },
    };
  }

  /** Whether an instance has ended the program, or would if it served. */
  endedBy(user: object): boolean {
    const wishes = this.#coming.get(user);
    return (wishes ?? this.#desk).exitCode !== undefined;
  }

  /** How many of the open windows are an instance's. */
  ownedBy(user: object): number {
    return this.#desk.panes.filter((pane) => this.#owners.get(pane)?.has(user)).length;
  }

  /** An instance is gone: windows that nobody else has are closed, and after the last all is let go of. */
  leave(user: object): void {
    this.#users.delete(user);
    if (this.#users.size === 0) this.#desk.end();
    // Who came and goes first has failed; what it may have drawn is drawn over.
    if (this.#coming.delete(user)) this.#desk.want();
    else if (this.#users.size === this.#coming.size) for (const next of [...this.#users]) this.#settle(next);
    for (const pane of this.#desk.panes) if (this.#owners.get(pane)?.has(user)) this.#release(pane, user);
  }

  /** Who came has taken the place: now it has its will. */
  #settle(user: object): void {
    const wishes = this.#coming.get(user);
    this.#coming.delete(user);
    for (const change of wishes?.changes ?? []) change();
    for (const [pane, title] of wishes?.titles ?? []) pane.rename(title);
    this.#desk.exitCode ??= wishes?.exitCode;
  }

  #change(user: object, work: () => void): void {
    const wishes = this.#coming.get(user);
    if (!wishes) work();
    else if (wishes.changes.length < limits.windowWishesMax) wishes.changes.push(work);
  }

  #rename(pane: Pane, user: object, title: string): void {
    const wishes = this.#coming.get(user);
    if (wishes) wishes.titles.set(pane, title);
    else pane.rename(title);
  }

  /** A window that others have as well stays for them. */
  #release(pane: Pane, user: object): void {
    const owners = this.#owners.get(pane);
    owners?.delete(user);
    if (!owners || owners.size === 0) pane.close();
  }
}
