import { limits } from "../../base/limits.ts";
import type { ComponentAst, Definition } from "../../contract/binary/ast.ts";
import { componentNames } from "../../contract/binary/sections.ts";

/** A component composed inside another, and who serves each of its imported interfaces. */
export interface Part {
  readonly name: string;
  readonly imports: readonly { readonly name: string; readonly from: Maker }[];
}

/** Who makes an instance: the host or another part. */
export interface Maker {
  /** "host", or a part's name. */
  readonly name: string;
  /** Of the host's, the import of the outermost component: inside it may have another name. */
  readonly outer?: string;
}

const fromHost: Maker = { name: "host" };
const fromOutside: Maker = { name: "what surrounds it" };

/**
 * The components composed inside one that import interfaces, in the order in which they are instantiated, each
 * with where its imports come from. Components that a tool adds to give types their names import none and are left
 * out, as is what lies beyond `partsShownMax`.
 */
export const partsOf = (ast: ComponentAst): readonly Part[] => {
  const found: Found = { parts: [], steps: 0 };
  walk(ast, "", (outer) => ({ name: fromHost.name, outer }), found);
  return found.parts;
};

interface Found {
  readonly parts: Part[];
  /** Definitions looked at: of components that instantiate each other twice there are two to the depth. */
  steps: number;
}

/** The index spaces that matter here, filled in the order of the definitions. */
interface Spaces {
  /** Who makes each instance. */
  readonly instances: Maker[];
  readonly components: (ComponentAst | undefined)[];
}

const walk = (ast: ComponentAst, path: string, fromOf: (importName: string) => Maker, found: Found): void => {
  const spaces: Spaces = { instances: [], components: [] };
  const names = componentNames(ast).definitions.get("instance");
  for (const definition of ast.definitions) {
    if (found.parts.length >= limits.partsShownMax || ++found.steps > limits.componentTotalItemsMax) return;
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
        const imports = importsOf(inner).flatMap((wanted) => {
          const maker = from.get(wanted);
          return maker === undefined ? [] : [{ name: wanted, from: maker }];
        });
        if (imports.length > 0) found.parts.push({ name, imports });
        walk(inner, `${name} / `, (wanted) => from.get(wanted) ?? fromHost, found);
      }
      spaces.instances.push({ name });
    } else if (made !== undefined) spaces.instances.push(made);
    const component = componentOf(definition, spaces);
    if (component) spaces.components.push(component.ast);
  }
};

/** Who makes the instance that a definition adds to the index space; undefined where it adds none. */
const instanceOf = (
  definition: Definition,
  { instances }: Spaces,
  fromOf: (importName: string) => Maker,
): Maker | undefined => {
  switch (definition.kind) {
    case "import":
      return definition.type.sort === "instance" ? fromOf(definition.name.name) : undefined;
    case "alias": {
      const { alias } = definition;
      if (alias.sort !== "instance") return undefined;
      return alias.from === "export" ? (instances[alias.instance] ?? fromHost) : fromOutside;
    }
    case "export":
      return definition.item.sort === "instance" ? (instances[definition.item.index] ?? fromHost) : undefined;
    case "instance": {
      if (definition.expression.kind !== "exports") return undefined;
      const inner = definition.expression.exports.find(({ sort }) => sort === "instance");
      return inner ? (instances[inner.index] ?? fromHost) : fromOutside;
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
