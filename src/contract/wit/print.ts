import {
  type Extern,
  type Func,
  type Interface,
  parseInterfaceName,
  type Type,
  type World,
} from "../model.ts";
import { id, wordsEscaped } from "./names.ts";

type NamedType = Extract<Extern, { kind: "type" }>["type"];
type Definition = Extract<Type, { kind: "record" | "variant" | "enum" | "flags" }>;

/** Where a type was first defined; "" is the world itself. */
interface Home {
  readonly interface: string;
  readonly name: string;
}

/** The object that stands for a type's identity: a resource is itself, everything else its Type object. */
const identity = (type: NamedType): object =>
  type.kind === "resource" || type.kind === "own" || type.kind === "borrow" ? type.resource : type;

/**
 * A world as WIT text that wasm-tools parses: the world, then every interface that it names, spelled out, the
 * world's own package at the top and the others in braces. Exports that WIT cannot say stand as comments.
 */
export const printWorld = (world: World): string => {
  const self = parseInterfaceName(world.name ?? "root:component/root");
  const top = packageOf(self);
  const interfaces = mergedInterfaces(world);
  const homes = homesOf(world, interfaces);
  const printed = (packageName: string, indent: string) =>
    [...interfaces.values()]
      .filter((item) => packageOf(parseInterfaceName(item.name)) === packageName)
      .map((item) => {
        const body = new Printer(item.name, packageName, item.types, homes, `${indent}  `).items(item.funcs);
        return `${indent}interface ${id(parseInterfaceName(item.name).name)} {\n${body}${indent}}\n`;
      });
  const packages = new Set([...interfaces.keys()].map((name) => packageOf(parseInterfaceName(name))));
  packages.delete(top);
  const worldText = `world ${id(self.name)} {\n${worldBody(world, top, homes)}}\n`;
  return [
    `package ${wordsEscaped(top)};\n`,
    ...printed(top, ""),
    worldText,
    ...[...packages].map((name) => `package ${wordsEscaped(name)} {\n${printed(name, "  ").join("\n")}}\n`),
  ].join("\n");
};

const packageOf = ({ namespace, package: name, version }: ReturnType<typeof parseInterfaceName>): string =>
  `${namespace}:${name}${version === undefined ? "" : `@${version}`}`;

/** Interfaces with names of their own; one that is imported and exported is one, with all that either side has. */
const mergedInterfaces = (world: World): Map<string, Interface> => {
  const found = new Map<string, Interface>();
  for (const item of [...world.imports.values(), ...world.exports.values()]) {
    if (item.kind !== "interface" || isInline(item.interface.name)) continue;
    const { name, funcs, types } = item.interface;
    const other = found.get(name);
    found.set(name, {
      name,
      funcs: new Map([...(other?.funcs ?? []), ...funcs]),
      types: new Map([...(other?.types ?? []), ...types]),
    });
  }
  return found;
};

const isInline = (name: string): boolean => !name.includes("/");

/** Types in the order of a component: whoever shows a type first defines it, later ones use it. */
const homesOf = (world: World, interfaces: ReadonlyMap<string, Interface>): Map<object, Home> => {
  const homes = new Map<object, Home>();
  const add = (type: NamedType, home: Home) => {
    if (!homes.has(identity(type))) homes.set(identity(type), home);
  };
  // Both copies of an interface that is imported and exported count: types of either may be used elsewhere.
  for (const side of [world.imports, world.exports])
    for (const [name, item] of side) {
      if (item.kind === "type") add(item.type, { interface: "", name });
      if (item.kind === "interface" && interfaces.has(item.interface.name))
        for (const [type, of] of item.interface.types)
          add(of, { interface: item.interface.name, name: type });
    }
  return homes;
};

const worldBody = (world: World, packageName: string, homes: ReadonlyMap<object, Home>): string => {
  const types = new Map<string, NamedType>();
  const funcs = new Map<string, Func>();
  for (const [name, item] of world.imports) {
    if (item.kind === "type") types.set(name, item.type);
    // Members of a resource that the world itself imports stand inside that resource.
    if (item.kind === "func" && item.func.role.role !== "free") funcs.set(name, item.func);
  }
  const printer = new Printer("", packageName, types, homes, "  ");
  const members = printer.items(funcs);
  const side = (word: string, items: World["imports"]) =>
    [...items].map(([name, item]) => printer.extern(word, name, item)).join("");
  return members + side("import", world.imports) + side("export", world.exports);
};

/** Prints the inside of one interface or world; names of types are looked up as that place sees them. */
class Printer {
  readonly #place: string;
  readonly #package: string;
  readonly #types: ReadonlyMap<string, NamedType>;
  readonly #homes: ReadonlyMap<object, Home>;
  readonly #indent: string;
  readonly #names = new Map<object, string>();

  constructor(
    place: string,
    packageName: string,
    types: ReadonlyMap<string, NamedType>,
    homes: ReadonlyMap<object, Home>,
    indent: string,
  ) {
    this.#place = place;
    this.#package = packageName;
    this.#types = types;
    this.#homes = homes;
    this.#indent = indent;
    for (const [name, type] of types)
      if (!this.#names.has(identity(type))) this.#names.set(identity(type), name);
  }

  /** Uses, type definitions with the members of resources inside, then the functions. */
  items(funcs: ReadonlyMap<string, Func>): string {
    const all = [...funcs.values()];
    const types = [...this.#types].map(([name, type]) => this.#named(name, type, all));
    const free = all
      .filter((func) => func.role.role === "free")
      .map((func) => `${this.#indent}${id(func.name)}: ${this.#func(func)};\n`);
    return types.join("") + free.join("");
  }

  extern(word: string, name: string, item: Extern): string {
    const line = (text: string) => `${this.#indent}${text}\n`;
    switch (item.kind) {
      case "func":
        return item.func.role.role === "free" ? line(`${word} ${id(name)}: ${this.#func(item.func)};`) : "";
      case "interface": {
        if (!isInline(name)) return line(`${word} ${interfaceText(name, this.#package)};`);
        const inner = new Printer(
          name,
          this.#package,
          item.interface.types,
          this.#homes,
          `${this.#indent}  `,
        );
        return `${this.#indent}${word} ${id(name)}: interface {\n${inner.items(item.interface.funcs)}${this.#indent}}\n`;
      }
      case "type":
        return word === "import" ? "" : line(`// ${word} ${name}: type`);
      default:
        return line(`// ${word} ${name}: ${item.kind}`);
    }
  }

  #named(name: string, type: NamedType, funcs: readonly Func[]): string {
    const indent = this.#indent;
    const home = this.#homes.get(identity(type));
    if (home && home.interface !== this.#place && home.interface !== "")
      return `${indent}use ${interfaceText(home.interface, this.#package)}.{${id(home.name)}${home.name === name ? "" : ` as ${id(name)}`}};\n`;
    const first = this.#names.get(identity(type));
    if (first !== undefined && first !== name) return `${indent}type ${id(name)} = ${id(first)};\n`;
    if (type.kind === "resource") return this.#resource(name, funcs);
    if (isDefinition(type)) return this.#definition(name, type);
    return `${indent}type ${id(name)} = ${this.#structure(type)};\n`;
  }

  #resource(name: string, funcs: readonly Func[]): string {
    const members = funcs
      .filter(({ role }) => role.role !== "free" && role.resource === name)
      .map((func) => `${this.#indent}  ${this.#member(func)};\n`);
    if (members.length === 0) return `${this.#indent}resource ${id(name)};\n`;
    return `${this.#indent}resource ${id(name)} {\n${members.join("")}${this.#indent}}\n`;
  }

  #member(func: Func): string {
    const { role } = func;
    if (role.role === "free") return "";
    if (role.role === "static") return `${id(role.member)}: static ${this.#func(func)}`;
    if (role.role === "method")
      return `${id(role.member)}: ${this.#func({ ...func, params: func.params.slice(1) })}`;
    const fallible = func.result?.kind === "result" ? ` -> ${this.#reference(func.result)}` : "";
    return `constructor(${this.#params(func)})${fallible}`;
  }

  #func(func: Func): string {
    const result = func.result ? ` -> ${this.#reference(func.result)}` : "";
    return `${func.async ? "async " : ""}func(${this.#params(func)})${result}`;
  }

  #params(func: Func): string {
    return func.params.map(({ name, type }) => `${id(name)}: ${this.#reference(type)}`).join(", ");
  }

  #definition(name: string, type: Definition): string {
    const lines = this.#members(type).map((member) => `${this.#indent}  ${member},\n`);
    return `${this.#indent}${type.kind} ${id(name)} {\n${lines.join("")}${this.#indent}}\n`;
  }

  #members(type: Definition): string[] {
    switch (type.kind) {
      case "record":
        return type.fields.map((field) => `${id(field.name)}: ${this.#reference(field.type)}`);
      case "variant":
        return type.cases.map((item) =>
          item.type ? `${id(item.name)}(${this.#reference(item.type)})` : id(item.name),
        );
      case "enum":
        return type.cases.map(id);
      case "flags":
        return type.flags.map(id);
    }
  }

  /** A type where one is used: by its name in this place if it has one. */
  #reference(type: Type): string {
    const name = this.#names.get(identity(type));
    if (name === undefined) return this.#structure(type);
    return type.kind === "borrow" ? `borrow<${id(name)}>` : id(name);
  }

  #structure(type: Type): string {
    const of = (inner: Type | undefined) => (inner ? this.#reference(inner) : "_");
    switch (type.kind) {
      case "list":
        return `list<${of(type.element)}${type.length === undefined ? "" : `, ${type.length}`}>`;
      case "map":
        return `map<${of(type.key)}, ${of(type.value)}>`;
      case "option":
        return `option<${of(type.element)}>`;
      case "result":
        if (!type.ok && !type.err) return "result";
        return type.err ? `result<${of(type.ok)}, ${of(type.err)}>` : `result<${of(type.ok)}>`;
      case "tuple":
        return `tuple<${type.elements.map(of).join(", ")}>`;
      case "stream":
      case "future":
        return type.element ? `${type.kind}<${of(type.element)}>` : type.kind;
      case "own":
        return id(type.resource.name);
      case "borrow":
        return `borrow<${id(type.resource.name)}>`;
      case "record":
      case "variant":
      case "enum":
      case "flags":
        return type.name === undefined ? `${type.kind} { ${this.#members(type).join(", ")} }` : id(type.name);
      default:
        return type.kind;
    }
  }
}

const isDefinition = (type: NamedType): type is Definition =>
  type.kind === "record" || type.kind === "variant" || type.kind === "enum" || type.kind === "flags";

/** A package must not name itself in full: that would be a cycle. */
const interfaceText = (name: string, within: string): string => {
  const parts = parseInterfaceName(name);
  const { namespace, package: packageName, name: item, version } = parts;
  if (packageOf(parts) === within) return id(item);
  return `${id(namespace!)}:${id(packageName!)}/${id(item)}${version === undefined ? "" : `@${version}`}`;
};
