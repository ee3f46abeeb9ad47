import { camel, pascal } from "../../contract/model.ts";
import { matchInterface } from "../../contract/semver.ts";
import type { Meter } from "../cores.ts";
import { coreExport, coreInstance, dropFunc, endOf, lowered, resourceFunc, resourceOf } from "./core.ts";
import type { End } from "./draft.ts";
import { givenObject, hostFunc, hostResource, type Importing, requireSame } from "./importing.ts";
import type { CoreFunc, CoreInstance, Func, Item } from "./item.ts";
import type { Memory } from "./memory.ts";
import { still } from "./reach.ts";
import {
  type ExportRecord,
  type FuncRecord,
  none,
  type Recipe,
  type Ref,
  type Step,
  type TypeRecord,
  type TypeRef,
} from "./recipe.ts";
import { ComponentInstance, type ResourceType } from "./state.ts";
import { type Field, type FuncType, laidOut, primitive, type ValueType } from "./type.ts";

/** What one instance is made with. */
export interface Replaying extends Importing {
  readonly modules: ReadonlyMap<number, WebAssembly.Module>;
  readonly imports: Readonly<Record<string, unknown>>;
  readonly meter: Meter | undefined;
}

/** Makes an instance by a recipe's steps and gives what it exports. Faults as instantiating by walking. */
export const replay = (recipe: Recipe, given: Replaying): ReadonlyMap<string, Item> =>
  new Replay(recipe, given).run();

class Replay {
  readonly #recipe: Recipe;
  readonly #given: Replaying;
  readonly #made: unknown[] = [];
  readonly #types: (ValueType | undefined)[] = [];

  constructor(recipe: Recipe, given: Replaying) {
    this.#recipe = recipe;
    this.#given = given;
  }

  run(): ReadonlyMap<string, Item> {
    for (const step of this.#recipe.steps) this.#made.push(this.#make(step));
    return this.#exports(this.#recipe.exports);
  }

  #at<T>(ref: Ref): T {
    return this.#made[ref] as T;
  }

  #make(step: Step): unknown {
    switch (step[0]) {
      case "item":
        return coreExport(this.#at(step[1]), step[2])!.value;
      case "lower":
        return lowered(this.#at<Func>(step[1]), this.#at<End>(step[2]), step[3]);
      case "lift":
        return this.#lift(step);
      case "host-func":
        return this.#hostFunc(step);
      case "bag":
        return this.#bag(step[1]);
      case "core":
        return this.#core(step);
      case "end":
        return endOf(this.#at(step[1]), step[2], this.#at<Memory>(step[3]), this.#at<CoreFunc>(step[4]));
      case "instance":
        return this.#instance(this.#at(step[1]));
      case "resource":
        return resourceOf(this.#at(step[1]), this.#at(step[2]));
      case "resource.drop":
        return dropFunc(this.#at(step[1]), this.#at(step[2]));
      case "resource.new":
      case "resource.rep":
        return resourceFunc(step[0], this.#at(step[1]), this.#at(step[2]));
      case "host":
        return givenObject(step[1], step[2], this.#import(step[1]));
      case "host-resource":
        return hostResource(step[2], this.#member(step[1], step[2]));
      case "host-same":
        return requireSame(step[2], this.#at<ResourceType>(step[3]), this.#member(step[1], step[2]));
    }
  }

  /** As spelled, which is how the plan gives them, or under the newest compatible version. */
  #import(name: string): unknown {
    const { imports } = this.#given;
    if (Object.hasOwn(imports, name)) return imports[name];
    const offered = matchInterface(name, Object.keys(imports));
    return offered === undefined ? undefined : imports[offered];
  }

  /** The class that an interface's implementation has for a resource. */
  #member(host: Ref, key: string): unknown {
    return this.#at<Readonly<Record<string, unknown>>>(host)[pascal(key)];
  }

  #instance(parent: ComponentInstance | undefined): ComponentInstance {
    const instance = new ComponentInstance(parent);
    this.#given.meter?.inside?.(instance);
    return instance;
  }

  #hostFunc([, host, owner, name, type]: Extract<Step, { 0: "host-func" }>): Func {
    const typed = this.#typed(type);
    if (host === none) return hostFunc(this.#given, "", name, typed, { [camel(name)]: this.#import(name) });
    return hostFunc(this.#given, owner, name, typed, this.#at(host));
  }

  #lift([, type, core, postReturn, end]: Extract<Step, { 0: "lift" }>): Func {
    const typed = this.#typed(type);
    return {
      kind: "lifted",
      get type() {
        return typed();
      },
      core: this.#at(core),
      postReturn: this.#at(postReturn),
      end: this.#at(end),
    };
  }

  #bag(items: Extract<Step, { 0: "bag" }>[1]): CoreInstance {
    const made = new Map<string, Item>();
    for (const [name, sort, item] of items) made.set(name, { sort, value: this.#at(item) });
    return { exports: undefined, items: made, reach: still };
  }

  #core([, start, offset, args]: Extract<Step, { 0: "core" }>): CoreInstance {
    const { modules, meter } = this.#given;
    const given = args.map(([name, core]) => [name, this.#at<CoreInstance>(core)] as const);
    return coreInstance(modules.get(start)!, given, meter, offset);
  }

  #exports(records: readonly ExportRecord[]): ReadonlyMap<string, Item> {
    const exports = new Map<string, Item>();
    for (const record of records) exports.set(record[0], this.#export(record));
    return exports;
  }

  #export(record: ExportRecord): Item {
    if (record[1] === "instance") return { sort: "instance", value: { exports: this.#exports(record[2]) } };
    const value = this.#at(record[2]);
    if (record[1] === "func") return { sort: "func", value };
    return { sort: "type", value: { kind: "resource", resource: value } };
  }

  /** Types are laid out when a function is first called: one run calls few of those that it could. */
  #typed(at: number): () => FuncType {
    let type: FuncType | undefined;
    return () => {
      type ??= this.#funcType(this.#recipe.funcs[at]!);
      return type;
    };
  }

  #funcType([params, result]: FuncRecord): FuncType {
    return { params: this.#fields(params), result: result === none ? undefined : this.#type(result) };
  }

  #fields(fields: FuncRecord[0]): Field[] {
    return fields.map(([key, type]) => ({ key, type: this.#type(type) }));
  }

  #type(at: TypeRef): ValueType {
    this.#types[at] ??= this.#laidOut(this.#recipe.types[at]!);
    return this.#types[at];
  }

  #laidOut(record: TypeRecord): ValueType {
    if (typeof record === "string") return primitive(record);
    const [kind, inside] = record;
    switch (kind) {
      case "list":
        return laidOut({ kind, element: this.#type(inside) });
      case "array":
        return laidOut({ kind, element: this.#type(inside), length: record[2] });
      case "map":
        return laidOut({ kind, entry: this.#type(inside) });
      case "record":
      case "tuple":
        return laidOut({ kind, fields: this.#fields(inside) });
      case "enum":
      case "flags":
        return laidOut({ kind, labels: inside });
      case "own":
      case "borrow":
        return laidOut({ kind, resource: this.#at(inside) });
      default:
        return laidOut({
          kind,
          cases: inside.map(([name, type]) => ({ name, type: type === none ? undefined : this.#type(type) })),
        });
    }
  }
}
