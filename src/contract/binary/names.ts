import type { ComponentAst, Declaration, DefinedType } from "./ast.ts";

// The grammar of the names of interfaces, where it is stricter than jco's wasm-tools: one namespace and one
// interface (component-model Explainer.md, "interfacename"; nesting is behind a gate there).

const words = "(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*)(?:-(?:[a-z0-9]+|[A-Z0-9]+))*";
const interfaceName = new RegExp(`^${words}:${words}/${words}(?:@.*)?$`);

/** Names with a package in front; plain names, URLs, hashes and dependencies have another grammar. */
const isInterfaceName = (name: string): boolean => /^[^[=]*:/.test(name) && !/^[a-z-]+=/.test(name);

/** The first name of an import or export, at any depth, that looks like an interface's and is none. */
export const wrongInterfaceName = (ast: ComponentAst): { name: string; offset: number } | undefined => {
  for (const definition of ast.definitions) {
    let found: { name: string; offset: number } | undefined;
    if (definition.kind === "import" || definition.kind === "export")
      found = wrong(definition.name.name, definition.offset);
    else if (definition.kind === "component") found = wrongInterfaceName(definition.component);
    else if (definition.kind === "type") found = inType(definition.type);
    if (found) return found;
  }
  return undefined;
};

const wrong = (name: string, offset: number) =>
  isInterfaceName(name) && !interfaceName.test(name) ? { name, offset } : undefined;

const inType = (type: DefinedType): { name: string; offset: number } | undefined => {
  if (type.kind !== "component" && type.kind !== "instance") return undefined;
  for (const declaration of type.declarations) {
    const found = inDeclaration(declaration);
    if (found) return found;
  }
  return undefined;
};

const inDeclaration = (declaration: Declaration) => {
  if (declaration.kind === "import" || declaration.kind === "export")
    return wrong(declaration.name.name, declaration.offset);
  return declaration.kind === "type" ? inType(declaration.type) : undefined;
};
