// Index spaces of a component, resolved: every alias followed, every resource one object. Owns evaluation of
// definitions and of component and instance types; refuses core items, which say nothing about the contract.
// Called by `world.ts` alone.
import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import type {
  Alias,
  ComponentAst,
  Declaration,
  DefinedType,
  Definition,
  ExternName,
  ExternType,
  InstanceExpression,
  SortIndex,
} from "./binary/ast.ts";
import { type FuncShape, malformed, type OpenResource, TypeBuilder } from "./builder.ts";
import type { Type } from "./model.ts";

/** What stands behind an index or a name. Types of instances and components are evaluated anew at each use. */
export type Entity =
  | { readonly sort: "func"; readonly func: FuncShape }
  | { readonly sort: "instance"; readonly exports: Exports }
  | { readonly sort: "value-type"; readonly type: Type }
  /** `local` where this component defines it: whichever interface exports it first owns it. */
  | { readonly sort: "resource"; readonly resource: OpenResource; readonly local: boolean }
  | { readonly sort: "func-type"; readonly func: FuncShape }
  | Shape
  | {
      readonly sort: "component";
      readonly shape: Shape | undefined;
      readonly ast?: ComponentAst;
      readonly scope: Scope;
    }
  | { readonly sort: "module" | "value" };

/** A component or instance type, with the scope that its outer aliases count from. */
interface Shape {
  readonly sort: "component-type" | "instance-type";
  readonly declarations: readonly Declaration[];
  readonly scope: Scope;
}

export type Exports = Map<string, Entity>;

/** What one reading may cost in all: instances evaluate their types again, and that could double at each level. */
export interface Budget {
  left: number;
  depth: number;
}

export const fullName = (name: ExternName): string => `${name.name}${name.versionSuffix ?? ""}`;

/** One component, component type or instance type being evaluated. */
export class Scope {
  readonly imports: Exports = new Map();
  readonly exports: Exports = new Map();
  readonly #parent: Scope | undefined;
  readonly #budget: Budget;
  readonly #args: ReadonlyMap<string, Entity> | undefined;
  /** The interface whose instance this is: owner of the resources that it declares. */
  readonly #owner: string | undefined;
  readonly #types: Entity[] = [];
  readonly #funcs: Entity[] = [];
  readonly #instances: Entity[] = [];
  readonly #components: Entity[] = [];
  readonly #builder = new TypeBuilder((index, offset) => this.#at("type", index, offset));

  constructor(
    parent: Scope | undefined,
    budget: Budget,
    more: { args?: ReadonlyMap<string, Entity>; owner?: string | undefined } = {},
  ) {
    this.#parent = parent;
    this.#budget = budget;
    this.#args = more.args;
    this.#owner = more.owner;
  }

  run(definitions: readonly (Definition | Declaration)[]): this {
    this.#budget.depth++;
    if (this.#budget.depth > limits.componentDepthMax)
      throw fault("LK0204", `The component instantiates deeper than ${limits.componentDepthMax} levels`);
    for (const definition of definitions) {
      if (--this.#budget.left < 0)
        throw fault("LK0204", `The component's types unfold to more than ${limits.worldItemsMax} items`);
      this.#define(definition);
    }
    this.#budget.depth--;
    return this;
  }

  /** An instance of an instance type, with resources of its own, owned by the interface `owner`. */
  instanceOf(shape: Shape, owner: string | undefined): Exports {
    return new Scope(shape.scope, this.#budget, { owner }).run(shape.declarations).exports;
  }

  #define(definition: Definition | Declaration): void {
    const { offset } = definition;
    switch (definition.kind) {
      case "type":
        this.#types.push(this.#defined(definition.type, offset));
        return;
      case "alias":
        this.#alias(definition.alias, offset);
        return;
      case "import":
        this.#import(fullName(definition.name), definition.type, offset);
        return;
      case "export":
        if ("item" in definition)
          this.#exportItem(fullName(definition.name), definition.item, definition.type, offset);
        else this.#exportDeclared(fullName(definition.name), definition.type, offset);
        return;
      case "component":
        this.#components.push({
          sort: "component",
          shape: undefined,
          ast: definition.component,
          scope: this,
        });
        return;
      case "instance":
        this.#instances.push(this.#instance(definition.expression, offset));
        return;
      case "canon":
        // Lifting alone makes a component function; all the others make core functions.
        if (definition.canon.kind === "lift")
          this.#funcs.push({ sort: "func", func: this.#funcType(definition.canon.type, offset) });
        return;
    }
  }

  #defined(type: DefinedType, offset: number): Entity {
    switch (type.kind) {
      case "component":
        return { sort: "component-type", declarations: type.declarations, scope: this };
      case "instance":
        return { sort: "instance-type", declarations: type.declarations, scope: this };
      case "resource":
        return { sort: "resource", resource: { name: "", owner: undefined }, local: true };
      case "func":
        return { sort: "func-type", func: this.#builder.func(type, offset) };
      default:
        return { sort: "value-type", type: this.#builder.value(type, offset) };
    }
  }

  #alias(alias: Alias, offset: number): void {
    if (alias.from === "core-export") return;
    if (alias.from === "export") {
      const exports = this.#instanceAt(alias.instance, offset);
      const entity = exports.get(alias.name);
      if (entity) this.#push(entity);
      else if (!alias.sort.startsWith("core-")) malformed(`the instance has no export ${alias.name}`, offset);
      return;
    }
    let scope: Scope = this;
    for (let count = alias.count; count > 0; count--)
      scope = scope.#parent ?? malformed(`no scope lies ${alias.count} levels out`, offset);
    if (alias.sort === "type" || alias.sort === "component")
      this.#push(scope.#at(alias.sort, alias.index, offset));
  }

  #import(name: string, type: ExternType, offset: number): void {
    const given = this.#args?.get(name);
    if (this.#args && !given) malformed(`an instantiation lacks the argument ${name}`, offset);
    const entity = given ?? this.#declared(name, type, offset);
    this.imports.set(name, entity);
    this.#push(entity);
  }

  #exportDeclared(name: string, type: ExternType, offset: number): void {
    const entity = this.#declared(name, type, offset);
    this.exports.set(name, entity);
    this.#push(entity);
  }

  /**
   * A function's ascribed type goes before its own: it refers to the exported, named types. Ascriptions of
   * other sorts would lose the identity of resources, and say nothing that the item does not.
   */
  #exportItem(name: string, item: SortIndex, type: ExternType | undefined, offset: number): void {
    let entity = named(this.#at(item.sort, item.index, offset), name);
    if (type?.sort === "func") entity = { sort: "func", func: this.#funcType(type.type, offset) };
    this.exports.set(name, entity);
    this.#push(entity);
  }

  /** What an import or an exported declaration of this type brings into being. */
  #declared(name: string, type: ExternType, offset: number): Entity {
    switch (type.sort) {
      case "func":
        return { sort: "func", func: this.#funcType(type.type, offset) };
      case "instance": {
        const shape = this.#at("type", type.type, offset);
        if (shape.sort !== "instance-type") return malformed(`type ${type.type} is no instance type`, offset);
        return { sort: "instance", exports: this.instanceOf(shape, name) };
      }
      case "component": {
        const shape = this.#at("type", type.type, offset);
        if (shape.sort !== "component-type")
          return malformed(`type ${type.type} is no component type`, offset);
        return { sort: "component", shape, scope: this };
      }
      case "type":
        if (type.equal !== undefined) return named(this.#at("type", type.equal, offset), name);
        return { sort: "resource", resource: { name, owner: this.#owner }, local: false };
      case "core-module":
        return { sort: "module" };
      case "value":
        return { sort: "value" };
    }
  }

  #instance(expression: InstanceExpression, offset: number): Entity {
    const exports: Exports = new Map();
    if (expression.kind === "exports") {
      for (const item of expression.exports)
        exports.set(item.name, named(this.#at(item.sort, item.index, offset), item.name));
      return { sort: "instance", exports };
    }
    const component = this.#at("component", expression.component, offset);
    if (component.sort !== "component") return malformed(`${expression.component} is no component`, offset);
    const args = new Map(expression.args.map((arg) => [arg.name, this.#at(arg.sort, arg.index, offset)]));
    return { sort: "instance", exports: this.instantiate(component, args) };
  }

  instantiate(component: Extract<Entity, { sort: "component" }>, args: ReadonlyMap<string, Entity>): Exports {
    const { ast, shape, scope } = component;
    return new Scope(shape?.scope ?? scope, this.#budget, { args }).run(
      ast?.definitions ?? shape!.declarations,
    ).exports;
  }

  #space(sort: SortIndex["sort"]): Entity[] | undefined {
    switch (sort) {
      case "type":
        return this.#types;
      case "func":
        return this.#funcs;
      case "instance":
        return this.#instances;
      case "component":
        return this.#components;
      default:
        return undefined;
    }
  }

  #push(entity: Entity): void {
    switch (entity.sort) {
      case "func":
        this.#funcs.push(entity);
        return;
      case "instance":
        this.#instances.push(entity);
        return;
      case "component":
        this.#components.push(entity);
        return;
      case "module":
      case "value":
        return;
      default:
        this.#types.push(entity);
    }
  }

  #at(sort: SortIndex["sort"], index: number, offset: number): Entity {
    if (sort === "core-module") return { sort: "module" };
    if (sort === "value") return { sort: "value" };
    const space = this.#space(sort);
    return space?.[index] ?? malformed(`${sort} ${index} is not there; ${space?.length ?? 0} are`, offset);
  }

  #instanceAt(index: number, offset: number): Exports {
    const entity = this.#at("instance", index, offset);
    return entity.sort === "instance" ? entity.exports : malformed(`${index} is no instance`, offset);
  }

  #funcType(index: number, offset: number): FuncShape {
    const entity = this.#at("type", index, offset);
    return entity.sort === "func-type" ? entity.func : malformed(`type ${index} is no function type`, offset);
  }
}

/** The same entity under the name that it is exported by, where it can have one and has none yet. */
const named = (entity: Entity, name: string): Entity => {
  if (entity.sort === "resource" && entity.resource.name === "") entity.resource.name = name;
  if (entity.sort !== "value-type") return entity;
  const { type } = entity;
  const nameable =
    type.kind === "record" || type.kind === "variant" || type.kind === "enum" || type.kind === "flags";
  return nameable && type.name === undefined ? { sort: "value-type", type: { ...type, name } } : entity;
};
