// A component's world: what it imports and exports, in WIT's terms, with all aliases followed.
// Refuses core wasm and execution, and loads nothing heavy: it is on the start-up path of every run.
// Called by the host, slots, `loop inspect`, and `wit.ts` for worlds that come from WIT text.
import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import type { ComponentAst } from "./binary/ast.ts";
import { structureOf } from "./binary/decode.ts";
import type { Extern, Func, FuncRole, Interface, ResourceType, World } from "./model.ts";
import { type Budget, type Entity, type Exports, Scope } from "./scope.ts";

/** Decodes a component, or a world encoded as a component, and resolves it. Faults as `worldOf` and decoding. */
export const readWorld = (bytes: Uint8Array): World => worldOf(structureOf(bytes));

/**
 * The world of a component. A binary WIT package with one world, and the content of a `component-type` section,
 * give that world, with its name. LK0203 where indices point nowhere, LK0204 beyond a limit, LK0210 where a
 * package has no world or several.
 */
export const worldOf = (ast: ComponentAst): World => {
  const budget: Budget = { left: limits.worldItemsMax, depth: 0 };
  const root = new Scope(undefined, budget).run(ast.definitions);
  if (!isWitPackage(ast)) return world(undefined, root);
  const worlds = [...root.exports.values()].flatMap((entity) => packagedWorlds(entity, budget));
  const [only] = worlds;
  if (only && worlds.length === 1) return only;
  throw fault(
    "LK0210",
    only
      ? `The WIT package has several worlds: ${worlds.map(({ name }) => name).join(", ")}`
      : "The WIT package has interfaces and no world",
  );
};

/** Whether this is WIT in binary form: component types are all that it exports, and it imports nothing. */
export const isWitPackage = (ast: ComponentAst): boolean => {
  const exports = ast.definitions.filter((definition) => definition.kind === "export");
  return (
    exports.length > 0 &&
    exports.every((definition) => definition.item.sort === "type") &&
    !ast.definitions.some((definition) => definition.kind === "import")
  );
};

/** A world is a component type that exports one component, under the world's full name. */
const packagedWorlds = (entity: Entity, budget: Budget): World[] => {
  if (entity.sort !== "component-type") return [];
  const wrapper = new Scope(entity.scope, budget).run(entity.declarations);
  return [...wrapper.exports].flatMap(([name, inner]) => {
    if (inner.sort !== "component" || !inner.shape) return [];
    return [world(name, new Scope(inner.shape.scope, budget).run(inner.shape.declarations))];
  });
};

const world = (name: string | undefined, scope: Scope): World => {
  for (const [exported, entity] of scope.exports) claimResources(exported, entity);
  return { name, imports: externs(scope.imports), exports: externs(scope.exports) };
};

/** A component's own resource belongs to the interface that exports it. */
const claimResources = (name: string, entity: Entity): void => {
  if (entity.sort === "resource") claim(entity, name, undefined);
  if (entity.sort !== "instance") return;
  for (const [type, inner] of entity.exports) if (inner.sort === "resource") claim(inner, type, name);
};

const claim = (
  { resource, local }: Extract<Entity, { sort: "resource" }>,
  name: string,
  owner: string | undefined,
): void => {
  if (!local || resource.owner !== undefined) return;
  resource.name = name;
  resource.owner = owner;
};

const externs = (entities: Exports): ReadonlyMap<string, Extern> =>
  new Map([...entities].map(([name, entity]) => [name, extern(name, entity)]));

const extern = (name: string, entity: Entity): Extern => {
  switch (entity.sort) {
    case "func":
      return { kind: "func", func: func(name, entity.func) };
    case "instance":
      return { kind: "interface", interface: interfaceOf(name, entity.exports) };
    case "value-type":
      return { kind: "type", type: entity.type };
    case "resource":
      return { kind: "type", type: resourceOf(entity.resource) };
    case "module":
    case "value":
      return { kind: entity.sort };
    default:
      return { kind: "component" };
  }
};

type NamedType = Extract<Extern, { kind: "type" }>["type"];

const resourceOf = (resource: ResourceType): NamedType => ({ kind: "resource", resource });

const interfaceOf = (name: string, exports: Exports): Interface => {
  const funcs = new Map<string, Func>();
  const types = new Map<string, NamedType>();
  for (const [item, entity] of exports) {
    if (entity.sort === "func") funcs.set(item, func(item, entity.func));
    else if (entity.sort === "resource") types.set(item, resourceOf(entity.resource));
    else if (entity.sort === "value-type") types.set(item, entity.type);
  }
  return { name, funcs, types };
};

const func = (name: string, shape: Extract<Entity, { sort: "func" }>["func"]): Func => ({
  name,
  role: roleOf(name),
  params: shape.params,
  result: shape.result,
  async: shape.async || name.startsWith("[async"),
});

/** "[method]pollable.block" and its kind; newer names put "async" before the word. */
export const roleOf = (name: string): FuncRole => {
  const match = /^\[(?:async )?(constructor|method|static)\]([^.]+)(?:\.(.+))?$/.exec(name);
  if (!match) return { role: "free" };
  const [, role, resource, member] = match as unknown as [
    string,
    "constructor" | "method" | "static",
    string,
    string?,
  ];
  return { role, resource, member: member ?? resource };
};
