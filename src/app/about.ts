import pkg from "../../package.json" with { type: "json" };
import { Fault } from "../base/fault.ts";
import { resourceText } from "../base/resources.ts";

/** `loop --version --verbose`: the versions of what loop is made of. */
export const versionText = async (verbose: boolean, json: boolean): Promise<string> => {
  const parts = verbose ? await versions() : { loop: pkg.version };
  if (json) return `${JSON.stringify(parts, null, 2)}\n`;
  const width = Math.max(...Object.keys(parts).map((name) => name.length));
  return Object.entries(parts)
    .map(([name, version]) => (verbose ? `${name.padEnd(width)}  ${version}\n` : `${name} ${version}\n`))
    .join("");
};

const versions = async (): Promise<Record<string, string>> => {
  const { jcoLinker } = await import("../host/jco.ts");
  const { ownLinker } = await import("../host/link/link.ts");
  const { Database } = await import("bun:sqlite");
  const database = new Database(":memory:");
  const sqlite = database.query("SELECT sqlite_version() AS version").get() as { version: string };
  database.close();
  return {
    loop: pkg.version,
    commit: await commit(),
    platform: `${process.platform}-${process.arch}`,
    bun: `${Bun.version} (${Bun.revision.slice(0, 9)})`,
    linker: `${ownLinker.version}, ${jcoLinker.version}`,
    "jco-transpile": pkg.dependencies["@bytecodealliance/jco-transpile"],
    "componentize-qjs": pkg.dependencies["componentize-qjs"],
    "componentize-js": pkg.devDependencies["@bytecodealliance/componentize-js"],
    sqlite: sqlite.version,
    sdl: await sdl(),
    webgpu: `${pkg.dependencies.webgpu} (Dawn)`,
    "into windows": await intoWindows(),
    gpu: await gpu(),
  };
};

/** The SDL that windows are shown with: "2.26.5, carried", and none where there is none. */
const sdl = async (): Promise<string> => {
  const { findSdl } = await import("../providers/window/sdl/library.ts");
  const { versionOf } = await import("../providers/window/sdl/binding.ts");
  try {
    const { sdl, where } = findSdl(undefined);
    return `${versionOf(sdl)}, ${where}`;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return "none";
  }
};

/** What a GPU draws into windows with: "libwebgpu_wrapper.so of bun-webgpu 0.1.7, carried", or that pictures are read back. */
const intoWindows = async (): Promise<string> => {
  const { findWindowDawn } = await import("../providers/gfx/wgpu/library.ts");
  try {
    const found = findWindowDawn(undefined, process.env);
    return found ? `${found.name}, ${found.where}` : "nothing, pictures are read back";
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return `nothing: ${error.message}`;
  }
};

/** The adapter that a component gets first: "SwiftShader driver 5.0.0, in software", and none where there is none. */
const gpu = async (): Promise<string> => {
  const { findAdapter, isFallback, softwareDrivers } = await import("../providers/gfx/adapter.ts");
  const found = await findAdapter({}, { environment: process.env, drivers: softwareDrivers });
  if ("looked" in found) return "none";
  const { description, device, vendor } = found.info;
  return `${description || device || vendor}, ${isFallback(found) ? "in software" : "hardware"}`;
};

/** The build writes down which commit it was made from. */
const commit = async (): Promise<string> => {
  try {
    return (await resourceText("commit.txt")).trim();
  } catch {
    return "unknown";
  }
};

/** `loop --licenses`. */
export const licensesText = async (json: boolean): Promise<string> => {
  const text = await resourceText("licenses.txt");
  return json ? `${JSON.stringify({ licenses: text }, null, 2)}\n` : text;
};
