import { fault } from "../../base/fault.ts";
import {
  camel,
  type Func,
  type Interface,
  parseInterfaceName,
  pascal,
  type ResourceType,
  unversioned,
  type World,
} from "../../contract/model.ts";
import { engineCamel, enginePascal } from "./names.ts";
import { type Place, Signatures } from "./signature.ts";

// Writes the two generated modules that stand between the guest and its engine: `setup` (every import, wrapped,
// and the globals) and `entry` (every export, wrapped). Both only connect what the files of guest/ define.

export interface Bindings {
  readonly setup: string;
  readonly entry: string;
  /** What the guest may import, and the name under which `setup` exports its members as one object. */
  readonly modules: ReadonlyMap<string, { readonly object: string; readonly members: readonly string[] }>;
  /** The engine's own modules, by the specifier that `setup` imports them with. */
  readonly natives: ReadonlyMap<string, string>;
  /** The names that `entry` exports. */
  readonly exports: readonly string[];
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
  /** The engine's modules are names that are there, and what is exported is given to `loopGive`: see warm.ts. */
  readonly warm: boolean;
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
  /** Variables of `entry`, and the names under which they are exported. */
  readonly #exports: (readonly [variable: string, name: string])[] = [];
  #place: Place = "setup";
  readonly #signatures: Signatures;
  #count = 0;

  constructor(request: BindingsRequest) {
    this.#request = request;
    this.#signatures = new Signatures({
      engine: request.engine,
      declare: (text) => {
        const name = this.#fresh("type");
        (this.#place === "setup" ? this.#setup : this.#entry).push(`const ${name} = ${text};`);
        return name;
      },
      resource: (given) => {
        const resource = this.#meant(given);
        const variable = this.#resources.get(resource);
        if (variable === undefined) return undefined;
        const own = this.#own.has(resource);
        return { text: this.#place === "entry" && !own ? `setup.${variable}` : variable, own };
      },
    });
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
    this.#entry.push(
      this.#request.warm
        ? `loopGive({ ${this.#exports.map(([variable, name]) => `${quoted(name)}: ${variable}`).join(", ")} });`
        : `export { ${this.#exports.map((pair) => pair.join(" as ")).join(", ")} };`,
    );
    return {
      setup: [setupHead, ...this.#setup].join("\n"),
      entry: [entryHead, ...this.#entry].join("\n"),
      modules: this.#modules,
      natives: this.#natives,
      exports: this.#exports.map(([, name]) => name),
    };
  }

  #signature(where: string, func: Func, result?: string): string {
    return this.#signatures.write(this.#place, where, func, result);
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
    if (!this.#request.warm) this.#setup.push(`import * as ${name} from ${quoted(`loop:native/${name}`)};`);
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
    );
    this.#exports.push([variable, engineCamel(func.name)]);
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
      this.#entry.push(`const ${variable} = {\n${members.map((member) => `  ${member},`).join("\n")}\n};`);
      this.#exports.push([variable, key]);
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
    // One that another exported interface defines is passed through here, and is made there.
    for (const [type, named] of item.types)
      if (named.kind === "resource" && this.#own.has(named.resource) && isDefinedBy(item, named.resource))
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

  /**
   * The resource that an exported interface speaks of. Where one interface is imported and exported, as wasi:io is
   * by what serves files, the world's type names the imported resource in some places and means the exported one.
   */
  #meant(resource: ResourceType): ResourceType {
    if (!this.#inExport || this.#own.has(resource)) return resource;
    const { name, owner } = resource;
    return [...this.#own].find((own) => own.name === name && own.owner === owner) ?? resource;
  }

  #inExport = false;

  #exportFunc(where: string, guest: string, item: Interface, func: Func): string | undefined {
    const { role } = func;
    const variable = this.#fresh("export");
    this.#inExport = true;
    const signature = this.#signature(where, func);
    this.#inExport = false;
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
}

const isDefinedBy = ({ name }: Interface, { owner }: ResourceType): boolean => (owner ?? name) === name;

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
