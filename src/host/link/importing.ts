import { fault } from "../../base/fault.ts";
import type { CoreType, Declaration, ExternType } from "../../contract/binary/ast.ts";
import { pascal, unversioned } from "../../contract/model.ts";
import type { HostCall } from "./adapter.ts";
import { nativeFunc, nativeResource } from "./exporting.ts";
import type { Component, CoreModule, Func, Instance, Item, TypeItem } from "./item.ts";
import { misfitOf } from "./moduletype.ts";
import { hostName } from "./names.ts";
import { definedType, invalid, Scope } from "./scope.ts";
import { type Callable, ResourceType } from "./state.ts";
import { type FuncType, structure } from "./type.ts";

// What the host gives for an import, as items of the index spaces. Types come from the component's declaration;
// where a given function or class is another component's export of ours, it is taken as what it is.

type Given = Readonly<Record<string, unknown>>;

export interface Importing {
  /** Unversioned names of functions that may answer with a promise: "wasi:io/poll#[method]pollable.block". */
  readonly suspending: ReadonlySet<string>;
}

/** One import of the outermost component. `given` is undefined where nothing was given. */
export const importItem = (
  { suspending }: Importing,
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
      const owner = { [hostName(name).form === "function" ? "func" : ""]: given };
      const value = hostFunc(name, name, item.type, owner, { form: "function", key: "func" }, suspending);
      return { sort: "func", value };
    }
    case "instance": {
      const item = scope.get("type", type.type, offset);
      if (item.kind !== "instance") throw invalid(offset, `type ${type.type} is no instance type`);
      return { sort: "instance", value: hostInstance(name, item, given, suspending) };
    }
    case "type":
      return { sort: "type", value: hostType(scope, name, type.equal, given, offset) };
    case "core-module":
      return {
        sort: "core-module",
        value: hostModule(name, scope.get("core-type", type.type, offset), given),
      };
    case "component":
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
  return { module: given, bytes: undefined };
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
  if (item.kind === "resource" && typeof given === "function" && item.resource.hostClass !== given)
    throw otherShape(name, "is another resource than the one that it has to be");
  return item;
};

const otherShape = (name: string, how: string) =>
  fault("LK0302", `The component imports ${name}, and what is given for it ${how}`);

const hostResource = (name: string, given: unknown): ResourceType => {
  if (typeof given !== "function") throw notGiven(name, "a resource");
  const native = nativeResource(given);
  if (native) return native;
  const resource = new ResourceType(name, undefined);
  resource.hostClass = given as never;
  return resource;
};

/** Walks an instance type and gives each export what the host's object has for it. */
const hostInstance = (
  name: string,
  { declarations, scope: outer }: Extract<TypeItem, { kind: "instance" | "component" }>,
  given: unknown,
  suspending: ReadonlySet<string>,
): Instance => {
  const object = givenObject(name, declarations, given);
  const scope = new Scope(outer);
  const exports = new Map<string, Item>();
  for (const declaration of declarations) {
    const item = declared(scope, declaration, (key, type, at) => {
      const made = exportItem(name, key, scope, type, object, suspending, at);
      exports.set(key, made);
      return made;
    });
    scope.add(item.sort, item.value as never);
  }
  return { exports };
};

const givenObject = (name: string, declarations: readonly Declaration[], given: unknown): Given => {
  if (typeof given === "object" && given !== null) return given as Given;
  // An interface of types alone needs no implementation.
  const funcs = declarations.some((one) => one.kind === "export" && one.type.sort === "func");
  if (given === undefined && !funcs) return {};
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
  owner: string,
  name: string,
  scope: Scope,
  type: ExternType,
  given: Given,
  suspending: ReadonlySet<string>,
  offset: number,
): Item => {
  if (type.sort === "func") {
    const item = scope.get("type", type.type, offset);
    if (item.kind !== "func") throw invalid(offset, `type ${type.type} is no function type`);
    const full = `${owner}#${name}`;
    return { sort: "func", value: hostFunc(full, name, item.type, given, hostName(name), suspending) };
  }
  if (type.sort === "type") {
    const value = hostType(scope, name, type.equal, given[pascal(name)], offset);
    return { sort: "type", value };
  }
  return importItem({ suspending }, scope, name, type, given[name], offset);
};

/** `full` is "ns:pkg/iface@1.0.0#name", or the bare name of a function of the world itself. */
const hostFunc = (
  full: string,
  name: string,
  type: FuncType,
  given: Given,
  spelled: ReturnType<typeof hostName>,
  suspending: ReadonlySet<string>,
): Func => {
  const hash = full.lastIndexOf("#");
  const plain = hash < 0 ? name : `${unversioned(full.slice(0, hash))}#${name}`;
  const call = hostCall(full, given, spelled);
  const native = nativeFunc(nativeKey(given, spelled));
  if (native && !sameSignature(native.type, type)) throw otherShape(full, "has another type");
  return native ?? { kind: "host", type, name: full, call, suspends: suspending.has(plain) };
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
  return { form: "function", target: spelled.form === "static" ? callable.bind(owner) : callable };
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
