import { pascal } from "../../contract/model.ts";
import { promising } from "../jspi.ts";
import { hostToGuest } from "./adapter.ts";
import type { Lifted } from "./draft.ts";
import { classFor } from "./handles.ts";
import type { CoreFunc, CoreModule, Func, Instance, Item, TypeItem } from "./item.ts";
import { onFirstRead } from "./lazy.ts";
import { rememberModule } from "./moduletype.ts";
import { hostName } from "./names.ts";
import type { Callable, ResourceType } from "./state.ts";

// Items as the host sees them: functions, interface objects, classes. What is handed out is remembered, so that
// another component of ours which is given it as an import meets the guest's function itself.

const funcs = new WeakMap<WeakKey, Func>();
const resources = new WeakMap<WeakKey, ResourceType>();

const isKey = (value: unknown): value is WeakKey =>
  typeof value === "function" || (typeof value === "object" && value !== null);

export const nativeFunc = (given: unknown): Func | undefined => (isKey(given) ? funcs.get(given) : undefined);
export const nativeResource = (given: unknown): ResourceType | undefined =>
  isKey(given) ? resources.get(given) : undefined;

/** A core function as it is called from outside: its promise where it can reach what suspends. */
export const callable = ({ call, exported, reach }: CoreFunc): { core: Callable; suspends: boolean } => {
  const suspends = reach.canSuspend();
  return { core: suspends && exported ? promising(call) : call, suspends };
};

export const liftedOf = ({ core, postReturn, end }: Extract<Func, { kind: "lifted" }>): Lifted => ({
  ...end,
  ...callable(core),
  postReturn: postReturn?.call,
});

/** All exports of the outermost component, keyed as the JS mapping says. */
export const exportedObject = (exports: ReadonlyMap<string, Item>): Record<string, unknown> => {
  const object: Record<string, unknown> = Object.create(null);
  exportScope(exports, object);
  for (const [name, item] of exports) {
    if (item.sort === "instance") object[name] = exportedInstance(item.value as Instance);
    else if (item.sort === "component") object[name] = item.value;
    else if (item.sort === "core-module") object[name] = exportedModule(item.value as CoreModule);
  }
  return object;
};

const exportedModule = ({ module, bytes }: CoreModule): WebAssembly.Module => {
  if (bytes) rememberModule(module, bytes);
  return module;
};

const exportedInstance = ({ exports }: Instance): Record<string, unknown> => exportedObject(exports);

/** Resources first, because constructors, methods and statics hang on their classes. */
const exportScope = (exports: ReadonlyMap<string, Item>, object: Record<string, unknown>): void => {
  for (const [name, { sort, value }] of exports) {
    const type = value as TypeItem;
    if (sort === "type" && type.kind === "resource") object[pascal(name)] ??= exportedClass(type.resource);
  }
  for (const [name, { sort, value }] of exports) if (sort === "func") exportFunc(name, value as Func, object);
};

const constructors = new WeakMap<ResourceType, (...args: unknown[]) => object>();

const exportedClass = (resource: ResourceType): unknown => {
  if (resource.implementer && !resource.hostClass) {
    const made = classFor(resource, (...args) => {
      const construct = constructors.get(resource);
      if (!construct) throw new TypeError(`Resource ${resource.name} has no constructor`);
      return construct(...args);
    });
    resources.set(made, resource);
  }
  return resource.hostClass;
};

const exportFunc = (name: string, func: Func, object: Record<string, unknown>): void => {
  const spelled = hostName(name);
  if (spelled.form === "function") {
    onFirstRead(object, spelled.key, true, () => hostFunction(func, false));
    return;
  }
  const owner = object[spelled.owner] as { prototype: object } | undefined;
  if (!owner) return;
  const place = spelled.form === "method" ? owner.prototype : owner;
  if (spelled.form !== "constructor") {
    if (Object.hasOwn(place, spelled.key)) return;
    onFirstRead(place, spelled.key, false, () => hostFunction(func, spelled.form === "method"));
    return;
  }
  const resource = resources.get(owner);
  if (!resource || func.kind !== "lifted") return;
  constructors.set(resource, (...args) => {
    const construct = hostFunction(func, false) as (...args: unknown[]) => object;
    constructors.set(resource, construct);
    return construct(...args);
  });
  funcs.set(owner, func);
};

/** A function as the host calls it; `method` takes its first argument from `this`. */
const hostFunction = (func: Func, method: boolean): Callable => {
  if (func.kind === "host") return passedOn(func);
  const made = hostToGuest(func.type, liftedOf(func), method);
  funcs.set(made, func);
  return made;
};

/** A host's function that a component exports as it got it. */
const passedOn = ({ call }: Extract<Func, { kind: "host" }>): Callable => {
  if (call.form === "method")
    return function (this: Record<string, Callable>, ...args: unknown[]) {
      return this[call.member]!(...(args as never[]));
    };
  const { target } = call;
  return call.form === "construct" ? (...args: unknown[]) => Reflect.construct(target, args) : target;
};
