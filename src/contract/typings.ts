// TypeScript declarations for a guest, from its WIT, so that an editor and tsc check it against its world.
// Owns what jco's guest types lack (functions that the world itself imports, the type of the guest's main
// module); refuses to know compilers and folders. Called by the builders of TypeScript.
import { fault } from "../base/fault.ts";
import {
  camel,
  type Extern,
  type Func,
  pascal,
  type ResourceType,
  type Type,
  unversioned,
  type World,
} from "./model.ts";
import { isOption, numberArrays } from "./type.ts";
import { wordsEscaped } from "./wit/names.ts";
import { chooseWorld, encodeWorld, type WitSources } from "./wit.ts";
import { readWorld } from "./world.ts";

export interface TypingsRequest {
  /** As the import in a generated check would spell it, seen from the typings' folder: "../src/main.ts". */
  readonly main?: string;
}

/**
 * Declarations by file name, all for one folder: `world.d.ts` exports `World`, what the guest's main module must
 * export, and leads to the others: `ambient.d.ts` and `interfaces/*.d.ts` declare the modules that the guest
 * imports ("wasi:cli/environment@0.2.12", with and without version). With `main`, `check.ts` makes tsc compare
 * that module with `World`. Faults as `encodeWorld`.
 */
export const guestTypings = async (
  sources: WitSources,
  world?: string,
  request: TypingsRequest = {},
): Promise<ReadonlyMap<string, string>> => {
  const encoded = await encodeWorld(sources, world);
  const chosen = chooseWorld(sources, world);
  const model = readWorld(encoded);
  const files = new Map(await jcoTypes(chosen.composed.text, chosen.world));
  const names = [...files.keys()].sort();
  files.set("imports.d.ts", importModules(model, chosen.world));
  files.set("world.d.ts", worldModule(model, chosen.world, [...names, "imports.d.ts"]));
  if (request.main !== undefined) files.set("check.ts", checkModule(request.main));
  return files;
};

const jcoTypes = async (wit: string, world: string): Promise<[string, string][]> => {
  const { $init, generateTypes } = await import("@bytecodealliance/jco-transpile/component");
  await $init;
  try {
    const decoder = new TextDecoder();
    return generateTypes("ambient", {
      wit: { tag: "source", val: wit },
      world: wordsEscaped(world),
      guest: true,
    }).map(([name, bytes]): [string, string] => [name, optionalAtTheEnd(decoder.decode(bytes))]);
  } catch (error) {
    if (!(error instanceof Error && "payload" in error)) throw error;
    throw fault("LK0209", `No typings can be made for ${world}: ${String(error.payload).split("\n")[0]}`, {
      cause: error,
    });
  }
};

/**
 * What a guest calls may leave options at the end of its arguments away: `draw(3)`. A function that takes fewer or
 * optional parameters still fits an export.
 */
const optionalAtTheEnd = (text: string): string =>
  text.replace(
    /^(\s*(?:export function |static )?[\w$]+)\((.*)\)(: .*;)$/gm,
    (_line, before: string, params: string, after: string) =>
      `${before}(${params.replace(/(?:\w+: [^,()]* \| undefined(?:, )?)+$/, (last) =>
        last.replace(/(\w+): /g, "$1?: "),
      )})${after}`,
  );

const header = "// Generated from WIT by loop build; changes here are lost.\n";

const worldModule = (world: World, name: string, files: readonly string[]): string => {
  const references = files.map((file) => `/// <reference path="./${file}" />`).join("\n");
  // Resources that the world imports are classes of its module, and nothing that a guest exports.
  const imported = [...world.imports]
    .filter(([, item]) => item.kind === "type")
    .map(([item]) => pascal(item));
  const module = `typeof import(${JSON.stringify(name)})`;
  const exports =
    imported.length === 0
      ? module
      : `Omit<${module}, ${imported.map((item) => JSON.stringify(item)).join(" | ")}>`;
  return `${header}${references}

/** What the main module of a guest for ${name} exports. */
export type World = ${exports};

/** Compiles only where \`Module\`, the type of a guest's main module, fits its world. */
export type Guest<Module extends World> = Module;
`;
};

const checkModule = (main: string): string => `${header}
import type * as guest from ${JSON.stringify(main)};
import type { Guest } from "./world";

/** An error here says what the guest lacks or has in another shape than its world. */
export type Checked = Guest<typeof guest>;
`;

/** Modules that jco does not declare: functions of the world itself, and interfaces without their version. */
const importModules = (world: World, name: string): string => {
  const modules: string[] = [];
  const plain = new Map<string, string[]>();
  for (const [item, extern] of world.imports) {
    if (extern.kind === "func" && extern.func.role.role === "free")
      modules.push(functionModule(item, extern, name));
    const short = unversioned(item);
    if (extern.kind === "interface" && short !== item) plain.set(short, [...(plain.get(short) ?? []), item]);
  }
  for (const [short, full] of plain)
    if (full.length === 1) modules.push(`declare module '${short}' {\n  export * from '${full[0]}';\n}\n`);
  return `${header}\n${modules.join("\n")}`;
};

const functionModule = (name: string, { func }: Extract<Extern, { kind: "func" }>, world: string): string => {
  const local = reserved.has(camel(name)) ? `_${camel(name)}` : camel(name);
  const names = local === camel(name) ? "" : ` ${local} as ${camel(name)},`;
  return `declare module '${name}' {
  ${names === "" ? "export " : ""}function ${local}${signature(func, world)};
  export {${names} ${local} as default };
}
`;
};

const signature = (func: Func, world: string): string => {
  const params = func.params.map(({ name, type }) => `${safe(camel(name))}: ${typescript(type, world)}`);
  // The err of a function's result is thrown, so only the ok is returned.
  const returned = func.result?.kind === "result" ? func.result.ok : func.result;
  const result = returned ? typescript(returned, world) : "void";
  return `(${params.join(", ")}): ${func.async ? `Promise<${result}>` : result}`;
};

/** A type in the JS mapping, written out; resources by the module that declares their class. */
const typescript = (type: Type, world: string): string => {
  const of = (inner: Type) => typescript(inner, world);
  const tagged = (name: string, inner: Type | undefined) =>
    `{ tag: ${JSON.stringify(name)}${inner ? `, val: ${of(inner)}` : ""} }`;
  switch (type.kind) {
    case "bool":
      return "boolean";
    case "char":
    case "string":
      return "string";
    case "u64":
    case "s64":
      return "bigint";
    case "list":
      return listType(type, of);
    case "map":
      return `Map<${of(type.key)}, ${of(type.value)}>`;
    case "option":
      return isOption(type.element)
        ? `${tagged("none", undefined)} | ${tagged("some", type.element)}`
        : `${of(type.element)} | undefined`;
    case "result":
      return `${tagged("ok", type.ok)} | ${tagged("err", type.err)}`;
    case "tuple":
      return `[${type.elements.map(of).join(", ")}]`;
    case "record":
      return `{ ${type.fields.map(({ name, type: field }) => `${camel(name)}${isOption(field) ? "?" : ""}: ${of(field)}`).join(", ")} }`;
    case "variant":
      return type.cases.map((item) => tagged(item.name, item.type)).join(" | ");
    case "enum":
      return type.cases.map((item) => JSON.stringify(item)).join(" | ");
    case "flags":
      return `{ ${type.flags.map((flag) => `${camel(flag)}?: boolean`).join(", ")} }`;
    case "own":
    case "borrow":
      return resourceClass(type.resource, world);
    case "stream":
      return `AsyncIterable<${type.element ? of(type.element) : "void"}>`;
    case "future":
      return `Promise<${type.element ? of(type.element) : "void"}>`;
    case "error-context":
      return "Error";
    default:
      return "number";
  }
};

const listType = (type: Extract<Type, { kind: "list" }>, of: (inner: Type) => string): string => {
  const element = of(type.element);
  if (type.length !== undefined) return `[${Array.from({ length: type.length }, () => element).join(", ")}]`;
  if (type.element.kind in numberArrays)
    return numberArrays[type.element.kind as keyof typeof numberArrays].name;
  return `Array<${element}>`;
};

const resourceClass = (resource: ResourceType, world: string): string =>
  `import(${JSON.stringify(resource.owner ?? world)}).${pascal(resource.name)}`;

const words = `await break case catch class const continue debugger default delete do else enum export extends
  false finally for function if import in instanceof new null return super switch this throw true try typeof var
  void while with yield let static implements interface package private protected public arguments eval`;
const reserved: ReadonlySet<string> = new Set(words.split(/\s+/));

const safe = (name: string): string => (reserved.has(name) ? `_${name}` : name);
