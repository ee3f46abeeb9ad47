import { DeclaredError, Fault, fault } from "../base/fault.ts";
import { camel, type Func, type Interface, pascal, type Type, unversioned } from "../contract/model.ts";
import { ownResources } from "../contract/outline.ts";
import { flowsIn, holdsResource, resourcesIn } from "../contract/resource.ts";
import { goneError } from "./denied.ts";
import { faceOf, markAs, markOf, writtenOf } from "./face.ts";
import type { Instance } from "./instance.ts";
import type { Live } from "./live.ts";
import { GuestExit, type InterfaceImplementation } from "./provider.ts";

// What components that serve others make. A guest is given an object that stands for the maker's own, and belongs to
// the instance that made it: it answers while that stands where it stood, and says afterwards that it does not. Whoever
// holds it keeps nothing of an instance that is gone. Objects pass as the host's own do, so a guest may hold those of
// several makers.

type Callable = (...args: unknown[]) => unknown;
type Class = new (...args: unknown[]) => object;

/** Where makers stand: in one place, or in a row of them. */
export type Stand = Pick<Live, "runOf">;

/** An instance and what it made, until it is dropped. */
export interface Maker {
  readonly slot: string;
  instance: Instance | undefined;
  /** Its own objects, by those that guests were given for them. */
  own: WeakMap<object, object>;
  /** What it makes. An object of another's that it does not make itself is one that it knows from its imports. */
  readonly resources: ReadonlySet<string>;
}

/** Who made what stands behind an object. */
const makers = new WeakMap<object, Maker>();

/** What every instance in a stand exports, its failures naming the slot. */
export class Views {
  readonly #own: readonly Interface[];
  readonly #stand: Stand;
  readonly #slot: string;
  /** Without resources nothing is made here, and no types need be read to know it. */
  readonly #makes: boolean;
  readonly #views = new WeakMap<Instance, ReadonlyMap<string, Readonly<Record<string, Callable>>>>();
  /** Whether any instance here makes something, or did. */
  #hasMade = false;
  /** What guests' objects have in common, by the interface that says so and the resource. */
  readonly #prototypes = new WeakMap<Interface, ReadonlyMap<string, object>>();
  /** The same, by what those of an instance have in common. */
  readonly #classes = new WeakMap<object, object>();

  /** `own` is what every instance exports, where that is the same for all. */
  constructor(own: readonly Interface[], stand: Stand, slot: string) {
    this.#own = own;
    this.#stand = stand;
    this.#slot = slot;
    this.#makes = own.some(makesAny);
  }

  /** Once for each instance, before anything of it is called. */
  add(instance: Instance, own = this.#own): void {
    const resources = own.flatMap((one) => ownResources(one).map((resource) => markFor(one, resource)));
    this.#hasMade ||= resources.length > 0;
    const maker: Maker = { slot: this.#slot, instance, own: new WeakMap(), resources: new Set(resources) };
    // A process knows by itself what it has still, and may outlive the instance that it served.
    if (!instance.restarts)
      instance.context.onDrop(() => {
        maker.instance = undefined;
        maker.own = new WeakMap();
      });
    const views = own.map((one) => [one.name, this.#view(one, instance, maker)] as const);
    this.#views.set(instance, new Map(views));
  }

  /** Calls a function of an interface: a method has its object before its arguments. */
  call(instance: Instance, name: string, func: string, args: unknown[]): unknown {
    return this.#views.get(instance)!.get(name)![func]!(...args);
  }

  /** As `call`, on who made something, while it stands there. */
  callMaker({ instance }: Maker, name: string, func: Func, args: unknown[]): unknown {
    const replaced = () => {
      throw goneError(
        func,
        `called ${func.name} on what a component made that stands in ${this.#slot} no more`,
      );
    };
    if (!instance) return replaced();
    return this.#stand.runOf(instance, () => this.call(instance, name, func.name, args), replaced);
  }

  /** Whether a function may be given what was made here. */
  takes({ params }: Func): boolean {
    return this.#makes && params.some(({ type }) => holdsResource(type));
  }

  /** Who made the first object among arguments that is of this slot; undefined where there is none. */
  makerIn(args: unknown[]): Maker | undefined {
    let found: Maker | undefined;
    changed(args, (object) => {
      const maker = makers.get(object);
      if (maker?.slot === this.#slot) found ??= maker;
      return undefined;
    });
    return found;
  }

  /**
   * One interface as a guest sees it, whoever serves it: `callOf` has functions, statics and constructors. Objects of
   * `others` are of its resources as well.
   */
  handedOn(
    own: Interface,
    callOf: (func: Func) => Callable,
    others?: InterfaceImplementation,
  ): InterfaceImplementation {
    const { funcs } = own;
    const made: Record<string, unknown> = {};
    for (const [resource, prototype] of this.#prototypesOf(own)) {
      const construct = funcs.get(`[constructor]${resource}`);
      const other = others?.[pascal(resource)];
      const isOther = typeof other === "function" ? (value: unknown) => value instanceof other : undefined;
      const face = faceOf(markFor(own, resource), construct && callOf(construct), isOther);
      face.prototype = prototype;
      made[pascal(resource)] = face;
    }
    for (const func of funcs.values()) {
      const { role } = func;
      if (role.role === "free") made[camel(func.name)] = callOf(func);
      if (role.role !== "static") continue;
      Object.defineProperty(made[pascal(role.resource)], camel(role.member), { value: callOf(func) });
    }
    return made;
  }

  #prototypesOf(own: Interface): ReadonlyMap<string, object> {
    const known = this.#prototypes.get(own);
    if (known) return known;
    const made = ownResources(own).map((resource) => [resource, this.#prototype(own, resource)] as const);
    const prototypes = new Map(made);
    this.#prototypes.set(own, prototypes);
    return prototypes;
  }

  #prototype(own: Interface, resource: string): object {
    const { name, funcs } = own;
    const views = this;
    const prototype: Record<PropertyKey, Callable> = {};
    markAs(prototype, markFor(own, resource));
    for (const func of funcs.values())
      if (func.role.role === "method" && func.role.resource === resource)
        prototype[camel(func.role.member)] = function (this: object, ...args: unknown[]) {
          return views.callMaker(makers.get(this)!, name, func, [this, ...args]);
        };
    prototype[Symbol.dispose] = function (this: object) {
      return letGo(this, `${name}#[resource-drop]${resource}`);
    };
    return prototype;
  }

  #view(one: Interface, instance: Instance, maker: Maker): Record<string, Callable> {
    const exported = instance.exported(one.name);
    for (const [resource, prototype] of this.#prototypesOf(one)) {
      const given = exported[pascal(resource)];
      if (typeof given === "function") this.#classes.set(given.prototype, prototype);
    }
    const view: Record<string, Callable> = {};
    for (const func of one.funcs.values())
      view[func.name] = this.#guarded(instance, maker, one.name, func, calleeOf(func, exported));
    return view;
  }

  /** Calls of one function, counted and explained, with the instance's own objects for those of guests. */
  #guarded(instance: Instance, maker: Maker, name: string, func: Func, callee: Callable): Callable {
    const watch = watching(instance, func, `${name}#${func.name}`, this.#slot);
    if (maker.resources.size === 0) return (...args) => watch(() => callee(...args));
    const taken = func.params.map(({ type }) => this.#taking(type, name, maker, func));
    const gives = holdsResource(func.result);
    const given = (value: unknown) => changed(value, (object) => this.#give(object, maker));
    const failed = (error: unknown): never => {
      throw error instanceof DeclaredError ? new DeclaredError(given(error.payload)) : error;
    };
    return (...args) => {
      for (const [at, take] of taken.entries()) if (take) args[at] = changed(args[at], take);
      const work = () => watch(() => callee(...args));
      if (!gives) return work();
      try {
        const answer = work();
        return answer instanceof Promise ? answer.then(given, failed) : given(answer);
      } catch (error) {
        return failed(error);
      }
    };
  }

  /** What a guest is given for an object of an instance; undefined for any other object. */
  #give(object: object, maker: Maker): object | undefined {
    const prototype = writtenOf(this.#classes, object);
    if (!prototype) return undefined;
    const given = Object.create(prototype) as object;
    makers.set(given, maker);
    maker.own.set(given, object);
    return given;
  }

  /**
   * An instance's own objects for a guest's, in an argument of a type. Those of another would be nonsense to it, and have
   * it trap, unless it knows them from its imports.
   */
  #taking(
    type: Type,
    name: string,
    maker: Maker,
    func: Func,
  ): ((object: object) => object | undefined) | undefined {
    const resources = [...resourcesIn(type)].map((one) => marking(one.owner ?? name, one.name));
    if (resources.length === 0) return undefined;
    // A stream or a future stands for itself too, and is no resource.
    const mayBeOthers = resources.some((one) => !maker.resources.has(one)) || flowsIn(type);
    return (object) => {
      const by = makers.get(object);
      const own = by === maker ? maker.own.get(object) : undefined;
      if (own) return own;
      const isGone = mayBeOthers
        ? by?.slot === this.#slot && maker.resources.has(markOf(object)!)
        : isOpaque(object);
      if (!isGone) return undefined;
      throw goneError(func, `called ${func.name} with what another made in ${this.#slot} than who answers`);
    };
  }

  /** A function of whoever serves where nobody here does: what was made here would be nonsense to it. */
  apart(func: Func, call: Callable): Callable {
    return (...args) => {
      const maker =
        this.#hasMade && func.params.some(({ type }) => holdsResource(type)) && this.makerIn(args);
      if (maker)
        throw goneError(
          func,
          `called ${func.name} with what a component made that stands in ${this.#slot} no more`,
        );
      return call(...args);
    };
  }
}

const makesAny = (one: Interface): boolean => ownResources(one).length > 0;

const marking = (owner: string, resource: string): string => `${unversioned(owner)}#${resource}`;

const markFor = ({ name }: Interface, resource: string): string => marking(name, resource);

/** A function as an instance exports it; found when it is called, since one run calls few of those that it could. */
export const calleeOf = ({ name, role }: Func, exported: Readonly<Record<string, unknown>>): Callable => {
  if (role.role === "free") return (...args) => (exported[camel(name)] as Callable)(...args);
  const key = camel(role.member);
  if (role.role === "method") return (self, ...args) => (self as Record<string, Callable>)[key]!(...args);
  const owner = exported[pascal(role.resource)] as Class & Record<string, Callable>;
  if (role.role === "static") return (...args) => owner[key]!(...args);
  return (...args) => new owner(...args);
};

/** A drop reaches the instance that made an object while that lives, and nobody else afterwards. */
const letGo = (object: object, where: string): unknown => {
  const { slot, instance, own } = makers.get(object)!;
  const dropped = own.get(object) as { [Symbol.dispose]?: Callable } | undefined;
  if (!dropped) return undefined;
  own.delete(object);
  const drop = () => dropped[Symbol.dispose]?.();
  if (instance?.restarts) return drop();
  return instance?.usable ? watching(instance, undefined, where, slot)(drop) : undefined;
};

/**
 * A value of the JS mapping with its objects changed, wherever they lie in it, where `change` answers another. It has
 * just been lifted, so nobody else has it.
 */
const changed = (value: unknown, change: (object: object) => object | undefined): unknown => {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  const other = change(value);
  if (other) return other;
  if (value instanceof Map) for (const [key, inside] of value) value.set(key, changed(inside, change));
  // What else is no plain value is an object of the host's, and has nothing in it.
  else if (Array.isArray(value) || isPlain(value)) {
    const parts = value as Record<string, unknown>;
    for (const [key, inside] of Object.entries(parts)) {
      const after = changed(inside, change);
      if (after !== inside) parts[key] = after;
    }
  }
  return value;
};

/** No value that has parts, but something that stands for itself. */
const isOpaque = (value: object): boolean =>
  !isPlain(value) && !Array.isArray(value) && !(value instanceof Map) && !ArrayBuffer.isView(value);

const isPlain = (value: object): boolean => [Object.prototype, null].includes(Object.getPrototypeOf(value));

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
