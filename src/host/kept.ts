// What an instance keeps under names for the one that takes its place. Owns the names, their bounds, and from whose
// shelf may be taken; refuses to know what lies there; called by the providers of what can be kept.
import { declared } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import type { InstanceContext } from "./provider.ts";

/** `loop:core/keeping#refusal`: why something is not kept. */
export type Refusal = "bad-name" | "too-many" | "unfit";

const refusal = (why: Refusal): Error => declared(why);

/** Of what nobody could go on with. */
export const unfit = (): Error => refusal("unfit");

interface Kept<T> {
  readonly thing: T;
  readonly letGo: () => void;
}

/** Things of one kind that one instance keeps. They are its own, and count for it, until its end. */
export class Shelf<T> {
  #before: (() => Shelf<T> | undefined) | undefined;
  readonly #kept = new Map<string, Kept<T>>();

  /** `before` is the shelf of whoever stands in the place that this instance is to take. */
  constructor(before: () => Shelf<T> | undefined) {
    this.#before = before;
  }

  /** Keeps it in place of what had the name; `hold` begins to hold it open, and its answer ends that. Declared `refusal`. */
  keep(name: string, thing: T, hold: () => () => void): void {
    const bytes = Buffer.byteLength(name);
    if (bytes === 0 || bytes > limits.keptNameBytesMax) throw refusal("bad-name");
    if (!this.#kept.has(name) && this.#kept.size >= limits.keptNamesMax) throw refusal("too-many");
    const letGo = hold();
    this.forget(name);
    this.#kept.set(name, { thing, letGo });
  }

  /** What the one before keeps under the name, which goes on being that one's. */
  find(name: string): T | undefined {
    return this.#before?.()?.own(name);
  }

  own(name: string): T | undefined {
    return this.#kept.get(name)?.thing;
  }

  forget(name: string): void {
    this.#kept.get(name)?.letGo();
    this.#kept.delete(name);
  }

  /** Its instance is gone, and with it what nobody took. */
  end(): void {
    this.#before = undefined;
    for (const name of [...this.#kept.keys()]) this.forget(name);
  }
}

/** The shelves of one kind, an instance's each. Names of two kinds never meet, nor do those of two instances. */
export class Shelves<T> {
  readonly #known = new WeakMap<object, Shelf<T>>();

  /** The shelf of an instance; the same for all who ask with its context. */
  of(context: InstanceContext): Shelf<T> {
    const key = identityOf(context);
    const known = this.#known.get(key);
    if (known) return known;
    // Asked at each use: whose place it took is forgotten once it was replaced itself.
    const shelf = new Shelf<T>(() => context.before && this.#known.get(identityOf(context.before)));
    this.#known.set(key, shelf);
    context.onDrop(() => shelf.end());
    return shelf;
  }
}

/** What goes on from one instance to the next without being asked for, as a clock does. */
export class Lasting<T> {
  readonly #known = new WeakMap<object, T>();

  /** What an instance has of it; for the first time, what `make` answers to what the one before it had. */
  of(context: InstanceContext, make: (before: T | undefined) => T): T {
    const own = identityOf(context);
    const known = this.#known.get(own);
    if (known !== undefined) return known;
    const made = make(context.before && this.#known.get(identityOf(context.before)));
    this.#known.set(own, made);
    return made;
  }
}

/** What an instance is known by: whoever stands between it and a provider may pass its context on as another. */
const identityOf = (context: InstanceContext): object => context.shared ?? context;
