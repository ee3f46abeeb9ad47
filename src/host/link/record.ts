import { limits } from "../../base/limits.ts";
import type { Item, TypeItem } from "./item.ts";
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
import { type FuncType, isScalar, type ValueType } from "./type.ts";

/**
 * Writes a recipe while a component is instantiated. What a recipe has no step for (components and modules that
 * the host gives, instances inside imported instances) spoils it, and then every instance is made by walking the
 * component.
 */
export class Recorder {
  readonly #steps: Step[] = [];
  readonly #types: TypeRecord[] = [];
  readonly #funcs: FuncRecord[] = [];
  /** By identity, which is what two uses of one thing share. */
  readonly #refs = new Map<unknown, Ref>();
  readonly #typeRefs = new Map<ValueType, TypeRef>();
  readonly #funcRefs = new Map<FuncType, number>();
  #spoiled = false;
  #exports = 0;

  /** Notes by which step a thing was made, and gives it back. */
  made<T>(thing: T, step: Step): T {
    this.#refs.set(thing, this.#steps.push(step) - 1);
    return thing;
  }

  /** A step that only checks. */
  noted(step: Step): void {
    this.#steps.push(step);
  }

  /** The step that made a thing. */
  ref(thing: unknown): Ref {
    if (thing === undefined) return none;
    const ref = this.#refs.get(thing);
    if (ref !== undefined) return ref;
    this.spoil();
    return none;
  }

  spoil(): void {
    this.#spoiled = true;
  }

  func(type: FuncType): number {
    const known = this.#funcRefs.get(type);
    if (known !== undefined) return known;
    const params = type.params.map((param) => [param.key, this.#type(param.type)] as const);
    const at = this.#funcs.push([params, this.#type(type.result)]) - 1;
    this.#funcRefs.set(type, at);
    return at;
  }

  /** The finished recipe, or undefined where there can be none. */
  finish(exports: ReadonlyMap<string, Item>, modules: Recipe["modules"]): Recipe | undefined {
    const exported = this.#exported(exports);
    if (this.#spoiled) return undefined;
    return { modules, types: this.#types, funcs: this.#funcs, steps: this.#steps, exports: exported };
  }

  #type(type: ValueType | undefined): TypeRef {
    if (!type) return none;
    const known = this.#typeRefs.get(type);
    if (known !== undefined) return known;
    const record = this.#typeRecord(type);
    const at = this.#types.push(record) - 1;
    this.#typeRefs.set(type, at);
    return at;
  }

  #typeRecord(type: ValueType): TypeRecord {
    if (isScalar(type)) return type.kind;
    switch (type.kind) {
      case "string":
        return "string";
      case "list":
        return ["list", this.#type(type.element)];
      case "array":
        return ["array", this.#type(type.element), type.length];
      case "map":
        return ["map", this.#type(type.entry)];
      case "record":
      case "tuple":
        return [type.kind, type.fields.map((field) => [field.key, this.#type(field.type)] as const)];
      case "enum":
      case "flags":
        return [type.kind, type.labels];
      case "own":
      case "borrow":
        return [type.kind, this.ref(type.resource)];
      case "async":
        this.spoil();
        return "bool";
      default:
        return [type.kind, type.cases.map((one) => [one.name, this.#type(one.type)] as const)];
    }
  }

  #exported(exports: ReadonlyMap<string, Item>): ExportRecord[] {
    const records: ExportRecord[] = [];
    for (const [name, { sort, value }] of exports) {
      // An instance may be exported under many names, and inside of others again.
      if (++this.#exports > limits.componentItemsMax) this.spoil();
      if (this.#spoiled) return records;
      if (sort === "func") records.push([name, "func", this.ref(value)]);
      else if (sort === "instance")
        records.push([
          name,
          "instance",
          this.#exported((value as { exports: ReadonlyMap<string, Item> }).exports),
        ]);
      else if (sort === "type") {
        const type = value as TypeItem;
        if (type.kind === "resource") records.push([name, "resource", this.ref(type.resource)]);
      } else this.spoil();
    }
    return records;
  }
}
