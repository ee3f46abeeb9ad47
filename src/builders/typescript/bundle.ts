import { existsSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import type { BunPlugin } from "bun";
import { type Fault, fault } from "../../base/fault.ts";
import type { Bindings } from "./bindings.ts";
import { hidden } from "./envelope.ts";
import calls from "./guest/calls.guest.js" with { type: "text" };
import consoleText from "./guest/console.guest.js" with { type: "text" };
import globals from "./guest/globals.guest.js" with { type: "text" };
import inspect from "./guest/inspect.guest.js" with { type: "text" };
import install from "./guest/install.guest.js" with { type: "text" };
import report from "./guest/report.guest.js" with { type: "text" };
import resources from "./guest/resources.guest.js" with { type: "text" };
import state from "./guest/state.guest.js" with { type: "text" };
import text from "./guest/text.guest.js" with { type: "text" };
import values from "./guest/values.guest.js" with { type: "text" };
import { type Positions, positionsOf } from "./positions.ts";

/** The guest side of the wrapper, by file name. */
const guestFiles: Readonly<Record<string, string>> = {
  "calls.guest.js": calls,
  "console.guest.js": consoleText,
  "globals.guest.js": globals,
  "inspect.guest.js": inspect,
  "install.guest.js": install,
  "report.guest.js": report,
  "resources.guest.js": resources,
  "state.guest.js": state,
  "text.guest.js": text,
  "values.guest.js": values,
};

export interface Bundle {
  /** One ES module, its only imports the engine's. */
  readonly source: string;
  readonly positions: Positions;
  /** The text of the guest's own sources, without the wrapper. */
  readonly guest: string;
  /** Absolute paths of the files that went in. */
  readonly inputs: readonly string[];
  readonly warnings: readonly string[];
}

export interface BundleRequest {
  readonly folder: string;
  /** Relative to the folder. */
  readonly main: string;
  readonly engine: "quickjs" | "starlingmonkey";
  readonly bindings: Bindings;
  /** Absolute path. */
  readonly tsconfig: string | undefined;
  readonly minify: boolean;
  /** The world's name, for messages. */
  readonly world: string;
}

/** Bundles the guest and its wrapper into one module. Faults: LK0602 with file, line and column. */
export const bundle = async (request: BundleRequest): Promise<Bundle> => {
  /** What a plugin throws reaches us as the bundler's own error, so what it found is kept beside. */
  const found: Fault[] = [];
  const output = await Bun.build({
    entrypoints: ["loop:entry"],
    plugins: [wrapper(request, (problem) => found.push(problem))],
    target: "browser",
    format: "esm",
    env: "disable",
    define: { "process.env.NODE_ENV": '"production"' },
    sourcemap: "external",
    // Whitespace always: every byte of the bundle is several in the component's memory. Syntax where it is asked
    // for: it joins statements and moves calls, and their places in the source are lost.
    minify: { whitespace: true, syntax: request.minify, identifiers: request.minify },
    metafile: true,
    throw: false,
    ...(request.tsconfig && { tsconfig: request.tsconfig }),
  });
  const errors = output.logs.filter(({ level }) => level === "error");
  if (found[0]) throw found[0];
  if (!output.success || errors.length > 0) throw bundlingFault(request.folder, errors);
  const [code] = output.outputs.filter(({ kind }) => kind === "entry-point");
  const map = JSON.parse(await code!.sourcemap!.text()) as {
    sources: string[];
    sourcesContent: string[];
    mappings: string;
  };
  const sources = map.sources.map((source) => sourceName(request.folder, source));
  return {
    source: (await code!.text()).replace(/\n\/\/# (sourceMappingURL|debugId)=.*/g, ""),
    positions: positionsOf(map.mappings, sources),
    guest: map.sourcesContent.filter((_, at) => sources[at] !== undefined).join("\n"),
    inputs: Object.keys(output.metafile?.inputs ?? {})
      .filter((path) => !path.startsWith("loop:"))
      .map((path) => resolve(path)),
    warnings: output.logs
      .filter(({ level }) => level === "warning")
      .map((log) => describe(request.folder, log)),
  };
};

/** "src/main.ts" for a file of the project, undefined for the wrapper's own. */
const sourceName = (folder: string, source: string): string | undefined => {
  if (source.includes("loop:") || source.startsWith("wit:")) return undefined;
  const absolute = isAbsolute(source) ? source : resolve(source);
  return relative(folder, absolute).replaceAll("\\", "/");
};

/** "ns:pkg/iface@1.0.0" */
const witSpecifier = /^[a-z][a-z0-9-]*:[a-z][a-z0-9:/-]*\/[a-z][a-z0-9-]*(@[^/]+)?$/;

const wrapper = (request: BundleRequest, onFault: (problem: Fault) => void): BunPlugin => ({
  name: "loop",
  setup(build) {
    const { bindings } = request;
    build.onResolve({ filter: /^loop:(entry|setup|main|engine|guest\/|native\/)/ }, ({ path }) => {
      const native = bindings.natives.get(path);
      if (native) return { path: request.engine === "quickjs" ? hidden(native) : native, external: true };
      if (path === "loop:main") return { path: join(request.folder, request.main) };
      return { path, namespace: "loop" };
    });
    build.onResolve({ filter: /^\.\/.*\.guest\.js$/ }, ({ path, importer, namespace }) =>
      namespace === "loop" || importer.includes("loop:")
        ? { path: `loop:guest/${path.slice(2)}`, namespace: "loop" }
        : undefined,
    );
    build.onResolve({ filter: /^[^./]/ }, ({ path, importer, namespace }) => {
      if (namespace === "loop" || isAbsolute(path) || path.startsWith("loop:entry")) return undefined;
      if (bindings.modules.has(path)) return { path, namespace: "wit" };
      const refuse = (problem: Fault) => {
        onFault(problem);
        throw problem;
      };
      if (witSpecifier.test(path)) return refuse(notImported(request, path, importer));
      const builtin = path.replace(/^node:/, "");
      if (
        absentBuiltins.has(builtin.split("/")[0]!) &&
        (path.startsWith("node:") || !installed(importer, builtin))
      )
        return refuse(noBuiltin(request, path, importer));
      return undefined;
    });
    // Bun runs macros of everything outside node_modules while it bundles, in this process and with all its rights.
    build.onLoad({ filter: /\.[cm]?[jt]sx?$/, namespace: "file" }, async ({ path }) => {
      if (path.includes("/node_modules/") || !macro.test(await Bun.file(path).text())) return undefined;
      const problem = fault(
        "LK0602",
        `${shown(request, path)} uses a macro, which would run outside the component`,
        {
          hint: "call the function at run time, or write its answer into a file before the build",
        },
      );
      onFault(problem);
      throw problem;
    });
    build.onLoad({ filter: /.*/, namespace: "loop" }, ({ path }) => ({
      contents: moduleText(request, path),
      loader: "js",
    }));
    build.onLoad({ filter: /.*/, namespace: "wit" }, ({ path }) => {
      const { object, members } = bindings.modules.get(path)!;
      return { contents: interfaceText(object, members), loader: "js" };
    });
  },
});

const macro = /\btype\s*['"]?\s*:\s*['"]macro['"]|['"]macro:/;

const moduleText = ({ bindings, engine }: BundleRequest, path: string): string => {
  if (path === "loop:entry") return bindings.entry;
  if (path === "loop:setup") return bindings.setup;
  if (path === "loop:engine") return `export const quickjs = ${engine === "quickjs"};`;
  return guestFiles[path.replace("loop:guest/", "")]!;
};

const interfaceText = (object: string, members: readonly string[]): string =>
  [
    `import { ${object} } from "loop:setup";`,
    ...members
      .filter((name) => name !== "default")
      .map(
        (name, at) =>
          `const member${at} = ${object}[${JSON.stringify(name)}];\nexport { member${at} as ${name} };`,
      ),
    `export default ${members.includes("default") ? `${object}.default` : object};`,
  ].join("\n");

const shown = (request: BundleRequest, importer: string): string =>
  relative(request.folder, importer) || importer;

const notImported = (request: BundleRequest, path: string, importer: string) => {
  const offered = [...request.bindings.modules.keys()].filter((name) => /@|^[^:]*$/.test(name));
  const exists = offered.length > 0 ? `it imports ${offered.join(", ")}` : "it imports nothing";
  return fault(
    "LK0602",
    `${shown(request, importer)} imports ${path}, and the world ${request.world} does not: ${exists}`,
    {
      hint: `write it into the world in wit/: import ${path};`,
    },
  );
};

/** Modules of Node that the bundler has no replacement for; it would put an empty object in their place. */
const absentBuiltins = new Set(
  builtinModules.filter(
    (name) =>
      !name.startsWith("_") &&
      ![
        "assert",
        "buffer",
        "console",
        "constants",
        "domain",
        "events",
        "path",
        "process",
        "punycode",
      ].includes(name) &&
      !["querystring", "stream", "string_decoder", "sys", "timers", "url", "util", "zlib"].includes(name),
  ),
);

const installed = (importer: string, name: string): boolean => {
  for (let folder = dirname(importer); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "node_modules", name))) return true;
    if (dirname(folder) === folder) return false;
  }
};

const noBuiltin = (request: BundleRequest, path: string, importer: string) =>
  fault(
    "LK0602",
    `${shown(request, importer)} imports ${path}, which is a module of Node and not in a component`,
    {
      hint: "import a WASI interface instead, such as wasi:filesystem/types, and name it in the world in wit/",
    },
  );

type Log = BuildMessage | ResolveMessage;

const bundlingFault = (folder: string, errors: readonly Log[]) => {
  const [first, ...others] = errors;
  return fault("LK0602", first ? describe(folder, first) : "The sources could not be bundled", {
    causes: others.map((log) => ({ phase: "build" as const, message: describe(folder, log) })),
  });
};

/** "src/main.ts:3:9: message", then the line itself with a mark below the place. */
const describe = (folder: string, { message: text, position }: Log): string => {
  const message = text.replace(' Maybe you need to "bun install"?', ' Maybe it needs "npm install"');
  if (!position) return message;
  const { file, line, column, lineText, length } = position;
  const place = `${relative(folder, resolve(file)) || file}:${line}:${column}: ${message}`;
  if (!lineText) return place;
  const mark =
    " ".repeat(Math.max(0, column - 1)) + "^".repeat(Math.max(1, Math.min(length, lineText.length)));
  return `${place}\n  ${lineText}\n  ${mark}`;
};
