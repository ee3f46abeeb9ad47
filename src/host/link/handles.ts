import { BorrowScope, type ComponentInstance, entered, Handle, type ResourceType } from "./state.ts";
import { misfit, trap } from "./trap.ts";

// Handles at the borders: between guests' tables, and between a guest and the host's objects. What moves is
// the representation (CanonicalABI.md, lift_own, lift_borrow, lower_own, lower_borrow).

/** What a call lent, to be given back when it ends: handles and host objects. */
export type Lent = (Handle | GuestObject)[];

const resourceKey = Symbol("resource");
const representationKey = Symbol("representation");
const ownedKey = Symbol("owned");

/** A guest's resource in the host's hands. `resourceKey` is undefined once it is gone. */
export interface GuestObject {
  [resourceKey]: ResourceType | undefined;
  [representationKey]: number;
  [ownedKey]: boolean;
  lends: number;
}

const isGuestObject = (value: unknown): value is GuestObject =>
  typeof value === "object" && value !== null && resourceKey in value;

export const giveBack = (lent: Lent): void => {
  for (const one of lent) {
    if (one instanceof Handle) one.lends--;
    else if (one[ownedKey]) one.lends--;
    else one[resourceKey] = undefined;
  }
};

export const liftOwn = (instance: ComponentInstance, type: ResourceType, index: number): unknown => {
  const handle = instance.handles.get(index, type);
  if (handle.scope) trap("cannot lift own resource from a borrow");
  return instance.handles.remove(index, type).representation;
};

export const liftBorrow = (
  instance: ComponentInstance,
  type: ResourceType,
  index: number,
  lent: Lent,
): unknown => {
  const handle = instance.handles.get(index, type);
  handle.lends++;
  lent.push(handle);
  return handle.representation;
};

export const lowerOwn = (instance: ComponentInstance, type: ResourceType, representation: unknown): number =>
  instance.handles.add(new Handle(type, representation, undefined));

export const lowerBorrow = (
  instance: ComponentInstance,
  type: ResourceType,
  representation: unknown,
  scope: BorrowScope,
): number => {
  scope.count++;
  return instance.handles.add(new Handle(type, representation, scope));
};

export const newScope = (): BorrowScope => new BorrowScope();

/** The representation of what the host passes as owned; a guest's object is gone for the host after that. */
export const takeFromHost = (type: ResourceType, value: unknown): unknown => {
  if (!type.implementer) return hostObject(type, value);
  const object = guestObject(type, value);
  if (!object[ownedKey]) throw new TypeError(`A borrowed ${type.name} cannot be given away`);
  if (object.lends > 0) throw new TypeError(`A ${type.name} that is lent cannot be given away`);
  forget(object);
  return object[representationKey];
};

export const borrowFromHost = (type: ResourceType, value: unknown, lent: Lent): unknown => {
  if (!type.implementer) return hostObject(type, value);
  const object = guestObject(type, value);
  if (object[ownedKey]) {
    object.lends++;
    lent.push(object);
  }
  return object[representationKey];
};

const hostObject = (type: ResourceType, value: unknown): unknown => {
  const { hostClass } = type;
  const fits =
    typeof value === "object" && value !== null && (hostClass === undefined || value instanceof hostClass);
  return fits ? value : misfit(`resource ${type.name}`, value);
};

const guestObject = (type: ResourceType, value: unknown): GuestObject => {
  if (isGuestObject(value)) {
    if (value[resourceKey] === type) return value;
    if (value[resourceKey] === undefined)
      throw new TypeError(`The ${type.name} has been dropped or given away`);
  }
  return misfit(`resource ${type.name}`, value);
};

export const giveToHost = (type: ResourceType, representation: unknown): unknown =>
  type.implementer ? wrapped(type, representation, true) : representation;

/** A resource whose class nobody exports still has one. */
const wrapped = (type: ResourceType, representation: unknown, owned: boolean): object => {
  if (!type.wrap) classFor(type, undefined);
  return type.wrap!(representation as number, owned);
};

/** A borrow in the host's hands: good until the call ends. */
export const lendToHost = (type: ResourceType, representation: unknown, lent: Lent): unknown => {
  if (!type.implementer) return representation;
  const object = wrapped(type, representation, false) as GuestObject;
  lent.push(object);
  return object;
};

// ── guests' resources as the host's classes ──────────────────────────────────────────────────────────────

interface Abandoned {
  readonly type: ResourceType;
  readonly representation: number;
}

/** Owned objects that the host let go of without disposing of them; their destructors still run. */
const collected = new FinalizationRegistry<Abandoned>((one) => {
  late.push(one);
  for (const waiting of late.splice(0)) {
    // A guest that is in the middle of a call cannot be entered; the next collection tries again.
    if (waiting.type.implementer!.lineage().some((instance) => instance.entered)) late.push(waiting);
    else destroy(waiting.type, waiting.representation, undefined);
  }
  // An instance that trapped stays entered for ever, and this queue must not keep all of its memory.
  if (late.length > 1024) late.splice(0, late.length - 1024);
});
const late: Abandoned[] = [];

const forget = (object: GuestObject): void => {
  object[resourceKey] = undefined;
  collected.unregister(object);
};

/** Runs the destructor of a resource that `caller` (undefined: the host) drops. May give a promise (JSPI). */
export const destroy = (
  type: ResourceType,
  representation: unknown,
  caller: ComponentInstance | undefined,
): unknown => {
  if (!type.implementer) {
    const dispose = (representation as Partial<Disposable>)[Symbol.dispose];
    return dispose?.call(representation as Disposable);
  }
  const { destructor } = type;
  if (!destructor) return undefined;
  return entered(type.implementer.entering(caller), () => destructor(representation as number));
};

/**
 * Gives a guest's resource its class for the host: `construct` makes an object where WIT has a constructor.
 * Methods are put on the prototype by whoever knows the exports.
 */
export const classFor = (
  type: ResourceType,
  construct: ((...args: unknown[]) => object) | undefined,
): (new () => object) => {
  const { name } = type;
  const made = {
    [name]: class {
      constructor(...args: unknown[]) {
        if (!construct) throw new TypeError(`Resource ${name} has no constructor`);
        // biome-ignore lint/correctness/noConstructorReturn: the guest makes the object
        return construct(...args);
      }
    },
  }[name]!;
  function Made(this: GuestObject, representation: number, owned: boolean) {
    this[resourceKey] = type;
    this[representationKey] = representation;
    this[ownedKey] = owned;
    this.lends = 0;
  }
  Made.prototype = made.prototype;
  const Make = Made as unknown as new (representation: number, owned: boolean) => GuestObject;
  Object.defineProperty(made.prototype, Symbol.dispose, {
    configurable: true,
    writable: true,
    value(this: GuestObject) {
      if (this[resourceKey] !== type || !this[ownedKey]) return;
      if (this.lends > 0) throw new TypeError(`A ${name} that is lent cannot be dropped`);
      forget(this);
      destroy(type, this[representationKey], undefined);
    },
  });
  type.wrap = (representation, owned) => {
    const object = new Make(representation, owned);
    if (owned) collected.register(object, { type, representation }, object);
    return object;
  };
  type.hostClass = made as never;
  return made;
};
