import { Fault, fault } from "../../base/fault.ts";
import type { StringEncoding } from "../../contract/binary/ast.ts";
import { instantiateCore, type Meter } from "../cores.ts";
import { suspending } from "../jspi.ts";
import { guestToGuest, guestToHost } from "./adapter.ts";
import type { End } from "./draft.ts";
import { callable, liftedOf } from "./exporting.ts";
import { destroy, lowerOwn } from "./handles.ts";
import type { CoreFunc, CoreInstance, Func, Item } from "./item.ts";
import { onFirstCall } from "./lazy.ts";
import { allocator, Memory } from "./memory.ts";
import { Reach, still } from "./reach.ts";
import { invalid } from "./scope.ts";
import { type ComponentInstance, cannotEnter, cannotLeave, ResourceType } from "./state.ts";

// Core items: what canonical definitions make of component functions, and what core instances import and export.

/** Drops a handle: an own one runs the destructor, a borrowed one leaves its call's scope. */
export const dropFunc = (instance: ComponentInstance, resource: ResourceType): CoreFunc => {
  const call = (index: number) => {
    if (!instance.mayLeave) cannotLeave();
    const { scope, representation } = instance.handles.remove(index, resource);
    if (scope) scope.count--;
    else if (resource.suspends) return destroy(resource, representation, instance);
    else destroy(resource, representation, instance);
  };
  if (!resource.suspends) return { call, importable: call, exported: false, reach: still };
  return { call, importable: suspending(call), exported: false, reach: new Reach(true) };
};

/** A function as `canon lower` gives it to a guest. `arity` counts its core parameters (`coreArity`). */
export const lowered = (func: Func, end: End, arity: number): CoreFunc => {
  if (func.kind === "host") {
    const call = onFirstCall(arity, () => guestToHost(func.name, func.type, end, func.call, func.suspends));
    const importable = func.suspends ? suspending(call) : call;
    return { call, importable, exported: false, reach: func.suspends ? new Reach(true) : still };
  }
  // The specification's tests forbid calls between a component and those around it, for now, though its text
  // would let a parent wrap its child.
  if (related(end.instance, func.end.instance))
    return { call: cannotEnter, importable: cannotEnter, exported: false, reach: still };
  const lifted = liftedOf(func);
  const call = onFirstCall(arity, () => guestToGuest(func.type, end, lifted));
  const importable = lifted.suspends ? suspending(call) : call;
  return { call, importable, exported: false, reach: func.core.reach };
};

/** Core parameters of a lowered function: at most 16 flat values or one pointer, and a pointer for the result. */
export const coreArity = ({ params, result }: Func["type"]): number => {
  const flat = params.reduce((sum, param) => sum + (param.type.flat?.length ?? 17), 0);
  const spilledResult = result !== undefined && (result.flat?.length ?? 2) > 1;
  return (flat > 16 ? 1 : flat) + (spilledResult ? 1 : 0);
};

const related = (a: ComponentInstance, b: ComponentInstance): boolean =>
  a.lineage().includes(b) || b.lineage().includes(a);

/** What generated code will use has to be there; validation demands the same. */
export const requireMemory = (func: Func, end: End, direction: "lift" | "lower", offset: number): void => {
  const { params, result } = func.type;
  const given = params.map((param) => param.type);
  const pointers = (types: readonly Func["type"]["result"][]) => types.some((type) => type && inMemory(type));
  const spilledParams = given.reduce((sum, type) => sum + (type.flat?.length ?? 17), 0) > 16;
  const spilledResult = (result?.flat?.length ?? (result ? 2 : 0)) > 1;
  const any = pointers([...given, result]) || spilledParams || spilledResult;
  if (any && !end.memory) throw invalid(offset, "a function's values lie in memory, and no memory is given");
  const allocates = direction === "lift" ? pointers(given) || spilledParams : pointers([result]);
  if (allocates && !end.realloc)
    throw invalid(offset, "a function is given values that need memory, and no realloc is given");
};

const inMemory = (type: NonNullable<Func["type"]["result"]>): boolean => {
  switch (type.kind) {
    case "string":
    case "list":
    case "map":
      return true;
    case "async":
      throw fault("LK0303", `A function of the component uses ${type.name}, which is asynchronous`);
    case "array":
      return inMemory(type.element);
    case "record":
    case "tuple":
      return type.fields.some((field) => inMemory(field.type));
    case "variant":
    case "option":
    case "result":
      return type.cases.some((one) => one.type !== undefined && inMemory(one.type));
    default:
      return false;
  }
};

const coreImport = (sort: Item["sort"], value: unknown): unknown => {
  if (sort === "core-func") return (value as CoreFunc).importable;
  if (sort === "core-table") return (value as { table: unknown }).table;
  if (sort === "core-memory") return (value as Memory).memory;
  return value;
};

/** What `canon resource.new` and `canon resource.rep` are, for resources of the instance's own. */
export const resourceFunc = (
  kind: "resource.new" | "resource.rep",
  instance: ComponentInstance,
  resource: ResourceType,
): CoreFunc => {
  const call =
    kind === "resource.new"
      ? (representation: number) => {
          if (!instance.mayLeave) cannotLeave();
          return lowerOwn(instance, resource, representation);
        }
      : (index: number) => instance.handles.get(index, resource).representation;
  return { call, importable: call, exported: false, reach: still };
};

/** A resource type that the instance defines. */
export const resourceOf = (instance: ComponentInstance, destructor: CoreFunc | undefined): ResourceType => {
  if (!destructor) return new ResourceType("resource", instance);
  const { core, suspends } = callable(destructor);
  return new ResourceType("resource", instance, core as never, suspends);
};

export const endOf = (
  instance: ComponentInstance,
  encoding: StringEncoding,
  memory: Memory | undefined,
  realloc: CoreFunc | undefined,
): End => ({
  instance,
  encoding,
  memory,
  realloc: memory && realloc && allocator(instance, memory, realloc.call as never),
});

/** A core module instantiated with other core instances under the names that it imports them by. */
export const coreInstance = (
  module: WebAssembly.Module,
  args: readonly (readonly [name: string, instance: CoreInstance])[],
  meter: Meter | undefined,
  offset: number,
): CoreInstance => {
  // What takes turns with the host's other work may be suspended wherever it computes.
  const reach = new Reach(meter?.turns);
  const given: Record<string, Record<string, unknown>> = Object.create(null);
  for (const [name, instance] of args) given[name] = coreImports(instance, reach);
  return { exports: coreInstantiate(module, given, meter, offset), items: undefined, reach };
};

/** One core instance as what a module imports, and what that lets the module reach. */
const coreImports = ({ exports, items, reach }: CoreInstance, from: Reach): Record<string, unknown> => {
  if (exports) {
    from.add(reach);
    // Through a table of its own the other can call what this one puts in.
    if (Object.values(exports).some((value) => value instanceof WebAssembly.Table)) reach.add(from);
    return exports;
  }
  const object: Record<string, unknown> = Object.create(null);
  for (const [name, { sort, value }] of items!) {
    object[name] = coreImport(sort, value);
    const other = (value as Partial<CoreFunc> | undefined)?.reach;
    if (sort === "core-func" || sort === "core-table") from.add(other!);
    if (sort === "core-table") other!.add(from);
  }
  return object;
};

const coreInstantiate = (
  module: WebAssembly.Module,
  given: Record<string, Record<string, unknown>>,
  meter: Meter | undefined,
  offset: number,
): WebAssembly.Exports => {
  try {
    return instantiateCore(module, given as WebAssembly.Imports, meter).exports;
  } catch (error) {
    if (error instanceof WebAssembly.LinkError || (error instanceof TypeError && !(error instanceof Fault)))
      throw doesNotLink(error, offset);
    throw error;
  }
};

const doesNotLink = (error: Error, offset: number): Fault => {
  const what = `The core module instantiated at byte ${offset} does not link`;
  return fault("LK0303", `${what}: ${error.message}`, { cause: error });
};

const memories = new WeakMap<WebAssembly.Memory, Memory>();

const memoryFor = (memory: WebAssembly.Memory): Memory => {
  let views = memories.get(memory);
  if (!views) {
    views = new Memory(memory);
    memories.set(memory, views);
  }
  return views;
};

/** An export of a core instance as an item; its sort is what it is. */
export const coreExport = ({ exports, items, reach }: CoreInstance, name: string): Item | undefined => {
  if (items) return items.get(name);
  if (!Object.hasOwn(exports!, name)) return undefined;
  const value: unknown = exports![name];
  if (typeof value === "function")
    return { sort: "core-func", value: { call: value, importable: value, exported: true, reach } };
  if (value instanceof WebAssembly.Memory) return { sort: "core-memory", value: memoryFor(value) };
  if (value instanceof WebAssembly.Table) return { sort: "core-table", value: { table: value, reach } };
  if (value instanceof WebAssembly.Global) return { sort: "core-global", value };
  return { sort: "core-tag", value };
};
