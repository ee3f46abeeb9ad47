import type { Sort, StringEncoding } from "../../contract/binary/ast.ts";
import type { ScalarKind } from "./type.ts";

// What instantiating a component comes down to once names, indices and nesting are resolved: a list of steps, each
// of which makes one thing out of earlier ones. `record.ts` writes it while a component is instantiated for the
// first time, `replay.ts` makes every later instance from it, and it is plain JSON, so that a later process need
// not even decode the component. (wasmtime's translation to "initializers" has the same idea.)

/** The step that made a thing; `none` where there is none. */
export type Ref = number;
export const none: Ref = -1;

/** A place in the table of value types. */
export type TypeRef = number;

export type Step =
  /** A component instance inside its parent. */
  | readonly ["instance", parent: Ref]
  /** The core module that begins at a byte, instantiated; the offset is where reports point. */
  | readonly ["core", start: number, offset: number, args: readonly (readonly [name: string, core: Ref])[]]
  /** A core instance that is no more than named items. */
  | readonly ["bag", items: readonly (readonly [name: string, sort: Sort, item: Ref])[]]
  /** What a core instance exports under a name. */
  | readonly ["item", core: Ref, name: string]
  /** What `canon lift` or `canon lower` fixes for one end of a call. */
  | readonly ["end", instance: Ref, encoding: StringEncoding, memory: Ref, realloc: Ref]
  | readonly ["lower", func: Ref, end: Ref, arity: number]
  | readonly ["lift", type: number, core: Ref, postReturn: Ref, end: Ref]
  /** A resource type of the component's own, with the core function that destroys one. */
  | readonly ["resource", instance: Ref, destructor: Ref]
  | readonly ["resource.new" | "resource.rep" | "resource.drop", instance: Ref, resource: Ref]
  /** What the host gives for an interface; `needed` where nothing will not do. */
  | readonly ["host", name: string, needed: boolean]
  /** A function of such an interface, or (`host` being none) of the world itself. */
  | readonly ["host-func", host: Ref, owner: string, name: string, type: number]
  | readonly ["host-resource", host: Ref, name: string]
  /** A resource that the host gives under a second name has to be the same one. */
  | readonly ["host-same", host: Ref, name: string, resource: Ref];

/** A value type by its parts; those named by their kind alone have none. */
export type TypeRecord =
  | ScalarKind
  | "string"
  | readonly ["list" | "map", element: TypeRef]
  | readonly ["array", element: TypeRef, length: number]
  | readonly ["record" | "tuple", fields: readonly (readonly [key: string, type: TypeRef])[]]
  | readonly ["variant" | "option" | "result", cases: readonly (readonly [name: string, type: TypeRef])[]]
  | readonly ["enum" | "flags", labels: readonly string[]]
  | readonly ["own" | "borrow", resource: Ref];

/** Parameters by key, and the result. */
export type FuncRecord = readonly [
  params: readonly (readonly [key: string, type: TypeRef])[],
  result: TypeRef,
];

/** What the outermost component exports that a host can use. */
export type ExportRecord =
  | readonly [name: string, kind: "func" | "resource", made: Ref]
  | readonly [name: string, kind: "instance", exports: readonly ExportRecord[]];

export interface Recipe {
  /** Where core modules begin and end in the component's bytes. */
  readonly modules: readonly (readonly [start: number, end: number])[];
  readonly types: readonly TypeRecord[];
  readonly funcs: readonly FuncRecord[];
  readonly steps: readonly Step[];
  readonly exports: readonly ExportRecord[];
}
