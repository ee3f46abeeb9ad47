import { limits } from "../../base/limits.ts";
import { trap } from "./trap.ts";

// What the canonical ABI keeps beside core instances: who is inside, who may leave, and the handles
// (component-model CanonicalABI.md, "Component Instances", "Table State", "Resource State").

/** Any function; what is called with is known to the code that is generated. */
export type Callable = (...args: never[]) => unknown;

/** One component instance. After a trap `entered` stays true, so every later call is refused. */
export class ComponentInstance {
  readonly parent: ComponentInstance | undefined;
  readonly handles = new HandleTable();
  entered = false;
  mayLeave = true;
  /** Changes when it is put back: whoever was suspended in it before is never woken. */
  era = 0;

  constructor(parent: ComponentInstance | undefined) {
    this.parent = parent;
  }

  /** Remembers its handles; the answer puts them back, and says whether all of them were still there. */
  mark(): () => boolean {
    const undo = this.handles.mark();
    return () => {
      this.era++;
      this.entered = false;
      this.mayLeave = true;
      return undo();
    };
  }

  /** This instance and those that it was instantiated by, innermost first. */
  lineage(): ComponentInstance[] {
    return this.parent ? [this, ...this.parent.lineage()] : [this];
  }

  /** What a call from `caller` (undefined: the host) freshly enters. */
  entering(caller: ComponentInstance | undefined): ComponentInstance[] {
    const inside = new Set(caller?.lineage());
    return this.lineage().filter((instance) => !inside.has(instance));
  }
}

export const cannotEnter = (): never => trap("cannot enter component instance");
export const cannotLeave = (): never => trap("cannot leave component instance");

/** Runs `work` inside `instances`; a throw leaves them entered, which is how a trap poisons them. */
export const entered = <T>(instances: readonly ComponentInstance[], work: () => T): T => {
  for (const instance of instances) if (instance.entered) cannotEnter();
  for (const instance of instances) instance.entered = true;
  const leave = () => {
    for (const instance of instances) instance.entered = false;
  };
  const result = work();
  if (result instanceof Promise) return result.then(leave) as T;
  leave();
  return result;
};

/**
 * A resource type at run time; identity is object identity. The representation of a guest's resource is its
 * i32, that of a host's resource the JavaScript object itself.
 */
export class ResourceType {
  readonly name: string;
  /** Undefined for a resource that the host implements. */
  readonly implementer: ComponentInstance | undefined;
  /** The guest's destructor, a core function of the representation. */
  readonly destructor: ((representation: number) => unknown) | undefined;
  /** Whether the destructor gives a promise (JSPI). */
  readonly suspends: boolean;
  /** The host's class, or the class through which the host sees the guest's resource. */
  hostClass: (new (...args: never[]) => object) | undefined;
  /** Makes the host's object for an owned guest resource. */
  wrap: ((representation: number, owned: boolean) => object) | undefined;

  constructor(
    name: string,
    implementer: ComponentInstance | undefined,
    destructor?: (representation: number) => unknown,
    suspends = false,
  ) {
    this.name = name;
    this.implementer = implementer;
    this.destructor = destructor;
    this.suspends = suspends;
  }
}

/** What a call lowered as borrows; all of them must be dropped before it returns. */
export class BorrowScope {
  count = 0;

  end(): void {
    if (this.count > 0) trap("borrow handles still remain at the end of the call");
  }
}

export class Handle {
  readonly type: ResourceType;
  readonly representation: unknown;
  /** Undefined for an own handle. */
  readonly scope: BorrowScope | undefined;
  lends = 0;

  constructor(type: ResourceType, representation: unknown, scope: BorrowScope | undefined) {
    this.type = type;
    this.representation = representation;
    this.scope = scope;
  }
}

/** Indices that a guest sees. Freed ones are used again, last freed first, as the specification's table does. */
export class HandleTable {
  readonly #slots: (Handle | undefined)[] = [undefined];
  readonly #free: number[] = [];

  add(handle: Handle): number {
    const free = this.#free.pop();
    if (free !== undefined) {
      this.#slots[free] = handle;
      return free;
    }
    // The specification's bound is 2^28; ours is what a host should keep for one guest.
    if (this.#slots.length > limits.guestHandlesMax) trap("resource table has no free keys");
    return this.#slots.push(handle) - 1;
  }

  get(index: number, type: ResourceType): Handle {
    const handle = this.#slots[index >>> 0];
    if (handle === undefined) return trap(`unknown handle index ${index >>> 0}`);
    if (handle.type !== type)
      return trap(
        `handle index ${index >>> 0} used with the wrong type, expected guest-defined resource but found a different guest-defined resource`,
      );
    return handle;
  }

  remove(index: number, type: ResourceType): Handle {
    const handle = this.get(index, type);
    if (handle.lends > 0) trap("cannot remove owned resource while borrowed");
    this.#slots[index >>> 0] = undefined;
    this.#free.push(index >>> 0);
    return handle;
  }

  /** Remembers what it holds; the answer lets go of what came since, and says whether nothing was taken away. */
  mark(): () => boolean {
    const before = [...this.#slots];
    return () => {
      let whole = true;
      for (const [index, handle] of this.#slots.entries()) {
        const was = before[index];
        if (handle === was) {
          if (handle) handle.lends = 0;
          continue;
        }
        if (was) whole = false;
        if (!handle) continue;
        this.#slots[index] = undefined;
        this.#free.push(index);
        // What guests made lies in their memory, which is as it was; what the host made is to be let go of.
        if (!handle.scope && !handle.type.implementer)
          (handle.representation as Partial<Disposable>)[Symbol.dispose]?.();
      }
      return whole;
    };
  }

  /** Handles in use. */
  get size(): number {
    return this.#slots.length - 1 - this.#free.length;
  }
}
