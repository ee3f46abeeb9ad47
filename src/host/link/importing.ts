import { fault } from "../../base/fault.ts";
import type { CoreType, Declaration, ExternType } from "../../contract/binary/ast.ts";
import { camel, pascal, unversioned } from "../../contract/model.ts";
import { readsAtGlance } from "../glance.ts";
import type { HostCall } from "./adapter.ts";
import { nativeFunc, nativeResource } from "./exporting.ts";
import type { Component, CoreModule, Func, Instance, Item, TypeItem } from "./item.ts";
import { misfitOf } from "./moduletype.ts";
import { hostName } from "./names.ts";
import { none } from "./recipe.ts";
import type { Recorder } from "./record.ts";
import { definedType, invalid, Scope } from "./scope.ts";
import { type Callable, ResourceType } from "./state.ts";
import { type FuncType, structure } from "./type.ts";

// What the host gives for an import, as items of the index spaces. Types come from the component's declaration;
// where a given function or class is another component's export of ours, it is taken as what it is.

type Given = Readonly<Record<string, unknown>>;

export interface Importing {
  /** Unversioned names of functions that may answer with a promise: "wasi:io/poll#[method]pollable.block". */
  readonly suspending: ReadonlySet<string>;
  /** Writes down what is made, so that later instances need not walk the component. */
  readonly recorder?: Recorder | undefined;
}

/** One import of the outermost component. `given` is undefined where nothing was given. */
export const importItem = (
  importing: Importing,
  scope: Scope,
  name: string,
  type: ExternType,
  given: unknown,
  offset: number,
): Item => {
  switch (type.sort) {
    case "func": {
      const item = scope.get("type", type.type, offset);
      if (item.kind !== "func") throw invalid(offset, `type ${type.type} is no function type`);
      return { sort: "func", value: worldFunc(importing, name, item.type, given) };
    }
    case "instance": {
      const item = scope.get("type", type.type, offset);
      if (item.kind !== "instance") throw invalid(offset, `type ${type.type} is no instance type`);
      return { sort: "instance", value: hostInstance(importing, name, item, given) };
    }
    case "type":
      importing.recorder?.spoil();
      return { sort: "type", value: hostType(scope, name, type.equal, given, offset) };
    case "core-module":
      return {
        sort: "core-module",
        value: hostModule(name, scope.get("core-type", type.type, offset), given),
      };
    case "component":
      importing.recorder?.spoil();
      if (isComponent(given)) return { sort: "component", value: given };
      throw notGiven(name, "a component");
    default:
      throw fault("LK0303", `The component imports a value, ${name}, and loop links no component values`);
  }
};

const hostModule = (name: string, type: CoreType | undefined, given: unknown): CoreModule => {
  if (!(given instanceof WebAssembly.Module)) throw notGiven(name, "a core module");
  const misfit = misfitOf(given, type);
  if (misfit) throw otherShape(name, misfit);
  return { module: given, start: undefined, bytes: undefined };
};

const isComponent = (given: unknown): given is Component =>
  typeof given === "object" && given !== null && "ast" in given;

const notGiven = (name: string, what: string) =>
  fault("LK0301", `The component imports ${name}, ${what}, and nothing fitting was given`);

const hostType = (
  scope: Scope,
  name: string,
  equal: number | undefined,
  given: unknown,
  offset: number,
): TypeItem => {
  if (equal === undefined) return { kind: "resource", resource: hostResource(name, given) };
  const item = scope.get("type", equal, offset);
  if (item.kind === "resource") requireSame(name, item.resource, given);
  return item;
};

/** A resource under a second name: where the host gives a class for it, that has to be the first one's. */
export const requireSame = (name: string, { hostClass }: ResourceType, given: unknown): void => {
  if (typeof given === "function" && hostClass !== given)
    throw otherShape(name, "is another resource than the one that it has to be");
};

const otherShape = (name: string, how: string) =>
  fault("LK0302", `The component imports ${name}, and what is given for it ${how}`);

export const hostResource = (name: string, given: unknown): ResourceType => {
  if (typeof given !== "function") throw notGiven(name, "a resource");
  const native = nativeResource(given);
  if (native) return native;
  const resource = new ResourceType(name, undefined);
  resource.hostClass = given as never;
  return resource;
};

/** Walks an instance type and gives each export what the host's object has for it. */
const hostInstance = (
  importing: Importing,
  name: string,
  { declarations, scope: outer }: Extract<TypeItem, { kind: "instance" | "component" }>,
  given: unknown,
): Instance => {
  // An interface of types alone needs no implementation.
  const needed = declarations.some((one) => one.kind === "export" && one.type.sort === "func");
  const object = givenObject(name, needed, given);
  importing.recorder?.made(object, ["host", name, needed]);
  const scope = new Scope(outer);
  const exports = new Map<string, Item>();
  for (const declaration of declarations) {
    const item = declared(scope, declaration, (key, type, at) => {
      const made = exportItem(importing, name, key, scope, type, object, at);
      exports.set(key, made);
      return made;
    });
    scope.add(item.sort, item.value as never);
  }
  return { exports };
};

/** What the host gives for an interface; where nothing is `needed`, nothing will do. */
export const givenObject = (name: string, needed: boolean, given: unknown): Given => {
  if (typeof given === "object" && given !== null) return given as Given;
  if (given === undefined && !needed) return {};
  throw notGiven(name, "an instance");
};

/** One declaration of an instance type as what it adds to the scope; exports are answered by `onExport`. */
const declared = (
  scope: Scope,
  declaration: Declaration,
  onExport: (name: string, type: ExternType, offset: number) => Item,
): Item => {
  const { offset } = declaration;
  switch (declaration.kind) {
    case "core-type":
      return { sort: "core-type", value: declaration.type };
    case "type":
      if (declaration.type.kind === "resource") throw invalid(offset, "a type declares a resource");
      return { sort: "type", value: definedType(scope, declaration.type, offset) };
    case "alias":
      return aliased(scope, declaration);
    case "export":
      return onExport(declaration.name.name, declaration.type, offset);
    case "import":
      throw invalid(offset, "an instance type has an import");
  }
};

const aliased = (scope: Scope, { alias, offset }: Extract<Declaration, { kind: "alias" }>): Item => {
  const { sort } = alias;
  if (alias.from === "outer")
    return { sort, value: scope.out(alias.count, offset).get(sort, alias.index, offset) };
  if (alias.from === "core-export") throw invalid(offset, "a type aliases a core export");
  const item = scope.get("instance", alias.instance, offset).exports.get(alias.name);
  if (item?.sort === sort) return item;
  throw invalid(offset, `there is no ${sort} "${alias.name}"`);
};

const exportItem = (
  importing: Importing,
  owner: string,
  name: string,
  scope: Scope,
  type: ExternType,
  given: Given,
  offset: number,
): Item => {
  const { recorder } = importing;
  if (type.sort === "func") {
    const item = scope.get("type", type.type, offset);
    if (item.kind !== "func") throw invalid(offset, `type ${type.type} is no function type`);
    const value = hostFunc(importing, owner, name, () => item.type, given);
    recorder?.made(value, ["host-func", recorder.ref(given), owner, name, recorder.func(item.type)]);
    return { sort: "func", value };
  }
  if (type.sort === "type") {
    const value = hostType(scope, name, type.equal, given[pascal(name)], offset);
    if (recorder && value.kind === "resource")
      recordResource(recorder, name, value.resource, given, type.equal);
    return { sort: "type", value };
  }
  recorder?.spoil();
  return importItem(importing, scope, name, type, given[name], offset);
};

const recordResource = (
  recorder: Recorder,
  name: string,
  resource: ResourceType,
  given: Given,
  equal: number | undefined,
): void => {
  const host = recorder.ref(given);
  if (equal === undefined) recorder.made(resource, ["host-resource", host, name]);
  else recorder.noted(["host-same", host, name, recorder.ref(resource)]);
};

/** A function of the world itself. */
const worldFunc = (importing: Importing, name: string, type: FuncType, given: unknown): Func => {
  const { recorder } = importing;
  const func = hostFunc(importing, "", name, () => type, { [camel(name)]: given });
  return recorder ? recorder.made(func, ["host-func", none, "", name, recorder.func(type)]) : func;
};

/** A function of the interface `owner`, or of the world where that is empty; its type is looked at when it is called. */
export const hostFunc = (
  { suspending }: Importing,
  owner: string,
  name: string,
  type: () => FuncType,
  given: Given,
): Func => {
  const full = owner ? `${owner}#${name}` : name;
  const spelled = hostName(name);
  const call = hostCall(full, given, spelled);
  const native = nativeFunc(nativeKey(given, spelled));
  if (native && !sameSignature(native.type, type())) throw otherShape(full, "has another type");
  if (native) return native;
  const suspends = suspending.size > 0 && suspending.has(owner ? `${unversioned(owner)}#${name}` : name);
  return {
    kind: "host",
    get type() {
      return type();
    },
    name: full,
    call,
    suspends,
  };
};

const hostCall = (full: string, given: Given, spelled: ReturnType<typeof hostName>): HostCall => {
  // A method is found on the object it is called on, so that subclasses answer for themselves.
  if (spelled.form === "method") return { form: "method", member: spelled.key };
  const owner = spelled.form === "function" ? given : (given[spelled.owner] as Given | undefined);
  const target = spelled.form === "constructor" ? owner : owner?.[spelled.key];
  if (typeof target !== "function")
    throw fault("LK0301", `The component imports ${full}, and what is given for it has no such function`);
  const callable = target as Callable;
  if (spelled.form === "constructor") return { form: "construct", target: callable };
  return {
    form: "function",
    target: spelled.form === "static" ? callable.bind(owner) : callable,
    views: readsAtGlance(callable),
  };
};

/** The function or class under which a component of ours would have exported this. */
const nativeKey = (given: Given, spelled: ReturnType<typeof hostName>): unknown => {
  if (spelled.form === "function") return given[spelled.key];
  const owner = given[spelled.owner] as (Given & { prototype?: Given }) | undefined;
  if (spelled.form === "constructor") return owner;
  return spelled.form === "static" ? owner?.[spelled.key] : owner?.prototype?.[spelled.key];
};

/** Whether two types are one: the same structure over the very same resources. */
const sameSignature = (a: FuncType, b: FuncType): boolean => {
  const text = (type: FuncType, resources: ResourceType[]) =>
    [...type.params.map((param) => param.type), type.result]
      .map((one) => structure(one, resources))
      .join(";");
  const [left, right]: ResourceType[][] = [[], []];
  return text(a, left!) === text(b, right!) && left!.every((resource, i) => resource === right![i]);
};
