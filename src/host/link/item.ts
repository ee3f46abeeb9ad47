import type { ComponentAst, CoreType, Declaration, Sort } from "../../contract/binary/ast.ts";
import type { HostCall } from "./adapter.ts";
import type { End } from "./draft.ts";
import type { Memory } from "./memory.ts";
import type { Reach } from "./reach.ts";
import type { Scope } from "./scope.ts";
import type { Callable, ResourceType } from "./state.ts";
import type { FuncType, ValueType } from "./type.ts";

// What the index spaces of a component hold while it is being instantiated.

export interface CoreFunc {
  /** What JavaScript calls. */
  readonly call: Callable;
  /** What a core module is given: the function itself, or its suspending form. */
  readonly importable: unknown;
  /** Whether a core instance exported it, which is what JSPI can promise. */
  readonly exported: boolean;
  readonly reach: Reach;
}

export interface CoreTable {
  readonly table: unknown;
  /** The instance that made the table. */
  readonly reach: Reach;
}

export interface CoreInstance {
  /** A module instance's own exports, or undefined for a bag of items. */
  readonly exports: WebAssembly.Exports | undefined;
  readonly items: ReadonlyMap<string, Item> | undefined;
  readonly reach: Reach;
}

export type Func =
  | {
      readonly kind: "lifted";
      readonly type: FuncType;
      readonly core: CoreFunc;
      readonly postReturn: CoreFunc | undefined;
      readonly end: End;
    }
  | {
      readonly kind: "host";
      readonly type: FuncType;
      /** As reports name it: "wasi:cli/exit@0.2.6#exit". */
      readonly name: string;
      readonly call: HostCall;
      readonly suspends: boolean;
    };

export type TypeItem =
  | { readonly kind: "value"; readonly type: ValueType }
  | { readonly kind: "resource"; readonly resource: ResourceType }
  | { readonly kind: "func"; readonly type: FuncType }
  | {
      readonly kind: "instance" | "component";
      readonly declarations: readonly Declaration[];
      /** Where its outer aliases look. */
      readonly scope: Scope;
    };

export interface Component {
  readonly ast: ComponentAst;
  /** The scope that it stands in; none for the outermost. */
  readonly outer: Scope | undefined;
  /** Compiled core modules of its file, by the offset where their bytes begin. */
  readonly modules: ReadonlyMap<number, WebAssembly.Module>;
}

export interface Instance {
  readonly exports: ReadonlyMap<string, Item>;
}

/** An item with its sort, as imports, exports and instances carry it. */
export interface Item {
  readonly sort: Sort;
  readonly value: unknown;
}

export interface CoreModule {
  readonly module: WebAssembly.Module;
  /** Where it begins in its component; undefined, as are the bytes, where the host gave the compiled module. */
  readonly start: number | undefined;
  readonly bytes: Uint8Array | undefined;
}

/** What each index space holds. */
export interface Spaces {
  "core-func": CoreFunc;
  "core-table": CoreTable;
  "core-memory": Memory;
  "core-global": unknown;
  "core-tag": unknown;
  /** Undefined where only its place in the index space matters. */
  "core-type": CoreType | undefined;
  "core-module": CoreModule;
  "core-instance": CoreInstance;
  func: Func;
  value: never;
  type: TypeItem;
  component: Component;
  instance: Instance;
}
