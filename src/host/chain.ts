import { Fault, fault } from "../base/fault.ts";
import { camel, type Func, type Interface, pascal, unversioned } from "../contract/model.ts";
import type { Instance } from "./instance.ts";
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
}

/**
 * A provider made of a component. Every instance that it serves has an instance of it. Its resources pass as the
 * host's own do: by their objects, on which methods are found, so a guest may hold those of several makers.
 */
export const standIn = (options: StandIn): Provider => {
  const { slot, plan, interfaces, joins } = options;
  const own = [...interfaces, ...joins].flatMap((name) => {
    const extern = plan.world.exports.get(name);
    return extern?.kind === "interface" ? [extern.interface] : [];
  });
  return {
    name: slot,
    interfaces,
    joins,
    suspending: plan.suspends
      ? own.flatMap(({ name, funcs }) => [...funcs.keys()].map((func) => `${unversioned(name)}#${func}`))
      : [],
    defaultGranted: "*",
    async instantiate(caller) {
      const { budget } = caller;
      const context = { ...options.contextOf(caller), caller, ...(budget && { budget }) };
      const instance = await plan.instantiate(context);
      caller.onDrop(() => instance.drop());
      return Object.fromEntries(own.map((one) => [one.name, handedOn(one, instance, slot)]));
    },
  };
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

/** One interface of an instance as its guest sees it: functions whose failures name the slot, and classes. */
const handedOn = (
  { name, funcs, types }: Interface,
  instance: Instance,
  slot: string,
): InterfaceImplementation => {
  const exported = instance.exported(name);
  const made: Record<string, unknown> = {};
  const classes = new Map<string, new (...args: unknown[]) => object>();
  for (const resource of ownResources({ name, types })) {
    const given = exported[pascal(resource)];
    if (typeof given !== "function") continue;
    classes.set(resource, given as never);
    marks.set(given.prototype, `${unversioned(name)}#${resource}`);
    made[pascal(resource)] = faceOf(`${unversioned(name)}#${resource}`, given as never);
  }
  for (const func of funcs.values()) {
    const watched = watching(instance, func, `${name}#${func.name}`, slot);
    const { role } = func;
    if (role.role === "free") {
      const callee = exported[camel(func.name)] as Callable;
      made[camel(func.name)] = (...args: unknown[]) => watched(() => callee(...args));
      continue;
    }
    const owner = classes.get(role.resource);
    if (!owner || role.role === "constructor") continue;
    const member = camel(role.member);
    const place = role.role === "static" ? (owner as unknown as Record<string, unknown>) : owner.prototype;
    const callee = place[member] as Callable;
    const target = role.role === "static" ? (made[pascal(role.resource)] as object) : place;
    Object.defineProperty(target, member, {
      configurable: true,
      writable: true,
      value(this: unknown, ...args: unknown[]) {
        return watched(() => callee.apply(this, args));
      },
    });
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

const isMarked = (value: unknown, resource: string): boolean => {
  for (let at = value; typeof at === "object" && at !== null; at = Object.getPrototypeOf(at))
    if (marks.get(at) === resource) return true;
  return false;
};

/** A class that stands for a resource of several makers: the given one's, and every component's of this name. */
const faceOf = (resource: string, base: new (...args: unknown[]) => object) => {
  function Face(...args: unknown[]): object {
    return new base(...args);
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

/** Those that the interface defines itself; others only pass through it. */
const ownResources = ({ name, types }: Pick<Interface, "name" | "types">): string[] =>
  [...types].flatMap(([resource, type]) =>
    type.kind === "resource" && "owner" in type.resource && type.resource.owner === name ? [resource] : [],
  );

/** An interface whose resources are not its implementer's alone any more. */
export const joined = (
  plain: string,
  wanted: Interface,
  implementation: InterfaceImplementation,
): InterfaceImplementation => {
  const made: Record<string, unknown> = { ...implementation };
  for (const resource of ownResources(wanted)) {
    const base = implementation[pascal(resource)];
    if (typeof base === "function") made[pascal(resource)] = faceOf(`${plain}#${resource}`, base as never);
  }
  return made;
};
