// WAT → component, for the tiny cases: a whole component in text, or a core module for a WIT world.
import { join } from "node:path";
import { preview1, preview1Adapter } from "../contract/preview1.ts";
import { wasmTools } from "../contract/tools.ts";
import { wordsEscaped } from "../contract/wit/names.ts";
import { chooseWorld } from "../contract/wit.ts";
import type { Builder, BuildRequest, BuildResult } from "./builder.ts";
import { witInputs } from "./wit.ts";

export const wat: Builder = {
  language: "wat",
  version: "1",
  build: (request) => buildWat(request),
};

/** Faults: LK0212 with line and column, LK0211, LK0209, LK0210. */
const buildWat = async (request: BuildRequest): Promise<BuildResult> => {
  const path = join(request.folder, request.main);
  const text = await Bun.file(path).text();
  const tools = await wasmTools();
  const bytes = await tools.parse(text, request.main);
  const component = isModule(text) ? await wrapped(bytes, request) : bytes;
  return { component, inputs: [path, ...witInputs(request)], warnings: [], generated: new Map() };
};

/** The first word says it; a bare list of fields is a module too. */
const isModule = (text: string): boolean => {
  const bare = text.replace(/;;[^\n]*/g, " ").replace(/\(;[\s\S]*?;\)/g, " ");
  return !/^\s*\(\s*component\b/.test(bare);
};

/** A core module fitted with the world of the project's WIT, and with the adapter where it speaks the old WASI. */
const wrapped = async (core: Uint8Array, { wit, world }: BuildRequest): Promise<Uint8Array> => {
  const tools = await wasmTools();
  const chosen = chooseWorld(wit, world);
  const embedded = await tools.componentEmbed({
    wit: chosen.composed.text,
    world: wordsEscaped(chosen.world),
    core,
  });
  const module = new WebAssembly.Module(core as BufferSource);
  const old = WebAssembly.Module.imports(module).some((item) => item.module === preview1);
  const kind = WebAssembly.Module.exports(module).some(({ name }) => name === "_start")
    ? "command"
    : "reactor";
  return tools.componentNew(embedded, old ? [[preview1, await preview1Adapter(kind)]] : []);
};
