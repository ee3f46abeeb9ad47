import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import type { DefinedValueType, FuncType, ValueType } from "./binary/ast.ts";
import type { Field, ResourceType, Type } from "./model.ts";
import type { Entity } from "./scope.ts";

/** A resource whose name is found when it is first exported. */
export interface OpenResource {
  name: string;
  owner: string | undefined;
}

export interface FuncShape {
  readonly params: readonly Field[];
  readonly result: Type | undefined;
  readonly async: boolean;
}

export const malformed = (what: string, offset: number): never => {
  throw fault("LK0203", `The component is malformed at byte ${offset}: ${what}`);
};

interface Measure {
  readonly size: number;
  readonly depth: number;
}

const leaf: Measure = { size: 1, depth: 1 };

/** Defined types of one index space → types of the model. `typeAt` answers what an index stands for. */
export class TypeBuilder {
  readonly #typeAt: (index: number, offset: number) => Entity;
  /** Types share their parts; written out, a chain of pairs doubles at each step, so each is measured. */
  static readonly #measures = new WeakMap<Type, Measure>();

  constructor(typeAt: (index: number, offset: number) => Entity) {
    this.#typeAt = typeAt;
  }

  func(type: FuncType, offset: number): FuncShape {
    return {
      params: type.params.map(({ name, type: of }) => ({ name, type: this.#reference(of, offset) })),
      result: this.#optional(type.result, offset),
      async: type.async,
    };
  }

  value(type: DefinedValueType, offset: number): Type {
    const made = this.#made(type, offset);
    const parts = partsOf(made).map((part) => TypeBuilder.#measures.get(part) ?? leaf);
    const measure = {
      size: parts.reduce((sum, part) => sum + part.size, 1),
      depth: 1 + parts.reduce((most, part) => Math.max(most, part.depth), 0),
    };
    if (measure.size > limits.typeSizeMax || measure.depth > limits.typeDepthMax)
      throw fault(
        "LK0204",
        `A type at byte ${offset} has ${measure.size} parts, ${measure.depth} deep; the limits are ${limits.typeSizeMax} and ${limits.typeDepthMax}`,
      );
    TypeBuilder.#measures.set(made, measure);
    return made;
  }

  #made(type: DefinedValueType, offset: number): Type {
    const of = (value: ValueType) => this.#reference(value, offset);
    const maybe = (value: ValueType | undefined) => this.#optional(value, offset);
    switch (type.kind) {
      case "primitive":
        return { kind: type.type };
      case "record":
        return {
          kind: "record",
          fields: type.fields.map(({ name, type: field }) => ({ name, type: of(field) })),
        };
      case "variant":
        return {
          kind: "variant",
          cases: type.cases.map(({ name, type: item }) => ({ name, type: maybe(item) })),
        };
      case "list":
        return {
          kind: "list",
          element: of(type.element),
          ...(type.length === undefined ? {} : { length: type.length }),
        };
      case "tuple":
        return { kind: "tuple", elements: type.elements.map(of) };
      case "flags":
        return { kind: "flags", flags: type.labels };
      case "enum":
        return { kind: "enum", cases: type.labels };
      case "option":
        return { kind: "option", element: of(type.element) };
      case "result":
        return { kind: "result", ok: maybe(type.ok), err: maybe(type.err) };
      case "own":
      case "borrow":
        return { kind: type.kind, resource: this.#resource(type.resource, offset) };
      case "stream":
      case "future":
        return { kind: type.kind, element: maybe(type.element) };
      case "map":
        return { kind: "map", key: of(type.key), value: of(type.value) };
    }
  }

  #reference(type: ValueType, offset: number): Type {
    if (typeof type === "string") return { kind: type };
    const entity = this.#typeAt(type, offset);
    return entity.sort === "value-type" ? entity.type : malformed(`type ${type} is no value type`, offset);
  }

  #optional(type: ValueType | undefined, offset: number): Type | undefined {
    return type === undefined ? undefined : this.#reference(type, offset);
  }

  #resource(index: number, offset: number): ResourceType {
    const entity = this.#typeAt(index, offset);
    return entity.sort === "resource" ? entity.resource : malformed(`type ${index} is no resource`, offset);
  }
}

const partsOf = (type: Type): Type[] => {
  switch (type.kind) {
    case "list":
    case "option":
      return [type.element];
    case "stream":
    case "future":
      return type.element ? [type.element] : [];
    case "map":
      return [type.key, type.value];
    case "result":
      return [type.ok, type.err].filter((part) => part !== undefined);
    case "tuple":
      return [...type.elements];
    case "record":
      return type.fields.map((field) => field.type);
    case "variant":
      return type.cases.map((item) => item.type).filter((part) => part !== undefined);
    default:
      return [];
  }
};
