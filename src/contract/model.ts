// The WIT model: what a component's world is, after aliases and indices are resolved. Everything that speaks
// of types (WAVE, comparison, typings, the guest wrapper, the linker's ABI) reads this and nothing else.
// Names are spelled as WIT spells them (kebab-case); the JS mapping is applied by whoever meets JS.

export type PrimitiveKind =
  | "bool"
  | "u8"
  | "u16"
  | "u32"
  | "u64"
  | "s8"
  | "s16"
  | "s32"
  | "s64"
  | "f32"
  | "f64"
  | "char"
  | "string"
  | "error-context";

export interface Field {
  readonly name: string;
  readonly type: Type;
}

export interface Case {
  readonly name: string;
  readonly type: Type | undefined;
}

/** Identity of a resource type: two resources are the same when they are the same object. */
export interface ResourceType {
  readonly name: string;
  /** The interface that defines it, versioned ("wasi:io/streams@0.2.12"), where it has one. */
  readonly owner: string | undefined;
}

export type Type =
  | { readonly kind: PrimitiveKind }
  | {
      readonly kind: "list";
      readonly element: Type /** Fixed-length lists only. */;
      readonly length?: number;
    }
  | { readonly kind: "map"; readonly key: Type; readonly value: Type }
  | { readonly kind: "option"; readonly element: Type }
  | { readonly kind: "result"; readonly ok: Type | undefined; readonly err: Type | undefined }
  | { readonly kind: "tuple"; readonly elements: readonly Type[] }
  | { readonly kind: "record"; readonly fields: readonly Field[]; readonly name?: string }
  | { readonly kind: "variant"; readonly cases: readonly Case[]; readonly name?: string }
  | { readonly kind: "enum"; readonly cases: readonly string[]; readonly name?: string }
  | { readonly kind: "flags"; readonly flags: readonly string[]; readonly name?: string }
  | { readonly kind: "own"; readonly resource: ResourceType }
  | { readonly kind: "borrow"; readonly resource: ResourceType }
  | { readonly kind: "stream"; readonly element: Type | undefined }
  | { readonly kind: "future"; readonly element: Type | undefined };

/** How a function belongs to a resource; the WIT name spells it ("[method]pollable.block"). */
export type FuncRole =
  | { readonly role: "free" }
  | {
      readonly role: "constructor" | "method" | "static";
      readonly resource: string;
      readonly member: string;
    };

export interface Func {
  /** As the component spells it: "greet", "[method]pollable.block", "[constructor]fields". */
  readonly name: string;
  readonly role: FuncRole;
  readonly params: readonly Field[];
  readonly result: Type | undefined;
  readonly async: boolean;
}

export interface Interface {
  /** "wasi:cli/run@0.2.6", or the plain name of an inline interface. */
  readonly name: string;
  readonly funcs: ReadonlyMap<string, Func>;
  /** Named types that it exports, resources included, in order. */
  readonly types: ReadonlyMap<string, Type | { readonly kind: "resource"; readonly resource: ResourceType }>;
}

export type Extern =
  | { readonly kind: "func"; readonly func: Func }
  | { readonly kind: "interface"; readonly interface: Interface }
  | {
      readonly kind: "type";
      readonly type: Type | { readonly kind: "resource"; readonly resource: ResourceType };
    }
  | { readonly kind: "module" | "component" | "value" };

/** What a component wants and what it gives, by name, in the component's order. */
export interface World {
  readonly name: string | undefined;
  readonly imports: ReadonlyMap<string, Extern>;
  readonly exports: ReadonlyMap<string, Extern>;
}

/** "wasi:cli/run@0.2.6" → its parts; a plain name ("greet") has only `name`. */
export interface InterfaceName {
  readonly namespace: string | undefined;
  readonly package: string | undefined;
  readonly name: string;
  readonly version: string | undefined;
}

export const parseInterfaceName = (text: string): InterfaceName => {
  const match = /^([a-z][a-z0-9-]*):([a-z][a-z0-9:/-]*)\/([a-z][a-z0-9-]*)(?:@(.+))?$/i.exec(text);
  if (!match) return { namespace: undefined, package: undefined, name: text, version: undefined };
  return { namespace: match[1], package: match[2], name: match[3]!, version: match[4] };
};

/** The name without its version: "wasi:cli/run@0.2.6" → "wasi:cli/run". */
export const unversioned = (name: string): string => name.replace(/@[^@/#]*$/, "");

/** WIT's kebab-case as JavaScript's camelCase ("get-std-in" → "getStdIn"), as jco spells it. */
export const camel = (kebab: string): string =>
  kebab
    .replace(/-([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase())
    .replace(/^[A-Z]+/, (head) => head.toLowerCase());

/** WIT's kebab-case as a JavaScript class name ("input-stream" → "InputStream"). */
export const pascal = (kebab: string): string => {
  const name = kebab.replace(/-([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return name[0]!.toUpperCase() + name.slice(1);
};
