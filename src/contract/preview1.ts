// Core modules of the old WASI, preview 1: `wasm32-wasip1` of every toolchain. Owns the adapter that the executable
// carries and the wrapping of a module in it; refuses to say where a module comes from; called by the builders that
// make such modules, and by the host where one arrives from elsewhere.
import { join } from "node:path";
import { fault } from "../base/fault.ts";
import { repositoryRoot, resource } from "../base/resources.ts";
import { readExternType } from "./binary/coretype.ts";
import { modulePreamble } from "./binary/decode.ts";
import { Reader } from "./binary/reader.ts";
import { leb } from "./binary/sections.ts";
import { wasmTools } from "./tools.ts";

/** A core module with the old WASI (preview 1) is a command, with `_start`, or a reactor, without. */
export type AdapterKind = "command" | "reactor";

export const preview1 = "wasi_snapshot_preview1";

/** Changes when the same module would be wrapped otherwise: jco's version, and the count of our own changes. */
export const adaptation = "jco-1.35.0-1";

/** jco's adapter from preview 1 to WASI 0.2, as the executable carries it; from source, as npm has it. */
export const preview1Adapter = async (kind: AdapterKind): Promise<Uint8Array> => {
  const name = `${preview1}.${kind}.wasm`;
  const installed = Bun.file(join(repositoryRoot, "node_modules/@bytecodealliance/jco/lib", name));
  if (repositoryRoot !== "" && (await installed.exists())) return installed.bytes();
  return resource(`adapters/${name}`);
};

/**
 * A core module as a component: a command, which has `_start`, or what wit-bindgen left its world in.
 * Faults: LK0202 it is neither, LK0203 it is malformed, LK0211 it imports what is not to be had.
 */
export const adaptModule = async (identifier: string, module: Uint8Array): Promise<Uint8Array> => {
  const shape = readShape(module);
  if (shape.modules.includes(preview0)) throw noCommand(identifier, `it imports ${preview0}, from before it`);
  if (!shape.starts && !shape.hasWorld) throw noCommand(identifier, "it has no _start");
  const tools = await wasmTools();
  const adapter = await preview1Adapter(shape.starts ? "command" : "reactor");
  const core = shape.starts && shape.exits ? await withExitCodes(module, shape) : module;
  return tools.componentNew(core, [[preview1, adapter]]);
};

const preview0 = "wasi_unstable";

const noCommand = (identifier: string, why: string) =>
  fault(
    "LK0202",
    `${identifier} is a core WebAssembly module; a component or a command for WASI preview 1 was looked for, and ${why}`,
    { hint: "build it as a component: loop new component NAME --lang c" },
  );

interface Shape {
  /** The names before the dot of its imports. */
  readonly modules: readonly string[];
  readonly starts: boolean;
  readonly exits: boolean;
  /** Whether wit-bindgen left its world in it. */
  readonly hasWorld: boolean;
  /** The import section, its number and size included; undefined where there is none. */
  readonly section: { readonly start: number; readonly end: number } | undefined;
  readonly imports: readonly Import[];
}

interface Import {
  readonly module: string;
  readonly name: string;
  /** Where its type lies. */
  readonly start: number;
  readonly end: number;
}

/** What decides how a module is wrapped, from its imports, exports and the names of its custom sections. */
const readShape = (bytes: Uint8Array): Shape => {
  const reader = new Reader(bytes, modulePreamble.length);
  let section: Shape["section"];
  let imports: Import[] = [];
  let starts = false;
  let hasWorld = false;
  while (!reader.done) {
    const start = reader.at;
    const id = reader.byte();
    const body = reader.slice(reader.u32());
    if (id === 0) hasWorld ||= body.name().startsWith("component-type");
    if (id === 2) {
      section = { start, end: body.end };
      imports = body.vector(() => readImport(body));
    }
    if (id === 7)
      body.vector(() => {
        starts ||= body.name() === "_start";
        body.byte();
        body.u32();
      });
  }
  return {
    modules: [...new Set(imports.map(({ module }) => module))],
    starts,
    exits: imports.some(isExit),
    hasWorld,
    section,
    imports,
  };
};

const readImport = (reader: Reader): Import => {
  const [module, name] = [reader.name(), reader.name()];
  const start = reader.at;
  readExternType(reader);
  return { module, name, start, end: reader.at };
};

// Exit codes. The adapter has only success and failure to say `proc_exit` with, since `exit-with-code` is unstable in
// WASI 0.2 and few hosts offer it. This host does, and both take one i32: a module that is wrapped to run here calls
// it straight, and the adapter is not asked.

const exitName = "proc_exit";
const exitInterface = "wasi:cli/exit@0.2.12";
const exitFunction = "exit-with-code";
const exitWit = `package loop:adapted;
world exits { import ${exitInterface}; }
package wasi:cli@0.2.12 { interface exit { ${exitFunction}: func(status-code: u8); } }`;

const isExit = ({ module, name }: Import): boolean => module === preview1 && name === exitName;

const withExitCodes = async (module: Uint8Array, { section, imports }: Shape): Promise<Uint8Array> => {
  if (!section) return module;
  const body = imports.flatMap((one) => {
    const names = isExit(one) ? [exitInterface, exitFunction] : [one.module, one.name];
    return [...names.map(text), module.subarray(one.start, one.end)];
  });
  const content = Buffer.concat([leb(imports.length), ...body]);
  const core = Buffer.concat([
    module.subarray(0, section.start),
    Uint8Array.of(2),
    leb(content.length),
    content,
    module.subarray(section.end),
  ]);
  return (await wasmTools()).componentEmbed({ wit: exitWit, world: "exits", core });
};

const text = (value: string): Uint8Array => {
  const bytes = new TextEncoder().encode(value);
  return Buffer.concat([leb(bytes.length), bytes]);
};
