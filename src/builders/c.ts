// C → component, as a WASI command, with what its own world imports besides. Owns finding a compiler (the person's own clang or `@yowasp/clang` from npm, in
// c/), which makes a core module for preview 1, and putting jco's adapter around that. Refuses to carry or fetch a
// compiler. Listed in the app's table, called by project.ts.
import { readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { type Fault, fault } from "../base/fault.ts";
import { preview1, preview1Adapter } from "../contract/preview1.ts";
import { wasmTools } from "../contract/tools.ts";
import { wordsEscaped } from "../contract/wit/names.ts";
import { chooseWorld } from "../contract/wit.ts";
import type { Builder, BuildRequest, BuildResult } from "./builder.ts";
import { type Compiled, findCompiler } from "./c/compiler.ts";
import { witInputs } from "./wit.ts";

export const c: Builder = {
  language: "c",
  version: "2",
  build: (request) => buildC(request),
};

/** Every .c file beside and below the main one is compiled. Faults: LK0602 with file and line, LK0606, LK0211. */
const buildC = async (request: BuildRequest): Promise<BuildResult> => {
  const { folder, main, settings } = request;
  const all = filesBelow(join(folder, dirname(main)), /\.[ch]$/).map((path) =>
    relative(folder, path).replaceAll("\\", "/"),
  );
  const sources = all.filter((path) => path.endsWith(".c"));
  const flags = Array.isArray(settings.flags) ? settings.flags.map(String) : [];
  const compiler = await findCompiler(folder, settings.clang);
  request.onProgress?.(`compiling with ${compiler.name}`);
  const compiled = await compiler.compile({ folder, files: all, sources, flags });
  if (!compiled.core) throw compileFault(main, compiled);
  const tools = await wasmTools();
  const core = await withWorld(compiled.core, request);
  const component = await tools.componentNew(core, [[preview1, await preview1Adapter("command")]]);
  return {
    component,
    inputs: [...all.map((path) => join(folder, path)), ...witInputs(request)],
    warnings: diagnosticsOf(compiled.messages, "warning"),
    generated: new Map(),
  };
};

/**
 * With a world of the project's own the program may import more than its libc does: functions declared with clang's
 * `import_module` and `import_name`, in the canonical ABI. Faults: LK0209, LK0210, LK0211.
 */
const withWorld = async (core: Uint8Array, { wit, world }: BuildRequest): Promise<Uint8Array> => {
  if (wit.size === 0) return core;
  const tools = await wasmTools();
  const chosen = chooseWorld(wit, world);
  return tools.componentEmbed({ wit: chosen.composed.text, world: wordsEscaped(chosen.world), core });
};

const filesBelow = (folder: string, pattern: RegExp): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();

/** clang's messages of one severity, each with the source lines that it shows below. */
const diagnosticsOf = (messages: string, severity: "error" | "warning"): string[] => {
  const found: string[] = [];
  let open = false;
  for (const line of messages.split("\n")) {
    const head =
      /^(.+?:\d+:\d+: )?(?:fatal )?(error|warning|note): /.exec(line) ??
      /^[\w.+-]+: (?:fatal )?(error|warning): /.exec(line);
    const kind = head?.[2] ?? head?.[1];
    if (head) open = kind === severity;
    if (head && open) found.push(line.replace(/: (?:fatal )?(?:error|warning): /, ": "));
    else if (open && line.startsWith(" ")) found.push(`${found.pop()}\n${line}`);
    else open = false;
  }
  return found;
};

const compileFault = (main: string, { messages }: Compiled): Fault => {
  const [first, ...others] = diagnosticsOf(messages, "error");
  const said = messages.trim().split("\n").at(-1) || "the compiler said nothing";
  return fault("LK0602", first ?? `${main} did not compile: ${said}`, {
    causes: others.map((message) => ({ phase: "build" as const, message })),
  });
};
