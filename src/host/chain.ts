import { Fault, fault } from "../base/fault.ts";
import {
  camel,
  type Func,
  type Interface,
  pascal,
  type Type,
  unversioned,
  type World,
} from "../contract/model.ts";
import { ownResources } from "../contract/outline.ts";
import { goneError } from "./denied.ts";
import type { Instance } from "./instance.ts";
import { Live } from "./live.ts";
import { placeOf, type Swaps } from "./places.ts";
import type { LinkedPlan } from "./plan.ts";
import { GuestExit, type InstanceContext, type InterfaceImplementation, type Provider } from "./provider.ts";

// Components in a capability's place. Each stands before whoever would serve otherwise, and reaches the next one
// through its own import of the same interface; for the guest there is one capability.

export interface StandIn {
  /** The slot's name, for reports. */
  readonly slot: string;
  readonly plan: LinkedPlan;
  /** Versioned interfaces that it serves, of those that it exports. */
  readonly interfaces: readonly string[];
  /** Versioned interfaces of others of whose resources it, or who comes after it, makes more. */
  readonly joins: readonly string[];
  /** The context of its own instance, made for one caller. */
  contextOf(caller: InstanceContext): InstanceContext;
  /** Where it can be swapped while it serves; calls into it may then wait. */
  readonly swaps?: Swaps | undefined;
}

/**
 * A provider made of a component. Every instance that it serves has an instance of it. Its resources pass as the
 * host's own do: by their objects, on which methods are found, so a guest may hold those of several makers.
 */
export const standIn = (options: StandIn): Provider => {
  const { slot, plan, interfaces, joins, swaps } = options;
  const own = [...interfaces, ...joins].flatMap((name) => {
    const extern = plan.world.exports.get(name);
    return extern?.kind === "interface" ? [extern.interface] : [];
  });
  return {
    name: slot,
    interfaces,
    joins,
    suspending:
      plan.suspends || swaps
        ? own.flatMap(({ name, funcs }) => [...funcs.keys()].map((func) => `${unversioned(name)}#${func}`))
        : [],
    defaultGranted: "*",
    async instantiate(caller) {
      const instance = await startFor(caller, plan, options.contextOf(caller));
      const exports = new Map(own.map((one) => [one.name, { kind: "interface", interface: one } as const]));
      const contract: World = { name: undefined, imports: new Map(), exports };
      const live = new Live({ place: slot, contract, waits: swaps !== undefined }, plan, instance);
      const views = new Views(own, live, slot);
      views.add(instance);
      const start = async (next: LinkedPlan, context: InstanceContext) => {
        const made = await startFor(caller, next, context);
        views.add(made);
        return made;
      };
      const leave = swaps?.places.add(placeOf(slot, live, swaps, caller, start));
      caller.onDrop(() => {
        leave?.();
        live.drop();
      });
      return Object.fromEntries(own.map((one) => [one.name, handedOn(one, live, views)]));
    },
  };
};

const startFor = (caller: InstanceContext, plan: LinkedPlan, context: InstanceContext): Promise<Instance> => {
  const { budget } = caller;
  return plan.instantiate({ ...context, caller, ...(budget && { budget }) });
};

/**
 * The rest of a chain, or the host's own provider, as it serves a component that stands before it: under the grants
 * of the guest at the chain's head, since it is that guest's use which passes through.
 */
export const behind = (
  { of, ...provider }: Provider,
  covers: (interfaceName: string) => boolean,
): Provider => ({
  ...provider,
  interfaces: provider.interfaces.filter(covers),
  instantiate: (context) => provider.instantiate(context.caller ? passing(context, context.caller) : context),
});

const passing = (context: InstanceContext, { grants, onDenied, ask }: InstanceContext): InstanceContext => ({
  ...context,
  grants,
  ...(onDenied && { onDenied }),
  ...(ask && { ask }),
});

type Callable = (...args: unknown[]) => unknown;

/** What one generation exports of an interface, its failures naming the slot. */
interface View {
  readonly funcs: Readonly<Record<string, Callable>>;
  readonly classes: ReadonlyMap<string, Class>;
}

type Class = new (...args: unknown[]) => object;

/**
 * The exports of every generation in a place. Objects belong to the generation that made them: their methods answer
 * while that one stands there, and afterwards say that it does not.
 */
class Views {
  readonly #own: readonly Interface[];
  readonly #live: Live;
  readonly #slot: string;
  readonly #views = new WeakMap<Instance, ReadonlyMap<string, View>>();

  constructor(own: readonly Interface[], live: Live, slot: string) {
    this.#own = own;
    this.#live = live;
    this.#slot = slot;
  }

  add(instance: Instance): void {
    this.#views.set(instance, new Map(this.#own.map((one) => [one.name, this.#view(one, instance)])));
  }

  of(instance: Instance, name: string): View {
    return this.#views.get(instance)!.get(name)!;
  }

  #view(own: Interface, instance: Instance): View {
    const { name, funcs } = own;
    const exported = instance.exported(name);
    const view = { funcs: {} as Record<string, Callable>, classes: new Map<string, Class>() };
    for (const resource of ownResources(own)) {
      const given = exported[pascal(resource)];
      if (typeof given !== "function") continue;
      view.classes.set(resource, given as Class);
      marks.set(given.prototype, `${unversioned(name)}#${resource}`);
      makers.set(given.prototype, { slot: this.#slot, instance });
    }
    for (const func of funcs.values()) {
      const { role } = func;
      const watched = watching(instance, func, `${name}#${func.name}`, this.#slot);
      const requireOwn = this.#owning(instance, func);
      if (role.role === "free") {
        const callee = exported[camel(func.name)] as Callable;
        view.funcs[func.name] = (...args) => {
          requireOwn(args);
          return watched(() => callee(...args));
        };
        continue;
      }
      const owner = view.classes.get(role.resource);
      if (!owner || role.role === "constructor") continue;
      const place = (role.role === "static" ? owner : owner.prototype) as unknown as Record<string, Callable>;
      const callee = place[camel(role.member)]!;
      if (role.role === "static")
        view.funcs[func.name] = (...args) => {
          requireOwn(args);
          return watched(() => callee.apply(owner, args as never));
        };
      else place[camel(role.member)] = this.#method(instance, func, requireOwn, watched, callee);
    }
    return view;
  }

  /** Refuses arguments that another generation made: the callee would take them for nonsense, and trap. */
  #owning(instance: Instance, func: Func): (args: readonly unknown[]) => void {
    if (!func.params.some(({ type }) => takesResource(type))) return () => {};
    const slot = this.#slot;
    const isForeign = (value: unknown): boolean => {
      if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return false;
      const maker = makerOf(value);
      if (maker) return maker.slot === slot && maker.instance !== instance;
      return Object.values(value).some(isForeign);
    };
    return (args) => {
      if (args.some(isForeign)) replaced(func, slot);
    };
  }

  #method(
    instance: Instance,
    func: Func,
    requireOwn: (args: readonly unknown[]) => void,
    watched: (work: () => unknown) => unknown,
    callee: Callable,
  ): Callable {
    const [live, slot] = [this.#live, this.#slot];
    return function (this: unknown, ...args: unknown[]) {
      return live.runOf(
        instance,
        () => {
          requireOwn(args);
          return watched(() => callee.apply(this, args));
        },
        () => replaced(func, slot),
      );
    };
  }
}

const replaced = (func: Func, slot: string): never => {
  throw goneError(func, `called ${func.name} on what a component made that stands in ${slot} no more`);
};

/** One interface of whatever stands in a place, as its guest sees it. */
const handedOn = (own: Interface, live: Live, views: Views): InterfaceImplementation => {
  const { name, funcs } = own;
  const made: Record<string, unknown> = {};
  for (const resource of ownResources(own)) {
    const current = () => views.of(live.instance, name).classes.get(resource)!;
    if (current()) made[pascal(resource)] = faceOf(`${unversioned(name)}#${resource}`, current);
  }
  for (const func of funcs.values()) {
    const { role } = func;
    const call: Callable = (...args) =>
      live.run((instance) => views.of(instance, name).funcs[func.name]!(...args));
    if (role.role === "free") made[camel(func.name)] = call;
    const owner = role.role === "static" ? (made[pascal(role.resource)] as object | undefined) : undefined;
    if (owner && role.role === "static")
      Object.defineProperty(owner, camel(role.member), { configurable: true, writable: true, value: call });
  }
  return made;
};

const watching = (instance: Instance, func: Func, where: string, slot: string) => {
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

/** Of the classes that components export in a capability's place: whose resource their objects are. */
const marks = new WeakMap<object, string>();

/** Which instance of which slot made the objects of these classes. */
const makers = new WeakMap<object, { readonly slot: string; readonly instance: Instance }>();

const makerOf = (value: object) => {
  for (let at: unknown = value; typeof at === "object" && at !== null; at = Object.getPrototypeOf(at)) {
    const maker = makers.get(at);
    if (maker) return maker;
  }
  return undefined;
};

/** Whether a value of this type may hold a resource. */
const takesResource = (type: Type): boolean => {
  switch (type.kind) {
    case "own":
    case "borrow":
      return true;
    case "list":
    case "option":
      return takesResource(type.element);
    case "map":
      return takesResource(type.key) || takesResource(type.value);
    case "result":
      return [type.ok, type.err].some((one) => one !== undefined && takesResource(one));
    case "tuple":
      return type.elements.some(takesResource);
    case "record":
      return type.fields.some((field) => takesResource(field.type));
    case "variant":
      return type.cases.some((one) => one.type !== undefined && takesResource(one.type));
    default:
      return false;
  }
};

const isMarked = (value: unknown, resource: string): boolean => {
  for (let at = value; typeof at === "object" && at !== null; at = Object.getPrototypeOf(at))
    if (marks.get(at) === resource) return true;
  return false;
};

/** A class that stands for a resource of several makers: what `current` gives, and every component's of this name. */
const faceOf = (resource: string, current: () => Class) => {
  const base = current();
  function Face(...args: unknown[]): object {
    return new (current())(...args);
  }
  Face.prototype = base.prototype;
  Object.defineProperty(Face, Symbol.hasInstance, {
    value: (value: unknown) => value instanceof base || isMarked(value, resource),
  });
  for (const key of Object.getOwnPropertyNames(base))
    if (!["length", "name", "prototype", "caller", "arguments"].includes(key))
      Object.defineProperty(Face, key, Object.getOwnPropertyDescriptor(base, key)!);
  return Face;
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
    if (typeof base === "function")
      made[pascal(resource)] = faceOf(`${plain}#${resource}`, () => base as Class);
  }
  return made;
};
