import type { Canon, ComponentAst, Declaration, DefinedType } from "../../contract/binary/ast.ts";

/**
 * Why a component has to be linked by jco: what of the asynchronous component model it uses, as a report says
 * it. Undefined where loop's own linker takes it.
 */
export const needsJco = (ast: ComponentAst): string | undefined => {
  for (const definition of ast.definitions) {
    let reason: string | undefined;
    if (definition.kind === "canon") reason = ofCanon(definition.canon);
    else if (definition.kind === "type") reason = ofType(definition.type);
    else if (definition.kind === "component") reason = needsJco(definition.component);
    if (reason) return reason;
  }
  return undefined;
};

const ofCanon = (canon: Canon): string | undefined => {
  if (canon.kind === "builtin") return `it uses ${canon.name}`;
  if (
    (canon.kind === "lift" || canon.kind === "lower") &&
    (canon.options.async || canon.options.callback !== undefined)
  )
    return `it ${canon.kind}s a function asynchronously`;
  return undefined;
};

const ofType = (type: DefinedType): string | undefined => {
  switch (type.kind) {
    case "stream":
    case "future":
      return `it uses ${type.kind}s`;
    case "primitive":
      return type.type === "error-context" ? "it uses error contexts" : undefined;
    case "func":
      return type.async ? "it has asynchronous functions" : undefined;
    case "component":
    case "instance":
      return ofDeclarations(type.declarations);
    default:
      return undefined;
  }
};

const ofDeclarations = (declarations: readonly Declaration[]): string | undefined => {
  for (const declaration of declarations) {
    const reason = declaration.kind === "type" ? ofType(declaration.type) : undefined;
    if (reason) return reason;
  }
  return undefined;
};
