import { limits } from "../../base/limits.ts";
import type { ComponentAst, Definition } from "../../contract/binary/ast.ts";
import { componentNames } from "../../contract/binary/sections.ts";

/** A component composed inside another: who serves each of its imported interfaces, `host` or another part. */
export interface Part {
  readonly name: string;
  readonly imports: readonly (readonly [name: string, from: string])[];
}

/** Who makes an instance, and as which import of the outermost component it came where that is the host. */
export const fromHost = "host";

/**
 * The components composed inside one that import interfaces, in the order in which they are instantiated, each
 * with where its imports come from. Components that a tool adds to give types their names import none and are left
 * out, as is what lies beyond `partsShownMax`.
 */
export const partsOf = (ast: ComponentAst): readonly Part[] => {
  const parts: Part[] = [];
  walk(ast, "", () => fromHost, parts);
  return parts;
};

/** The index spaces that matter here, filled in the order of the definitions. */
interface Spaces {
  /** Who makes each instance. */
  readonly instances: string[];
  readonly components: (ComponentAst | undefined)[];
}

const walk = (
  ast: ComponentAst,
  path: string,
  fromOf: (importName: string) => string,
  parts: Part[],
): void => {
  const spaces: Spaces = { instances: [], components: [] };
  const names = componentNames(ast).definitions.get("instance");
  for (const definition of ast.definitions) {
    if (parts.length >= limits.partsShownMax) return;
    const made = instanceOf(definition, spaces, fromOf);
    if (definition.kind === "instance" && definition.expression.kind === "instantiate") {
      const { component, args } = definition.expression;
      const inner = spaces.components[component];
      const own = inner && componentNames(inner).component;
      const name = `${path}${own ?? names?.get(spaces.instances.length) ?? `component ${component}`}`;
      const from = new Map(
        args.map((arg) => [
          arg.name,
          arg.sort === "instance" ? (spaces.instances[arg.index] ?? fromHost) : undefined,
        ]),
      );
      if (inner) {
        const imports = importsOf(inner).flatMap((wanted): [string, string][] => {
          const maker = from.get(wanted);
          return maker === undefined ? [] : [[wanted, maker]];
        });
        if (imports.length > 0) parts.push({ name, imports });
        walk(inner, `${name} / `, (wanted) => from.get(wanted) ?? fromHost, parts);
      }
      spaces.instances.push(name);
    } else if (made !== undefined) spaces.instances.push(made);
    const component = componentOf(definition, spaces);
    if (component) spaces.components.push(component.ast);
  }
};

/** Who makes the instance that a definition adds to the index space; undefined where it adds none. */
const instanceOf = (
  definition: Definition,
  { instances }: Spaces,
  fromOf: (importName: string) => string,
): string | undefined => {
  switch (definition.kind) {
    case "import":
      return definition.type.sort === "instance" ? fromOf(definition.name.name) : undefined;
    case "alias": {
      const { alias } = definition;
      if (alias.sort !== "instance") return undefined;
      return alias.from === "export" ? (instances[alias.instance] ?? fromHost) : "what surrounds it";
    }
    case "export":
      return definition.item.sort === "instance"
        ? (instances[definition.item.index] ?? fromHost)
        : undefined;
    case "instance": {
      if (definition.expression.kind !== "exports") return undefined;
      const inner = definition.expression.exports.find(({ sort }) => sort === "instance");
      return inner ? (instances[inner.index] ?? fromHost) : "what surrounds it";
    }
    default:
      return undefined;
  }
};

/** What a definition adds to the index space of components; its structure is unknown where it is imported. */
const componentOf = (
  definition: Definition,
  { components }: Spaces,
): { readonly ast: ComponentAst | undefined } | undefined => {
  if (definition.kind === "component") return { ast: definition.component };
  if (definition.kind === "import" && definition.type.sort === "component") return { ast: undefined };
  if (definition.kind === "alias" && definition.alias.sort === "component") return { ast: undefined };
  if (definition.kind === "export" && definition.item.sort === "component")
    return { ast: components[definition.item.index] };
  return undefined;
};

const importsOf = (ast: ComponentAst): string[] =>
  ast.definitions.flatMap((definition) =>
    definition.kind === "import" && definition.type.sort === "instance" && definition.name.name.includes("/")
      ? [definition.name.name]
      : [],
  );
