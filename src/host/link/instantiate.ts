import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type {
  Canon,
  CanonOptions,
  CoreInstanceExpression,
  Definition,
  InstanceExpression,
  Range,
  SortIndex,
} from "../../contract/binary/ast.ts";
import type { Meter } from "../cores.ts";
import {
  coreArity,
  coreExport,
  coreInstance,
  dropFunc,
  endOf,
  lowered,
  requireMemory,
  resourceFunc,
  resourceOf,
} from "./core.ts";
import type { End } from "./draft.ts";
import type { Importing } from "./importing.ts";
import type {
  Component,
  CoreFunc,
  CoreInstance,
  CoreModule,
  Func,
  Instance,
  Item,
  TypeItem,
} from "./item.ts";
import { still } from "./reach.ts";
import { definedType, invalid, Scope } from "./scope.ts";
import { ComponentInstance } from "./state.ts";

// Walks a component's definitions in order and fills its index spaces with live items: the component's own
// instantiation, and that of components nested in it.

/** What one instantiation of the outermost component needs throughout. */
export interface Instantiation extends Importing {
  /** Joins metered modules to their instance's limits; undefined where none are metered. */
  readonly meter: Meter | undefined;
  /** Instances made so far, bounded: nesting can ask for exponentially many. */
  made: number;
}

/** Gives an import by the name that the component spells. */
export type ImportSource = (
  name: string,
  definition: Extract<Definition, { kind: "import" }>,
  scope: Scope,
) => Item;

export const instantiate = (
  whole: Instantiation,
  component: Component,
  parent: ComponentInstance | undefined,
  imports: ImportSource,
): Instance => {
  countOne(whole);
  const instance = new ComponentInstance(parent);
  whole.meter?.inside?.(instance);
  whole.recorder?.made(instance, ["instance", whole.recorder.ref(parent)]);
  const walk = new Walk(whole, component, instance, imports);
  for (const definition of component.ast.definitions) walk.define(definition);
  return { exports: walk.exports };
};

const countOne = (whole: Instantiation): void => {
  whole.made++;
  if (whole.made > limits.instancesMax)
    throw fault("LK0204", `The component makes more than ${limits.instancesMax} instances`);
};

class Walk {
  readonly exports = new Map<string, Item>();
  readonly #whole: Instantiation;
  readonly #modules: Component["modules"];
  readonly #bytes: Uint8Array;
  readonly #scope: Scope;
  readonly #instance: ComponentInstance;
  readonly #imports: ImportSource;

  constructor(
    whole: Instantiation,
    component: Component,
    instance: ComponentInstance,
    imports: ImportSource,
  ) {
    this.#whole = whole;
    this.#modules = component.modules;
    this.#bytes = component.ast.bytes;
    this.#scope = new Scope(component.outer);
    this.#instance = instance;
    this.#imports = imports;
  }

  define(definition: Definition): void {
    const { sort, value } = this.#made(definition);
    this.#scope.add(sort, value as never);
  }

  #made(definition: Definition): Item {
    const { offset } = definition;
    switch (definition.kind) {
      case "core-module":
        return { sort: "core-module", value: this.#coreModule(definition.range) };
      case "core-instance":
        return { sort: "core-instance", value: this.#coreInstance(definition.expression, offset) };
      case "core-type":
        return { sort: "core-type", value: definition.type };
      case "component":
        return { sort: "component", value: this.#nested(definition.component) };
      case "instance":
        return { sort: "instance", value: this.#componentInstance(definition.expression, offset) };
      case "alias":
        return this.#alias(definition);
      case "type":
        return { sort: "type", value: this.#type(definition) };
      case "canon":
        return this.#canon(definition.canon, offset);
      case "import":
        return this.#import(definition);
      case "export":
        return this.#export(definition);
      default:
        throw fault("LK0303", `The component uses component values (byte ${offset}), and loop links none`);
    }
  }

  #coreModule({ start, end }: Range): CoreModule {
    return { module: this.#modules.get(start)!, start, bytes: this.#bytes.subarray(start, end) };
  }

  #nested(ast: Component["ast"]): Component {
    return { ast, outer: this.#scope, modules: this.#modules };
  }

  #item({ sort, index }: SortIndex, offset: number): Item {
    return { sort, value: this.#scope.get(sort, index, offset) };
  }

  #import(definition: Extract<Definition, { kind: "import" }>): Item {
    const { name, type, offset } = definition;
    const item = this.#imports(name.name, definition, this.#scope);
    if (item.sort === type.sort) return item;
    throw invalid(offset, `"${name.name}" is a ${item.sort}, and a ${type.sort} is imported`);
  }

  #export({ name, item: index, offset }: Extract<Definition, { kind: "export" }>): Item {
    const item = this.#item(index, offset);
    this.exports.set(name.name, item);
    return item;
  }

  #type({ type, offset }: Extract<Definition, { kind: "type" }>): TypeItem {
    if (type.kind !== "resource") return definedType(this.#scope, type, offset);
    const { recorder } = this.#whole;
    const destructor =
      type.destructor === undefined ? undefined : this.#scope.get("core-func", type.destructor, offset);
    const resource = resourceOf(this.#instance, destructor);
    recorder?.made(resource, ["resource", recorder.ref(this.#instance), recorder.ref(destructor)]);
    return { kind: "resource", resource };
  }

  #alias({ alias, offset }: Extract<Definition, { kind: "alias" }>): Item {
    const scope = this.#scope;
    if (alias.from === "outer") {
      const from = scope.out(alias.count, offset);
      return { sort: alias.sort, value: from.get(alias.sort, alias.index, offset) };
    }
    const item =
      alias.from === "export"
        ? scope.get("instance", alias.instance, offset).exports.get(alias.name)
        : this.#coreExport(scope.get("core-instance", alias.instance, offset), alias.name);
    if (item?.sort === alias.sort) return item;
    throw invalid(offset, `instance ${alias.instance} exports no ${alias.sort} "${alias.name}"`);
  }

  #componentInstance(expression: InstanceExpression, offset: number): Instance {
    if (expression.kind === "exports") {
      const exports = expression.exports.map((one): [string, Item] => [one.name, this.#item(one, offset)]);
      return { exports: new Map(exports) };
    }
    const args = new Map(expression.args.map((arg) => [arg.name, this.#item(arg, offset)]));
    const component = this.#scope.get("component", expression.component, offset);
    return instantiate(this.#whole, component, this.#instance, (name) => {
      const item = args.get(name);
      if (!item) throw invalid(offset, `a component is instantiated without its import "${name}"`);
      return item;
    });
  }

  #coreExport(instance: CoreInstance, name: string): Item | undefined {
    const { recorder } = this.#whole;
    const item = coreExport(instance, name);
    // What a bag of items gives was made before.
    if (item && instance.exports) recorder?.made(item.value, ["item", recorder.ref(instance), name]);
    return item;
  }

  #coreInstance(expression: CoreInstanceExpression, offset: number): CoreInstance {
    countOne(this.#whole);
    const { recorder, meter } = this.#whole;
    if (expression.kind === "exports") {
      const items = expression.exports.map((one): [string, Item] => [one.name, this.#item(one, offset)]);
      const bag: CoreInstance = { exports: undefined, items: new Map(items), reach: still };
      if (!recorder) return bag;
      const refs = items.map(([name, { sort, value }]) => [name, sort, recorder.ref(value)] as const);
      return recorder.made(bag, ["bag", refs]);
    }
    const { module, start } = this.#scope.get("core-module", expression.module, offset);
    const args = expression.args.map(
      ({ name, instance }) => [name, this.#scope.get("core-instance", instance, offset)] as const,
    );
    const made = coreInstance(module, args, meter, offset);
    if (!recorder) return made;
    if (start === undefined) recorder.spoil();
    const refs = args.map(([name, instance]) => [name, recorder.ref(instance)] as const);
    return recorder.made(made, ["core", start ?? 0, offset, refs]);
  }

  #options(options: CanonOptions, offset: number): End {
    const { memory: memoryIndex, realloc: reallocIndex, encoding } = options;
    if (options.async || options.callback !== undefined)
      throw fault(
        "LK0303",
        `The component lifts or lowers asynchronously (byte ${offset}), and this linker does not`,
      );
    if (options.gc)
      throw fault(
        "LK0303",
        `The component passes values as garbage-collected references (byte ${offset}), which loop does not link`,
      );
    const instance = this.#instance;
    const { recorder } = this.#whole;
    const memory =
      memoryIndex === undefined ? undefined : this.#scope.get("core-memory", memoryIndex, offset);
    if (reallocIndex !== undefined && !memory) throw invalid(offset, "a realloc is given without a memory");
    const realloc =
      reallocIndex === undefined ? undefined : this.#scope.get("core-func", reallocIndex, offset);
    const end = endOf(instance, encoding, memory, realloc);
    if (!recorder) return end;
    return recorder.made(end, [
      "end",
      recorder.ref(instance),
      encoding,
      recorder.ref(memory),
      recorder.ref(realloc),
    ]);
  }

  #canon(canon: Canon, offset: number): Item {
    switch (canon.kind) {
      case "lift":
        return { sort: "func", value: this.#lift(canon, offset) };
      case "lower": {
        const end = this.#options(canon.options, offset);
        const func = this.#scope.get("func", canon.func, offset);
        requireMemory(func, end, "lower", offset);
        return { sort: "core-func", value: this.#lower(func, end) };
      }
      case "builtin":
        throw fault(
          "LK0303",
          `The component uses ${canon.name} (byte ${offset}), and this linker does not offer it`,
        );
      default:
        return { sort: "core-func", value: this.#resourceFunc(canon, offset) };
    }
  }

  #lower(func: Func, end: End): CoreFunc {
    const { recorder } = this.#whole;
    const arity = coreArity(func.type);
    const made = lowered(func, end, arity);
    return recorder ? recorder.made(made, ["lower", recorder.ref(func), recorder.ref(end), arity]) : made;
  }

  #lift(canon: Extract<Canon, { kind: "lift" }>, offset: number): Func {
    const scope = this.#scope;
    const type = scope.get("type", canon.type, offset);
    if (type.kind !== "func") throw invalid(offset, `type ${canon.type} is no function type`);
    const core = scope.get("core-func", canon.func, offset);
    const { postReturn: index } = canon.options;
    const postReturn = index === undefined ? undefined : scope.get("core-func", index, offset);
    const end = this.#options(canon.options, offset);
    const func: Func = { kind: "lifted", type: type.type, core, postReturn, end };
    requireMemory(func, end, "lift", offset);
    const { recorder } = this.#whole;
    if (!recorder) return func;
    const [typeRef, coreRef, postRef] = [
      recorder.func(type.type),
      recorder.ref(core),
      recorder.ref(postReturn),
    ];
    return recorder.made(func, ["lift", typeRef, coreRef, postRef, recorder.ref(end)]);
  }

  #resourceFunc(canon: Extract<Canon, { type: number }>, offset: number): CoreFunc {
    const item = this.#scope.get("type", canon.type as number, offset);
    if (item.kind !== "resource") throw invalid(offset, `type ${canon.type} is no resource`);
    const { resource } = item;
    const { recorder } = this.#whole;
    const instance = this.#instance;
    const { kind } = canon;
    if (kind !== "resource.drop" && kind !== "resource.new" && kind !== "resource.rep")
      throw fault("LK0303", `The component uses ${kind} (byte ${offset}), and this linker does not offer it`);
    if (kind !== "resource.drop" && resource.implementer !== instance)
      throw invalid(offset, `${kind} is for resources that the component defines itself`);
    const func =
      kind === "resource.drop" ? dropFunc(instance, resource) : resourceFunc(kind, instance, resource);
    return recorder ? recorder.made(func, [kind, recorder.ref(instance), recorder.ref(resource)]) : func;
  }
}
