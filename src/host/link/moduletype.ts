import type {
  CoreDeclaration,
  CoreExternType,
  CoreFuncType,
  CoreLimits,
  CoreType,
  CoreValueType,
} from "../../contract/binary/ast.ts";
import {
  type CoreExtern,
  type CoreModuleType,
  readCoreModule,
  resolved,
} from "../../contract/binary/coremodule.ts";

// Whether a core module that is given for an import is what the component's module type says: it exports all of
// that, and imports nothing beyond it (component-model Explainer.md, "module types"; core subtyping).

const bytesOf = new WeakMap<WebAssembly.Module, Uint8Array>();

/** Remembers a module's bytes when it is handed out, because the engine tells names and kinds only. */
export const rememberModule = (module: WebAssembly.Module, bytes: Uint8Array): void => {
  if (!bytesOf.has(module)) bytesOf.set(module, bytes.slice());
};

/** How the module is not of the type, or undefined where it is. */
export const misfitOf = (module: WebAssembly.Module, declared: CoreType | undefined): string | undefined => {
  if (declared?.kind !== "module") return undefined;
  const wanted = typeOf(declared.declarations);
  const bytes = bytesOf.get(module);
  return bytes ? byTypes(readCoreModule(bytes), wanted) : byKinds(module, wanted);
};

const byTypes = (given: CoreModuleType, wanted: CoreModuleType): string | undefined => {
  for (const [name, type] of wanted.exports) {
    const own = given.exports.get(name);
    if (!own) return `does not export "${name}"`;
    if (!isSubtype(own, type)) return `exports "${name}" with another type`;
  }
  for (const { module, name, type } of given.imports) {
    const offered = wanted.imports.find((one) => one.module === module && one.name === name);
    if (!offered) return `imports "${module}" "${name}"`;
    if (!isSubtype(offered.type, type)) return `imports "${module}" "${name}" with another type`;
  }
  return undefined;
};

const kinds: Record<string, CoreExtern["kind"]> = {
  function: "func",
  table: "table",
  memory: "memory",
  global: "global",
  tag: "tag",
};

const byKinds = (given: WebAssembly.Module, wanted: CoreModuleType): string | undefined => {
  const exported = new Map(WebAssembly.Module.exports(given).map(({ name, kind }) => [name, kinds[kind]]));
  for (const [name, { kind }] of wanted.exports)
    if (exported.get(name) !== kind) return `does not export "${name}" as a ${kind}`;
  for (const { module, name, kind } of WebAssembly.Module.imports(given))
    if (
      !wanted.imports.some(
        (one) => one.module === module && one.name === name && one.type.kind === kinds[kind],
      )
    )
      return `imports "${module}" "${name}"`;
  return undefined;
};

const typeOf = (declarations: readonly CoreDeclaration[]): CoreModuleType => {
  const types: (CoreFuncType | undefined)[] = [];
  const imports: CoreModuleType["imports"][number][] = [];
  const exports = new Map<string, CoreExtern>();
  const resolve = (type: CoreExternType) => resolved(type, types);
  for (const one of declarations) {
    if (one.kind === "type") {
      const inner = one.type.kind === "recursive" ? one.type.types : [];
      for (const { type } of inner) types.push(type.kind === "func" ? type : undefined);
    } else if (one.kind === "outer-alias") types.push(undefined);
    else if (one.kind === "import")
      imports.push({ module: one.module, name: one.name, type: resolve(one.type) });
    else exports.set(one.name, resolve(one.type));
  }
  return { imports, exports };
};

const isSubtype = (own: CoreExtern, wanted: CoreExtern): boolean => {
  switch (own.kind) {
    case "func":
    case "tag":
      return wanted.kind === own.kind && sameFunc(own.type, wanted.type);
    case "global":
      return wanted.kind === "global" && own.mutable === wanted.mutable && sameValue(own.type, wanted.type);
    case "memory":
      return (
        wanted.kind === "memory" &&
        own.pageSizeLog2 === wanted.pageSizeLog2 &&
        within(own.limits, wanted.limits)
      );
    case "table":
      return (
        wanted.kind === "table" && sameValue(own.element, wanted.element) && within(own.limits, wanted.limits)
      );
  }
};

/** A type from an outer scope is not known here, and passes: the engine checks it when it links. */
const sameFunc = (a: CoreFuncType | undefined, b: CoreFuncType | undefined): boolean =>
  !a || !b || (sameRow(a.params, b.params) && sameRow(a.results, b.results));

const sameRow = (a: readonly CoreValueType[], b: readonly CoreValueType[]): boolean =>
  a.length === b.length && a.every((type, i) => sameValue(type, b[i]!));

const sameValue = (a: CoreValueType, b: CoreValueType): boolean =>
  typeof a === "string" || typeof b === "string" ? a === b : a.heap === b.heap && a.nullable === b.nullable;

const within = (own: CoreLimits, wanted: CoreLimits): boolean =>
  own.wide === wanted.wide &&
  own.shared === wanted.shared &&
  own.min >= wanted.min &&
  (wanted.max === undefined || (own.max !== undefined && own.max <= wanted.max));
