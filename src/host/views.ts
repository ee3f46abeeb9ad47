import { Fault, fault } from "../base/fault.ts";
import { camel, type Func, type Interface, pascal, unversioned } from "../contract/model.ts";
import { ownResources } from "../contract/outline.ts";
import { holdsResource } from "../contract/resource.ts";
import { goneError } from "./denied.ts";
import type { Instance } from "./instance.ts";
import type { Live } from "./live.ts";
import { GuestExit, type InterfaceImplementation } from "./provider.ts";

// What components that serve others make. Objects belong to the instance that made them: their methods answer while it
// stands where it stood, and afterwards say that it does not. They pass as the host's own do, by themselves, so a guest
// may hold those of several makers.

type Callable = (...args: unknown[]) => unknown;
type Class = new (...args: unknown[]) => object;

/** Where makers stand: in one place, or in a row of places. */
export type Stand = Pick<Live, "runOf">;

/** What every instance in a stand exports, its failures naming the slot. */
export class Views {
  readonly #own: readonly Interface[];
  readonly #stand: Stand;
  readonly #slot: string;
  /** Without resources of its own nothing is made here, and no types need be read to know it. */
  readonly #makes: boolean;
  readonly #views = new WeakMap<Instance, ReadonlyMap<string, Readonly<Record<string, Callable>>>>();

  constructor(own: readonly Interface[], stand: Stand, slot: string) {
    this.#own = own;
    this.#stand = stand;
    this.#slot = slot;
    this.#makes = own.some((one) => ownResources(one).length > 0);
  }

  /** Once for each instance, before anything of it is called. */
  add(instance: Instance): void {
    this.#views.set(instance, new Map(this.#own.map((one) => [one.name, this.#view(one, instance)])));
  }

  /** Calls a function or static of an interface, or constructs; methods are called on their objects. */
  call(instance: Instance, name: string, func: string, args: unknown[]): unknown {
    return this.#views.get(instance)!.get(name)![func]!(...args);
  }

  /** Whether a function may be given what was made here. */
  takes({ params }: Func): boolean {
    return this.#makes && params.some(({ type }) => holdsResource(type));
  }

  /** Who of this slot made the first object among arguments; undefined where there is none. */
  makerIn(args: readonly unknown[]): Instance | undefined {
    for (const { maker } of madeIn(args)) if (maker.slot === this.#slot) return maker.instance;
    return undefined;
  }

  /** Refuses a call on, or with, what is not there any more. */
  replaced(func: Func): never {
    throw goneError(
      func,
      `called ${func.name} on what a component made that stands in ${this.#slot} no more`,
    );
  }

  #view(own: Interface, instance: Instance): Record<string, Callable> {
    const { name, funcs } = own;
    const exported = instance.exported(name);
    const classes = new Map<string, Class>();
    for (const resource of ownResources(own)) {
      const given = exported[pascal(resource)];
      if (typeof given !== "function") continue;
      classes.set(resource, given as Class);
      marks.set(given.prototype, `${unversioned(name)}#${resource}`);
      makers.set(given.prototype, { slot: this.#slot, instance });
      guardDrop(given.prototype, instance, `${name}#[resource-drop]${resource}`, this.#slot);
    }
    const view: Record<string, Callable> = {};
    for (const func of funcs.values()) {
      const { role } = func;
      const watched = this.#watched(instance, func, `${name}#${func.name}`);
      if (role.role === "free") {
        view[func.name] = (...args) => watched(args, () => (exported[camel(func.name)] as Callable)(...args));
        continue;
      }
      const owner = classes.get(role.resource);
      if (!owner) continue;
      const key = camel(role.member);
      if (role.role === "constructor") view[func.name] = (...args) => watched(args, () => new owner(...args));
      else if (role.role === "static")
        view[func.name] = (...args) =>
          watched(args, () => (owner as unknown as Record<string, Callable>)[key]!(...args));
      else this.#replaceMethod(owner.prototype, key, instance, func, watched);
    }
    return view;
  }

  /** The object answers while its maker stands there, whoever calls. */
  #replaceMethod(
    prototype: Record<string, Callable>,
    key: string,
    instance: Instance,
    func: Func,
    watched: Watched,
  ): void {
    const callee = prototype[key]!;
    const views = this;
    prototype[key] = function (this: unknown, ...args: unknown[]) {
      return views.#stand.runOf(
        instance,
        () => watched(args, () => callee.apply(this, args)),
        () => views.replaced(func),
      );
    };
  }

  /**
   * Runs calls of one function, counted and explained. Arguments that another instance made are refused: the callee
   * would take them for nonsense, and trap.
   */
  #watched(instance: Instance, func: Func, where: string): Watched {
    const slot = this.#slot;
    const watch = watching(instance, func, where, slot);
    if (!this.#makes) return (_, work) => watch(work);
    const takes = this.takes(func);
    const gives = holdsResource(func.result);
    return (args, work) => {
      if (takes)
        for (const { maker } of madeIn(args))
          if (maker.slot === slot && maker.instance !== instance)
            throw goneError(func, `called ${func.name} with what another made in ${slot} than who answers`);
      const answer = watch(work);
      if (!gives) return answer;
      return answer instanceof Promise ? answer.then(guardDrops) : guardDrops(answer);
    };
  }
}

type Watched = (args: readonly unknown[], work: () => unknown) => unknown;

const watching = (instance: Instance, func: Func | undefined, where: string, slot: string) => {
  const component = instance.context.component.identifier;
  const named = (error: unknown): never => {
    if (error instanceof GuestExit)
      throw fault("LK0304", `${component} ended itself in ${where}, in the middle of serving another`);
    throw error instanceof Fault
      ? error.within({ slot, component, phase: "call", message: "Filling the slot" })
      : error;
  };
  return (work: () => unknown): unknown => {
    try {
      const answer = instance.watch(func, where, work);
      return answer instanceof Promise ? answer.catch(named) : answer;
    } catch (error) {
      return named(error);
    }
  };
};

/** The functions of an interface as providers name those that may wait. */
export const suspendingFuncs = ({ name, funcs }: Interface): string[] =>
  [...funcs.keys()].map((func) => `${unversioned(name)}#${func}`);

/** One interface as a guest sees it, whoever serves it: `callOf` has functions, statics and constructors. */
export const handedOn = (own: Interface, callOf: (func: Func) => Callable): InterfaceImplementation => {
  const { name, funcs } = own;
  const made: Record<string, unknown> = {};
  for (const resource of ownResources(own)) {
    const construct = funcs.get(`[constructor]${resource}`);
    made[pascal(resource)] = faceOf(`${unversioned(name)}#${resource}`, construct && callOf(construct));
  }
  for (const func of funcs.values()) {
    const { role } = func;
    if (role.role === "free") made[camel(func.name)] = callOf(func);
    if (role.role === "free" || role.role === "constructor") continue;
    const face = made[pascal(role.resource)] as Face | undefined;
    const key = camel(role.member);
    if (!face) continue;
    if (role.role === "static") Object.defineProperty(face, key, { value: callOf(func) });
    else face.prototype[key] = onObject(key);
  }
  return made;
};

/** A method of objects that answer for themselves. */
const onObject = (key: string): Callable =>
  function (this: Record<string, Callable>, ...args: unknown[]) {
    return this[key]!(...args);
  };

type Face = Callable & { prototype: Record<string, Callable> };

/** A class that stands for a resource of several makers: objects of every component's of this name are its own. */
const faceOf = (
  resource: string,
  construct: Callable | undefined,
  isOwn: (value: unknown) => boolean = () => false,
): Face => {
  function Face(...args: unknown[]): unknown {
    if (!construct) throw new TypeError(`Resource ${resource} has no constructor`);
    return construct(...args);
  }
  Object.defineProperty(Face, Symbol.hasInstance, {
    value: (value: unknown) => isOwn(value) || isMarked(value, resource),
  });
  return Face as unknown as Face;
};

/** An interface whose resources are not its implementer's alone any more. */
export const joined = (
  plain: string,
  wanted: Interface,
  implementation: InterfaceImplementation,
): InterfaceImplementation => {
  const made: Record<string, unknown> = { ...implementation };
  for (const resource of ownResources(wanted)) {
    const base = implementation[pascal(resource)];
    if (typeof base !== "function") continue;
    const face = faceOf(
      `${plain}#${resource}`,
      (...args) => new (base as Class)(...args),
      (value) => value instanceof base,
    );
    face.prototype = base.prototype;
    for (const key of Object.getOwnPropertyNames(base))
      if (!["length", "name", "prototype", "caller", "arguments"].includes(key))
        Object.defineProperty(face, key, Object.getOwnPropertyDescriptor(base, key)!);
    made[pascal(resource)] = face;
  }
  return made;
};

interface Maker {
  readonly slot: string;
  readonly instance: Instance;
}

/** Of the classes that components export to others: whose resource their objects are. */
const marks = new WeakMap<object, string>();

/** Which instance of which slot made the objects of these classes. */
const makers = new WeakMap<object, Maker>();

/** What is written of the class of an object, or of one that it extends. */
const writtenOf = <T>(written: WeakMap<object, T>, value: unknown): T | undefined => {
  for (let at = value; typeof at === "object" && at !== null; at = Object.getPrototypeOf(at)) {
    const found = written.get(at);
    if (found !== undefined) return found;
  }
  return undefined;
};

const isMarked = (value: unknown, resource: string): boolean => writtenOf(marks, value) === resource;

/** The objects of components in a value of the JS mapping, wherever they lie in it. */
function* madeIn(value: unknown): Generator<{ readonly object: object; readonly maker: Maker }> {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return;
  const maker = writtenOf(makers, value);
  if (maker) yield { object: value, maker };
  // What else is no plain value is an object of the host's, and has nothing in it.
  else if (value instanceof Map) for (const inside of value.values()) yield* madeIn(inside);
  else if (Array.isArray(value) || isPlain(value))
    for (const inside of Object.values(value)) yield* madeIn(inside);
}

const isPlain = (value: object): boolean => [Object.prototype, null].includes(Object.getPrototypeOf(value));

/** A drop reaches the instance that made an object while that lives, and nobody else afterwards. */
const guardDrop = (on: object, instance: Instance, where: string, slot: string): void => {
  const droppable = on as { [Symbol.dispose]?: Callable };
  const drop = droppable[Symbol.dispose];
  // A process knows by itself what it has still, and may outlive the instance that it served.
  if (!drop || instance.restarts) return;
  const watch = watching(instance, undefined, where, slot);
  droppable[Symbol.dispose] = function (this: unknown) {
    if (instance.usable) return watch(() => drop.call(this));
  };
};

/** jco's objects have each a way of their own to be dropped, beside their class. */
const guardDrops = (answer: unknown): unknown => {
  for (const { object, maker } of madeIn(answer))
    if (Object.hasOwn(object, Symbol.dispose)) guardDrop(object, maker.instance, "a drop", maker.slot);
  return answer;
};
