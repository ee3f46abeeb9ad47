// The component binary as written: definitions in their order, indices unresolved. Owns the shapes only; refuses
// meaning (index spaces are `world.ts`'s and the linker's). Made by `decode.ts`, read by both of those.
// Source of every name: component-model design/mvp/Binary.md.
import type { PrimitiveKind } from "../model.ts";

/** A half-open range of the whole file's bytes. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** One component, the outermost or a nested one. */
export interface ComponentAst {
  /** The whole file; every offset and range below counts from its beginning. */
  readonly bytes: Uint8Array;
  /** This component's own bytes, preamble included. */
  readonly range: Range;
  readonly definitions: readonly Definition[];
  readonly customs: readonly CustomSection[];
}

export interface CustomSection {
  readonly name: string;
  /** What follows the name. */
  readonly payload: Range;
}

/** Names of index spaces. Core ones carry the prefix; "component" holds components, "type" component types. */
export type CoreSort =
  | "core-func"
  | "core-table"
  | "core-memory"
  | "core-global"
  | "core-tag"
  | "core-type"
  | "core-module"
  | "core-instance";
export type Sort = CoreSort | "func" | "value" | "type" | "component" | "instance";

export interface SortIndex {
  readonly sort: Sort;
  readonly index: number;
}

/** What a section holds, one entry each, with the offset of its first byte. */
export type Definition = { readonly offset: number } & (
  | { readonly kind: "core-module"; readonly range: Range }
  | { readonly kind: "core-instance"; readonly expression: CoreInstanceExpression }
  | { readonly kind: "core-type"; readonly type: CoreType }
  | { readonly kind: "component"; readonly component: ComponentAst }
  | { readonly kind: "instance"; readonly expression: InstanceExpression }
  | { readonly kind: "alias"; readonly alias: Alias }
  | { readonly kind: "type"; readonly type: DefinedType }
  | { readonly kind: "canon"; readonly canon: Canon }
  | {
      readonly kind: "start";
      readonly func: number;
      readonly args: readonly number[];
      readonly results: number;
    }
  | { readonly kind: "import"; readonly name: ExternName; readonly type: ExternType }
  | {
      readonly kind: "export";
      readonly name: ExternName;
      readonly item: SortIndex;
      readonly type: ExternType | undefined;
    }
  | { readonly kind: "value"; readonly type: ValueType; readonly range: Range }
);

export type CoreInstanceExpression =
  | {
      readonly kind: "instantiate";
      readonly module: number;
      readonly args: readonly { readonly name: string; readonly instance: number }[];
    }
  | { readonly kind: "exports"; readonly exports: readonly ({ readonly name: string } & SortIndex)[] };

export type InstanceExpression =
  | {
      readonly kind: "instantiate";
      readonly component: number;
      readonly args: readonly ({ readonly name: string } & SortIndex)[];
    }
  | { readonly kind: "exports"; readonly exports: readonly ({ readonly name: string } & SortIndex)[] };

export type Alias = { readonly sort: Sort } & (
  | { readonly from: "export"; readonly instance: number; readonly name: string }
  | { readonly from: "core-export"; readonly instance: number; readonly name: string }
  /** `count` scopes outward, 0 being the scope that the alias stands in. */
  | { readonly from: "outer"; readonly count: number; readonly index: number }
);

/** An import's or export's name, as spelled, with what may stand beside it. */
export interface ExternName {
  readonly name: string;
  /** The interface that a plainly named import or export implements. */
  readonly implements?: string;
  readonly versionSuffix?: string;
  readonly externalId?: string;
}

/** A value type in place: a primitive's name, or the index of a defined type. */
export type ValueType = PrimitiveKind | number;

export interface LabelledType {
  readonly name: string;
  readonly type: ValueType;
}

export type DefinedValueType =
  | { readonly kind: "primitive"; readonly type: PrimitiveKind }
  | { readonly kind: "record"; readonly fields: readonly LabelledType[] }
  | {
      readonly kind: "variant";
      readonly cases: readonly { readonly name: string; readonly type: ValueType | undefined }[];
    }
  | { readonly kind: "list"; readonly element: ValueType; readonly length: number | undefined }
  | { readonly kind: "tuple"; readonly elements: readonly ValueType[] }
  | { readonly kind: "flags"; readonly labels: readonly string[] }
  | { readonly kind: "enum"; readonly labels: readonly string[] }
  | { readonly kind: "option"; readonly element: ValueType }
  | { readonly kind: "result"; readonly ok: ValueType | undefined; readonly err: ValueType | undefined }
  | { readonly kind: "own"; readonly resource: number }
  | { readonly kind: "borrow"; readonly resource: number }
  | { readonly kind: "stream"; readonly element: ValueType | undefined }
  | { readonly kind: "future"; readonly element: ValueType | undefined }
  | { readonly kind: "map"; readonly key: ValueType; readonly value: ValueType };

export interface FuncType {
  readonly kind: "func";
  readonly async: boolean;
  readonly params: readonly LabelledType[];
  readonly result: ValueType | undefined;
}

export type DefinedType =
  | DefinedValueType
  | FuncType
  | { readonly kind: "component"; readonly declarations: readonly Declaration[] }
  | { readonly kind: "instance"; readonly declarations: readonly Declaration[] }
  | {
      readonly kind: "resource";
      readonly representation: CoreValueType;
      /** Core function of type [i32] -> []. */
      readonly destructor: number | undefined;
    };

/** What a component type or instance type is made of; imports stand in component types only. */
export type Declaration = { readonly offset: number } & (
  | { readonly kind: "core-type"; readonly type: CoreType }
  | { readonly kind: "type"; readonly type: DefinedType }
  | { readonly kind: "alias"; readonly alias: Alias }
  | { readonly kind: "import"; readonly name: ExternName; readonly type: ExternType }
  | { readonly kind: "export"; readonly name: ExternName; readonly type: ExternType }
);

export type ExternType =
  | { readonly sort: "core-module" | "func" | "component" | "instance"; readonly type: number }
  | { readonly sort: "value"; readonly equal: number | undefined; readonly type: ValueType | undefined }
  /** `equal` undefined is the bound (sub resource): a fresh resource type. */
  | { readonly sort: "type"; readonly equal: number | undefined };

export type StringEncoding = "utf8" | "utf16" | "latin1+utf16";

export interface CanonOptions {
  readonly encoding: StringEncoding;
  readonly memory: number | undefined;
  readonly realloc: number | undefined;
  readonly postReturn: number | undefined;
  readonly async: boolean;
  readonly callback: number | undefined;
  /** Values cross as garbage-collected references; gated, and linked by nobody here. */
  readonly gc: boolean;
}

export type Canon =
  | { readonly kind: "lift"; readonly func: number; readonly type: number; readonly options: CanonOptions }
  | { readonly kind: "lower"; readonly func: number; readonly options: CanonOptions }
  | {
      readonly kind: "resource.new" | "resource.drop" | "resource.rep";
      /** Index of the resource type. */
      readonly type: number;
    }
  | AsyncCanon;

/** The built-ins of the asynchronous component model, with what follows their opcode. */
export interface AsyncCanon {
  readonly kind: "builtin";
  /** "task.return", "stream.read", … as the text format spells it. */
  readonly name: string;
  readonly type?: number;
  readonly result?: ValueType | undefined;
  readonly options?: CanonOptions;
  readonly async?: boolean;
  readonly cancellable?: boolean;
  readonly shared?: boolean;
  readonly memory?: number;
  readonly table?: number;
  readonly coreType?: CoreValueType;
  readonly slot?: number;
}

/** "i32" … "v128", or a reference type. */
export type CoreValueType =
  | "i32"
  | "i64"
  | "f32"
  | "f64"
  | "v128"
  /** `heap` is an abstract heap type's opcode as a negative number (-16 func, -17 extern, …) or a type index. */
  | { readonly heap: number; readonly nullable: boolean };

export interface CoreFuncType {
  readonly kind: "func";
  readonly params: readonly CoreValueType[];
  readonly results: readonly CoreValueType[];
}

export interface CoreStorage {
  readonly type: CoreValueType | "i8" | "i16";
  readonly mutable: boolean;
}

export type CoreCompositeType =
  | CoreFuncType
  | { readonly kind: "struct"; readonly fields: readonly CoreStorage[] }
  | { readonly kind: "array"; readonly element: CoreStorage };

export interface CoreSubType {
  readonly final: boolean;
  readonly supertypes: readonly number[];
  readonly type: CoreCompositeType;
}

export type CoreType =
  | { readonly kind: "recursive"; readonly types: readonly CoreSubType[] }
  | { readonly kind: "module"; readonly declarations: readonly CoreDeclaration[] };

export type CoreDeclaration =
  | {
      readonly kind: "import";
      readonly module: string;
      readonly name: string;
      readonly type: CoreExternType;
    }
  | { readonly kind: "type"; readonly type: CoreType }
  | { readonly kind: "outer-alias"; readonly count: number; readonly index: number }
  | { readonly kind: "export"; readonly name: string; readonly type: CoreExternType };

export interface CoreLimits {
  readonly min: bigint;
  readonly max: bigint | undefined;
  readonly shared: boolean;
  readonly wide: boolean;
}

export type CoreExternType =
  | { readonly kind: "func" | "tag"; readonly type: number }
  | { readonly kind: "table"; readonly element: CoreValueType; readonly limits: CoreLimits }
  | { readonly kind: "memory"; readonly limits: CoreLimits; readonly pageSizeLog2: number }
  | { readonly kind: "global"; readonly type: CoreValueType; readonly mutable: boolean };
