// The linker that uses jco's generate. Owns its cache on disk, named by content digest, linker version and
// options, so that a second run transpiles nothing; refuses to know providers; called by `plan`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../base/digest.ts";
import { Fault, fault } from "../base/fault.ts";
import { writeFileAtomic } from "../base/files.ts";
import { cacheFolder } from "../base/paths.ts";
import type { World } from "../contract/model.ts";
import { adaptation } from "../contract/preview1.ts";
import { type LinkedFile, packContainer, unpackContainer } from "./container.ts";
import { compileCore, instantiateCore } from "./cores.ts";
import { beganName, changed } from "./glue.ts";
import type { Linked, Linker, LinkRequest } from "./linker.ts";

/** jco-transpile's version and the count of our own changes to options or container. */
const version = "jco-0.15.0-11";
const glueName = "component.js";

type CoreLookup = (name: string) => Promise<WebAssembly.Module>;
type Instantiate = (
  core: CoreLookup,
  imports: Readonly<Record<string, unknown>>,
  instantiateCore: (
    module: WebAssembly.Module,
    imports: WebAssembly.Imports,
  ) => Promise<WebAssembly.Instance>,
) => Promise<Record<string, unknown>> | Record<string, unknown>;

export const jcoLinker: Linker = {
  name: "jco",
  version,
  async link(request: LinkRequest): Promise<Linked> {
    const files = await linkedFiles(request);
    const cores = new Map<string, Promise<WebAssembly.Module>>();
    // All core modules compile at once and before the glue asks for them.
    for (const { name, bytes } of files)
      if (name.endsWith(".wasm")) cores.set(name, compileCore(bytes, request.metering));
    for (const core of cores.values()) core.catch(() => {});
    const glue = files.find((file) => file.name === glueName)!;
    const instantiate = evaluate(new TextDecoder().decode(glue.bytes));
    return {
      async instantiate(imports, meter, began) {
        return instantiate(
          (name) => cores.get(name)!,
          { ...asModules(imports), ...(began && { [beganName]: began }) },
          async (module, given) => instantiateCore(module, given, meter),
        );
      },
    };
  },
};

/** Where a linked component lies below the cache's root. */
const linkPath = (request: LinkRequest): string => {
  const { component, suspending } = request;
  const turns = suspending.size === 0 && waits(request) ? ["turns"] : [];
  const options = sha256([...suspending, ...turns].sort().join("\n")).slice(0, 16);
  const made = component.adapted ? `${adaptation}-` : "";
  return `link/${version}/${made}${component.digest.slice("sha256:".length)}-${options}`;
};

/** Whether a guest may be suspended: by what it imports, or wherever it computes. */
const waits = ({ suspending, metering }: LinkRequest): boolean =>
  suspending.size > 0 || metering?.turns === true;

/** From the user's cache, or made now and kept. */
const linkedFiles = async (request: LinkRequest): Promise<readonly LinkedFile[]> => {
  const place = join(cacheFolder(), linkPath(request));
  const cached = readCached(place);
  if (cached) return cached;
  const made = await transpile(request);
  try {
    writeFileAtomic(place, packContainer(made), { mode: 0o600 });
  } catch (error) {
    // A cache that cannot be written costs time, never the run.
    if (!(error instanceof Fault)) throw error;
  }
  return made;
};

const readCached = (place: string): LinkedFile[] | undefined => {
  try {
    return unpackContainer(readFileSync(place));
  } catch {
    return undefined;
  }
};

const transpile = async (request: LinkRequest): Promise<LinkedFile[]> => {
  const { component, suspending } = request;
  const { world } = request.decoded;
  const { $init, generate } = await import("@bytecodealliance/jco-transpile/component");
  await $init;
  const names = [...world.imports.keys()];
  // A suspended guest must have been entered through an export that answers with a promise.
  const exports = waits(request) ? exportedFuncs(world) : [];
  try {
    const { files } = generate(component.bytes, {
      name: "component",
      noTypescript: true,
      instantiation: { tag: "async" },
      // jco drops versions from import keys unless told, and then two generations of WASI collide.
      map: names.map((name): [string, string] => [name, name]),
      noNodejsCompat: true,
      base64Cutoff: 0,
      // With JSPI and nothing that waits, jco makes a composed component's exports answer with promises.
      asyncMode: waits(request)
        ? { tag: "jspi", val: { imports: [...suspending], exports } }
        : { tag: "sync" },
    });
    return files.map(([name, bytes]) => ({
      name,
      bytes: name === glueName ? new TextEncoder().encode(changed(new TextDecoder().decode(bytes))) : bytes,
    }));
  } catch (error) {
    throw fault("LK0303", `Cannot link ${component.identifier}: ${messageOf(error)}`, { cause: error });
  }
};

/** Every exported function as jco's options spell it: "greet", "wasi:cli/run@0.2.6#run". */
const exportedFuncs = (world: World): string[] =>
  [...world.exports].flatMap(([name, extern]) => {
    if (extern.kind === "func") return [name];
    return extern.kind === "interface"
      ? [...extern.interface.funcs.keys()].map((func) => `${name}#${func}`)
      : [];
  });

const messageOf = (error: unknown): string => {
  const payload = error && typeof error === "object" && "payload" in error ? error.payload : error;
  return (payload instanceof Error ? payload.message : String(payload)).split("\n")[0]!;
};

/** The glue is one self-contained module; as a function it needs no module loader and no file of its own. */
const evaluate = (glue: string): Instantiate =>
  new Function(`${asFunctionBody(glue)}\nreturn instantiate;`)() as Instantiate;

/** `import.meta` stands only in the default of a parameter that we always give. */
const asFunctionBody = (glue: string): string =>
  // jco 1.35 exports one of its helpers from inside the function that it makes, where nothing can be.
  glue.replace(/^ *export (?=function |const )/gm, "").replaceAll("import.meta.url", "undefined");

/** jco looks for a function import of the world itself as a module's default export. */
const asModules = (imports: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(imports).map(([name, value]) => [
      name,
      typeof value === "function" ? { default: value } : value,
    ]),
  );
