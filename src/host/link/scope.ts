import { fault } from "../../base/fault.ts";
import type { DefinedType, Sort, ValueType as WrittenType } from "../../contract/binary/ast.ts";
import type { Spaces, TypeItem } from "./item.ts";
import { type FuncType, fieldsOf, laidOut, primitive, tupleOf, type ValueType } from "./type.ts";

/** The fault for an index or use that validation would have refused. */
export const invalid = (offset: number, what: string) =>
  fault("LK0203", `The component is malformed at byte ${offset}: ${what}`);

type Lists = { [S in Sort]: Spaces[S][] };

/** The index spaces of one component, component type or instance type, and the scope around it. */
export class Scope {
  readonly outer: Scope | undefined;
  readonly #lists: Lists = {
    "core-func": [],
    "core-table": [],
    "core-memory": [],
    "core-global": [],
    "core-tag": [],
    "core-type": [],
    "core-module": [],
    "core-instance": [],
    func: [],
    value: [],
    type: [],
    component: [],
    instance: [],
  };

  constructor(outer: Scope | undefined) {
    this.outer = outer;
  }

  add<S extends Sort>(sort: S, item: Spaces[S]): void {
    this.#lists[sort].push(item);
  }

  get<S extends Sort>(sort: S, index: number, offset: number): Spaces[S] {
    const list = this.#lists[sort];
    if (index >= list.length) throw invalid(offset, `there is no ${sort} ${index}, only ${list.length}`);
    return list[index]!;
  }

  /** The scope that an outer alias counts to. */
  out(count: number, offset: number): Scope {
    let scope: Scope | undefined = this;
    for (let i = 0; i < count && scope; i++) scope = scope.outer;
    return scope ?? invalidCount(offset);
  }
}

const invalidCount = (offset: number): never => {
  throw invalid(offset, "an alias counts past the outermost scope");
};

/** A value type in place: a primitive, or the defined type at an index. */
export const valueType = (scope: Scope, written: WrittenType, offset: number): ValueType => {
  if (typeof written === "string") return primitive(written);
  const item = scope.get("type", written, offset);
  if (item.kind !== "value") throw invalid(offset, `type ${written} is no value type`);
  return item.type;
};

const resourceAt = (scope: Scope, index: number, offset: number) => {
  const item = scope.get("type", index, offset);
  if (item.kind !== "resource") throw invalid(offset, `type ${index} is no resource`);
  return item.resource;
};

/** A defined type resolved in its scope. Resources are made by whoever knows their instance. */
export const definedType = (
  scope: Scope,
  written: Exclude<DefinedType, { kind: "resource" }>,
  offset: number,
): TypeItem => {
  switch (written.kind) {
    case "func":
      return { kind: "func", type: funcType(scope, written, offset) };
    case "component":
    case "instance":
      return { kind: written.kind, declarations: written.declarations, scope };
    default:
      return { kind: "value", type: definedValue(scope, written, offset) };
  }
};

const funcType = (
  scope: Scope,
  written: Extract<DefinedType, { kind: "func" }>,
  offset: number,
): FuncType => ({
  params: fieldsOf(written.params.map(({ name, type }) => ({ name, type: valueType(scope, type, offset) }))),
  result: written.result === undefined ? undefined : valueType(scope, written.result, offset),
});

type WrittenValue = Exclude<DefinedType, { kind: "func" | "component" | "instance" | "resource" }>;

const definedValue = (scope: Scope, written: WrittenValue, offset: number): ValueType => {
  const of = (type: WrittenType) => valueType(scope, type, offset);
  const maybe = (type: WrittenType | undefined) => (type === undefined ? undefined : of(type));
  switch (written.kind) {
    case "primitive":
      return primitive(written.type);
    case "record":
      return laidOut({
        kind: "record",
        fields: fieldsOf(written.fields.map(({ name, type }) => ({ name, type: of(type) }))),
      });
    case "variant":
      return laidOut({
        kind: "variant",
        cases: written.cases.map(({ name, type }) => ({ name, type: maybe(type) })),
      });
    case "list":
      return written.length === undefined
        ? laidOut({ kind: "list", element: of(written.element) })
        : laidOut({ kind: "array", element: of(written.element), length: written.length });
    case "map":
      return laidOut({ kind: "map", entry: tupleOf([of(written.key), of(written.value)]) });
    case "tuple":
      return tupleOf(written.elements.map(of));
    case "flags":
    case "enum":
      return laidOut({ kind: written.kind, labels: written.labels });
    case "option":
      return laidOut({
        kind: "option",
        cases: [
          { name: "none", type: undefined },
          { name: "some", type: of(written.element) },
        ],
      });
    case "result":
      return laidOut({
        kind: "result",
        cases: [
          { name: "ok", type: maybe(written.ok) },
          { name: "err", type: maybe(written.err) },
        ],
      });
    case "own":
    case "borrow":
      return laidOut({ kind: written.kind, resource: resourceAt(scope, written.resource, offset) });
    case "stream":
    case "future":
      return laidOut({ kind: "async", name: written.kind });
  }
};
