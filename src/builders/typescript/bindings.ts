import { fault } from "../../base/fault.ts";
import {
  camel,
  type Func,
  type Interface,
  parseInterfaceName,
  pascal,
  type ResourceType,
  type Type,
  unversioned,
  type World,
} from "../../contract/model.ts";
import { isOption, numberArrays, typeText } from "../../contract/type.ts";
import { engineCamel, enginePascal } from "./names.ts";

// Writes the two generated modules that stand between the guest and its engine: `setup` (every import, wrapped,
// and the globals) and `entry` (every export, wrapped). Both only connect what the files of guest/ define.

export interface Bindings {
  readonly setup: string;
  readonly entry: string;
  /** What the guest may import, and the name under which `setup` exports its members as one object. */
  readonly modules: ReadonlyMap<string, { readonly object: string; readonly members: readonly string[] }>;
  /** The engine's own modules, by the specifier that `setup` imports them with. */
  readonly natives: ReadonlyMap<string, string>;
}

export interface BindingsRequest {
  readonly world: World;
  /** The project's own world: what it imports is what the guest may name. */
  readonly own: World;
  /** The world's name, for messages. */
  readonly name: string;
  /** The guest's main file as shown in messages. */
  readonly main: string;
  readonly engine: "quickjs" | "starlingmonkey";
}

export const bindingsOf = (request: BindingsRequest): Bindings => new Writer(request).write();

const quoted = (text: string): string => JSON.stringify(text);

class Writer {
  readonly #request: BindingsRequest;
  readonly #setup: string[] = [];
  readonly #entry: string[] = [];
  readonly #modules = new Map<string, { object: string; members: string[] }>();
  readonly #objects = new Map<string, string>();
  readonly #natives = new Map<string, string>();
  readonly #resources = new Map<ResourceType, string>();
  /** Structures written so far in either module, by their text. */
  readonly #types = { setup: new Map<string, string>(), entry: new Map<string, string>() };
  #place: "setup" | "entry" = "setup";
  /** Whether the type being written is passed as core numbers (StarlingMonkey garbles some of those). */
  #flat = false;
  /** Whether it comes from the engine as an argument of the guest's. */
  #lifting = false;
  #count = 0;

  constructor(request: BindingsRequest) {
    this.#request = request;
  }

  write(): Bindings {
    const { world } = this.#request;
    const imports = [...world.imports].flatMap(([name, extern]) =>
      extern.kind === "interface" ? [[name, extern.interface] as const] : [],
    );
    for (const [name, item] of imports) this.#declareImported(name, item);
    for (const [name, item] of imports) this.#importInterface(name, item);
    for (const [name, extern] of world.imports)
      if (extern.kind === "func") this.#importRoot(name, extern.func);
    this.#globals(imports);
    this.#place = "entry";
    for (const extern of world.exports.values())
      if (extern.kind === "interface") this.#declareExported(extern.interface);
    for (const [name, extern] of world.exports) {
      if (extern.kind === "func") this.#exportRoot(extern.func);
      else if (extern.kind === "interface") this.#collectExport(name, extern.interface);
    }
    this.#exportInterfaces();
    return {
      setup: [setupHead, ...this.#setup].join("\n"),
      entry: [entryHead, ...this.#entry].join("\n"),
      modules: this.#modules,
      natives: this.#natives,
    };
  }

  #fresh(prefix: string): string {
    return `${prefix}${this.#count++}`;
  }

  // Imports

  /** The engine has no module for an interface without functions. */
  #native(name: string, item: Interface): string | undefined {
    return item.funcs.size > 0 ? this.#nativeModule(name) : undefined;
  }

  readonly #nativeNames = new Map<string, string>();

  #nativeModule(specifier: string): string {
    const known = this.#nativeNames.get(specifier);
    if (known) return known;
    const name = this.#fresh("native");
    this.#nativeNames.set(specifier, name);
    this.#natives.set(`loop:native/${name}`, specifier);
    this.#setup.push(`import * as ${name} from ${quoted(`loop:native/${name}`)};`);
    return name;
  }

  /** Resources come first, so that every signature can name them. */
  #declareImported(name: string, item: Interface): void {
    const native = this.#native(name, item);
    for (const [type, { kind, ...rest }] of item.types) {
      if (kind !== "resource") continue;
      const { resource } = rest as { resource: ResourceType };
      if (this.#resources.has(resource)) continue;
      const variable = this.#fresh("resource");
      this.#resources.set(resource, variable);
      const constructed = native && item.funcs.has(`[constructor]${type}`);
      const make = constructed ? `, (args) => ${variable}make(args)` : "";
      this.#setup.push(`export const ${variable} = imported(${quoted(pascal(type))}${make});`);
    }
  }

  #importInterface(name: string, item: Interface): void {
    const native = this.#native(name, item);
    const members: [string, string][] = [];
    for (const [type, named] of item.types)
      if (named.kind === "resource")
        members.push([pascal(type), `${this.#resources.get(named.resource)}.Class`]);
    for (const func of item.funcs.values()) {
      const call = this.#importFunc(`${unversioned(name)}#${func.name}`, native!, item, func);
      if (call) members.push([camel(func.name), call]);
    }
    this.#module([name, unversioned(name)], members);
  }

  /** One import; a free function answers the expression that holds it, a member is put on its class. */
  #importFunc(where: string, native: string, item: Interface, func: Func): string | undefined {
    const { role } = func;
    const signature = this.#signature(where, func);
    const variable = this.#fresh("import");
    if (role.role === "free") {
      this.#setup.push(
        `const ${variable} = importing(${signature}, (args) => ${native}.${engineCamel(func.name)}(...args));`,
      );
      return `(...args) => ${variable}(args)`;
    }
    const type = item.types.get(role.resource);
    const holder = type?.kind === "resource" ? this.#resources.get(type.resource)! : "";
    const nativeClass = `${native}.${enginePascal(role.resource)}`;
    if (role.role === "constructor") {
      const made = { ...func, result: undefined };
      this.#setup.push(
        `const ${holder}make = importing(${this.#signature(where, made, "same")}, (args) => new ${nativeClass}(...args));`,
      );
    } else if (role.role === "method") {
      this.#setup.push(
        `const ${variable} = importing(${signature}, ([self, ...args]) => self.${engineCamel(role.member)}(...args));`,
        `method(${holder}.Class.prototype, ${quoted(camel(role.member))}, function (...args) { return ${variable}([this, ...args]); });`,
      );
    } else
      this.#setup.push(
        `const ${variable} = importing(${signature}, (args) => ${nativeClass}.${engineCamel(role.member)}(...args));`,
        `method(${holder}.Class, ${quoted(camel(role.member))}, (...args) => ${variable}(args));`,
      );
    return undefined;
  }

  /** A function that the world itself imports: `import log from "log"`. */
  #importRoot(name: string, func: Func): void {
    const variable = this.#fresh("import");
    const quickjs = this.#request.engine === "quickjs";
    // QuickJS has these as globals, StarlingMonkey as modules with a default export.
    const callee = quickjs
      ? `globalThis[${quoted(engineCamel(name))}]`
      : `${this.#nativeModule(name)}.default`;
    const taken = this.#fresh("root");
    this.#setup.push(
      `const ${taken} = ${callee};`,
      `const ${variable} = importing(${this.#signature(name, func)}, (args) => ${taken}(...args));`,
    );
    this.#module(
      [name],
      [
        ["default", `(...args) => ${variable}(args)`],
        [camel(name), `(...args) => ${variable}(args)`],
      ],
    );
  }

  #module(specifiers: readonly string[], members: readonly (readonly [string, string])[]): void {
    const object = this.#fresh("module");
    this.#setup.push(
      `export const ${object} = {\n${members.map(([name, value]) => `  ${quoted(name)}: ${value},`).join("\n")}\n};`,
    );
    this.#objects.set(specifiers[0]!, object);
    if (!this.#request.own.imports.has(specifiers[0]!)) return;
    for (const specifier of specifiers)
      if (!this.#modules.has(specifier))
        this.#modules.set(specifier, { object, members: members.map(([name]) => name) });
  }

  // Globals

  #globals(imports: readonly (readonly [string, Interface])[]): void {
    const memberOf = (name: string, member: string) => {
      const found = imports.find(([full, item]) => unversioned(full) === name && item.funcs.has(member));
      return found ? `${this.#objects.get(found[0])}[${quoted(camel(member))}]` : "undefined";
    };
    this.#setup.push(
      `install({`,
      `  stdout: ${memberOf("wasi:cli/stdout", "get-stdout")},`,
      `  stderr: ${memberOf("wasi:cli/stderr", "get-stderr")},`,
      `  wallClock: ${memberOf("wasi:clocks/wall-clock", "now")},`,
      `  monotonicClock: ${memberOf("wasi:clocks/monotonic-clock", "now")},`,
      `  randomBytes: ${memberOf("wasi:random/random", "get-random-bytes")},`,
      `  poll: ${memberOf("wasi:io/poll", "poll")},`,
      `});`,
    );
  }

  // Exports

  #exportRoot(func: Func): void {
    const name = camel(func.name);
    const found = this.#fresh("guest");
    const variable = this.#fresh("export");
    this.#entry.push(
      `const ${found} = rootFunction(guest, ${quoted(name)}, ${quoted(this.#request.main)}, ${quoted(this.#request.name)});`,
      `const ${variable}call = exporting(${this.#signature(func.name, func)}, (args) => ${found}(...args));`,
      `const ${variable} = (...args) => ${variable}call(args);`,
      `export { ${variable} as ${engineCamel(func.name)} };`,
    );
  }

  readonly #exported = new Map<string, (readonly [string, Interface])[]>();

  /** Engines know an exported interface by its last name alone, so those that share it are one object. */
  #collectExport(name: string, item: Interface): void {
    if (item.funcs.size === 0) return;
    const key = engineCamel(parseInterfaceName(name).name);
    const others = this.#exported.get(key) ?? [];
    for (const [other, { funcs }] of others)
      for (const func of item.funcs.keys())
        if (funcs.has(func))
          throw fault(
            "LK0602",
            `The world exports ${func} of both ${other} and ${name}, which the JavaScript engines cannot tell apart`,
            { hint: "rename one of the interfaces or functions" },
          );
    this.#exported.set(key, [...others, [name, item]]);
  }

  #exportInterfaces(): void {
    for (const [key, items] of this.#exported) {
      const members: string[] = [];
      for (const [name, item] of items) members.push(...this.#exportInterface(name, item));
      const variable = this.#fresh("exports");
      this.#entry.push(
        `const ${variable} = {\n${members.map((member) => `  ${member},`).join("\n")}\n};`,
        `export { ${variable} as ${key} };`,
      );
    }
  }

  #exportInterface(name: string, item: Interface): string[] {
    const guest = this.#fresh("guest");
    const plain = parseInterfaceName(name).name;
    const { main, name: world } = this.#request;
    this.#entry.push(
      `const ${guest} = interfaceObject(guest, ${quoted(name)}, ${quoted(camel(plain))}, ${quoted(main)}, ${quoted(world)});`,
    );
    const members: string[] = [];
    for (const [type, named] of item.types)
      if (named.kind === "resource" && this.#own.has(named.resource))
        members.push(this.#exportResource(guest, type, named.resource, item));
    for (const func of item.funcs.values()) {
      const made = this.#exportFunc(`${unversioned(name)}#${func.name}`, guest, item, func);
      if (made) members.push(made);
    }
    return members;
  }

  /** Resources that the guest makes. */
  readonly #own = new Set<ResourceType>();

  #declareExported(item: Interface): void {
    for (const [type, named] of item.types) {
      if (named.kind !== "resource" || this.#resources.has(named.resource)) continue;
      const variable = this.#fresh("resource");
      this.#own.add(named.resource);
      this.#resources.set(named.resource, variable);
      this.#entry.push(`const ${variable} = exported(${quoted(pascal(type))});`);
    }
  }

  #exportResource(guest: string, type: string, resource: ResourceType, item: Interface): string {
    const variable = this.#resources.get(resource)!;
    const needed = [...item.funcs.values()].some(
      ({ role }) => role.role !== "free" && role.resource === type && role.role !== "method",
    );
    this.#entry.push(
      `${variable}.state.Class = resourceClass(${guest}, ${quoted(pascal(type))}, ${needed}, ${quoted(this.#request.main)});`,
      `const ${variable}Class = engineClass(${variable}, (args) => ${variable}make(args));`,
    );
    if (!item.funcs.has(`[constructor]${type}`)) this.#entry.push(`const ${variable}make = undefined;`);
    return `${enginePascal(type)}: ${variable}Class`;
  }

  #exportFunc(where: string, guest: string, item: Interface, func: Func): string | undefined {
    const { role } = func;
    const variable = this.#fresh("export");
    const signature = this.#signature(where, func);
    if (role.role === "free") {
      this.#entry.push(
        `const ${variable} = exporting(${signature}, (args) => member(${guest}, ${quoted(camel(func.name))}, ${quoted(where)})(...args));`,
      );
      this.#entry.push(`member(${guest}, ${quoted(camel(func.name))}, ${quoted(where)});`);
      return `${engineCamel(func.name)}: (...args) => ${variable}(args)`;
    }
    const type = item.types.get(role.resource);
    const holder = type?.kind === "resource" ? this.#resources.get(type.resource)! : "";
    if (role.role === "constructor")
      this.#entry.push(
        `const ${holder}make = exporting(${signature}, (args) => new ${holder}.state.Class(...args));`,
      );
    else if (role.role === "method")
      this.#entry.push(
        `const ${variable} = exporting(${signature}, ([self, ...args]) => self.${camel(role.member)}(...args));`,
        `method(${holder}.Carrier.prototype, ${quoted(engineCamel(role.member))}, function (...args) { return ${variable}([this, ...args]); });`,
      );
    else
      this.#entry.push(
        `const ${variable} = exporting(${signature}, (args) => ${holder}.state.Class.${camel(role.member)}(...args));`,
        `method(${holder}Class, ${quoted(engineCamel(role.member))}, (...args) => ${variable}(args));`,
      );
    return undefined;
  }

  // Types

  #signature(where: string, func: Func, result?: string): string {
    if (func.async) throw unsupported(where, "an async function");
    const starling = this.#request.engine === "starlingmonkey";
    // Only what goes from the guest to the engine is garbled: an import's arguments, an export's answer.
    const flatParams =
      starling && this.#place === "setup" && sum(func.params.map(({ type }) => flatCount(type))) <= 16;
    const flatAnswer =
      starling && this.#place === "entry" && func.result !== undefined && flatCount(func.result) <= 1;
    this.#lifting = this.#place === "entry";
    const params = func.params.map(({ name, type }) => {
      this.#flat = flatParams;
      return `[${quoted(name)}, ${this.#type(type, where)}]`;
    });
    this.#lifting = false;
    this.#flat = flatAnswer;
    const parts = [`where: ${quoted(where)}`, `params: [${params.join(", ")}]`];
    const answer = func.result;
    if (result) parts.push(`result: ${result}`);
    else if (answer?.kind === "result") {
      parts.push(`result: ${answer.ok ? this.#type(answer.ok, where) : "undefined"}`);
      parts.push(`err: { type: ${answer.err ? this.#type(answer.err, where) : "undefined"} }`);
    } else if (answer) parts.push(`result: ${this.#type(answer, where)}`);
    this.#flat = false;
    return `{ ${parts.join(", ")} }`;
  }

  /** Structures are written once in each module and named. */
  #type(type: Type, where: string): string {
    const text = this.#typeText(type, where);
    if (!text.includes("(")) return text;
    const known = this.#types[this.#place];
    const before = known.get(text);
    if (before) return before;
    const name = this.#fresh("type");
    known.set(text, name);
    (this.#place === "setup" ? this.#setup : this.#entry).push(`const ${name} = ${text};`);
    return name;
  }

  #typeText(type: Type, where: string): string {
    const inner = (element: Type) => this.#type(element, where);
    const maybe = (element: Type | undefined) => (element ? inner(element) : "undefined");
    switch (type.kind) {
      case "list":
        return this.#list(type, where);
      case "option":
        return `v.${isOption(type.element) ? "nested" : "option"}(${inner(type.element)})`;
      case "result":
        return `v.result(${maybe(type.ok)}, ${maybe(type.err)})`;
      case "tuple":
        return `v.tuple(${type.elements.map(inner).join(", ")})`;
      case "record":
        return `v.record(${type.fields
          .map(
            (field) =>
              `[${quoted(camel(field.name))}, ${quoted(engineCamel(field.name))}, ${inner(field.type)}]`,
          )
          .join(", ")})`;
      case "variant":
        return `v.variant(${type.cases.map((item) => `[${quoted(item.name)}, ${maybe(item.type)}]`).join(", ")})`;
      case "enum":
        return `v.enumeration(${type.cases.map(quoted).join(", ")})`;
      case "flags":
        return `v.flags(${type.flags.map((name) => `[${quoted(camel(name))}, ${quoted(engineCamel(name))}]`).join(", ")})`;
      case "own":
        if (this.#lifting && this.#own.has(type.resource) && this.#request.engine === "quickjs")
          throw fault(
            "LK0602",
            `${where} takes an own ${type.resource.name}, a resource that the component itself exports, and componentize-qjs hands over another object in its place`,
            { hint: `let it take borrow<${type.resource.name}>, or build with engine = "starlingmonkey"` },
          );
        return `${this.#resource(type.resource, where)}.own`;
      case "borrow":
        return `${this.#resource(type.resource, where)}.borrow`;
      case "map":
      case "stream":
      case "future":
      case "error-context":
        throw unsupported(where, typeText(type));
      default:
        return `v.${this.#flat && (type.kind === "u32" || type.kind === "s64") ? "flat_" : ""}${type.kind}`;
    }
  }

  #list(type: Extract<Type, { kind: "list" }>, where: string): string {
    if (type.length !== undefined) throw unsupported(where, typeText(type));
    const Kind = numberArrays[type.element.kind as keyof typeof numberArrays];
    // Elements lie in memory.
    const before = this.#flat;
    this.#flat = false;
    const element = this.#type(type.element, where);
    this.#flat = before;
    return Kind ? `v.numbers(${element}, ${Kind.name})` : `v.list(${element})`;
  }

  #resource(resource: ResourceType, where: string): string {
    const variable = this.#resources.get(resource);
    if (!variable)
      throw unsupported(where, `the resource ${resource.name}, which belongs to no interface of the world`);
    return this.#place === "entry" && !this.#own.has(resource) ? `setup.${variable}` : variable;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Core numbers that a type takes when it is not in memory (component-model, CanonicalABI.md, flattening). */
const flatCount = (type: Type): number => {
  const most = (types: readonly (Type | undefined)[]) =>
    1 + Math.max(0, ...types.map((item) => (item ? flatCount(item) : 0)));
  switch (type.kind) {
    case "string":
    case "list":
    case "map":
      return 2;
    case "record":
      return sum(type.fields.map((field) => flatCount(field.type)));
    case "tuple":
      return sum(type.elements.map(flatCount));
    case "option":
      return most([type.element]);
    case "result":
      return most([type.ok, type.err]);
    case "variant":
      return most(type.cases.map((item) => item.type));
    default:
      return 1;
  }
};

const unsupported = (where: string, what: string) =>
  fault("LK0602", `${where} uses ${what}, which TypeScript components cannot carry yet`, {
    hint: "change the WIT, or write this component in another language",
  });

const setupHead = `import * as v from "loop:guest/values.guest.js";
import { imported } from "loop:guest/resources.guest.js";
import { importing } from "loop:guest/calls.guest.js";
import { install, method } from "loop:guest/install.guest.js";
const same = { lift: (value) => value };`;

const entryHead = `import * as v from "loop:guest/values.guest.js";
import { exported } from "loop:guest/resources.guest.js";
import { exporting } from "loop:guest/calls.guest.js";
import { engineClass, interfaceObject, member, method, resourceClass, rootFunction } from "loop:guest/install.guest.js";
import * as setup from "loop:setup";
import * as guest from "loop:main";`;
