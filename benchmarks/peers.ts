import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { spawn } from "./measure.ts";

// What is measured, and against whom.

const root = join(import.meta.dir, "..");
/** Kept between runs, ignored by git: the peers' installations. */
const kept = join(root, "build/bench");
export const jco = join(root, "node_modules/@bytecodealliance/jco/dist/jco.js");
export const wasmtimeVersion = "50.0.1";

/**
 * What Node needs so that jco's child process loads a TypeScript component: its QuickJS uses extended constant
 * expressions, which Node 20 has behind a flag and later ones have without.
 */
export const nodeEnv = (env: Record<string, string>): Record<string, string> => {
  const flag = "--experimental-wasm-extended-const";
  return spawn(["node", "--v8-options"]).includes(flag) ? { ...env, JCO_RUN_ARGS: flag } : env;
};

/** A folder of its own with XDG folders of its own; gone after `work`. */
export const withFolder = async <T>(
  work: (folder: string, env: Record<string, string>) => Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), "loop-bench-"));
  try {
    return await work(folder, {
      PATH: process.env.PATH ?? "",
      HOME: folder,
      XDG_DATA_HOME: join(folder, "data"),
      XDG_CACHE_HOME: join(folder, "cache"),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** What `loop new component hello --lang LANGUAGE` makes, built; answers the component's path. */
export const helloComponent = (language: string, folder: string, env: Record<string, string>): string => {
  const name = `hello-${language}`;
  spawn([executable, "new", "component", name, "--lang", language], { cwd: folder, env });
  // What `npm install` in the C project would bring.
  const modules = join(folder, "node_modules");
  if (!existsSync(modules)) symlinkSync(join(root, "node_modules"), modules);
  spawn([executable, "build"], { cwd: join(folder, name), env });
  return join(folder, name, "build", `${name}.wasm`);
};

/** The smallest program that `bun build --compile` makes: what no executable of Bun can be faster than. */
export const smallestProgram = (folder: string): string => {
  const source = join(folder, "smallest.ts");
  writeFileSync(source, 'console.log("0.1.0");\n');
  const program = join(folder, "smallest");
  spawn([process.execPath, "build", "--compile", "--minify", source, "--outfile", program]);
  return program;
};

/** A Python with the package wasmtime, in a virtual environment; or why there is none. */
export const wasmtimePython = (): { readonly python: string } | { readonly absent: string } => {
  const folder = join(kept, `wasmtime-${wasmtimeVersion}`);
  const python = join(folder, "bin/python");
  try {
    if (!existsSync(join(folder, "ready"))) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(kept, { recursive: true });
      spawn(["python3", "-m", "venv", folder]);
      spawn([join(folder, "bin/pip"), "install", "--quiet", `wasmtime==${wasmtimeVersion}`]);
      writeFileSync(join(folder, "ready"), "");
    }
    return { python };
  } catch (error) {
    return { absent: error instanceof Error ? error.message.split("\n")[0]! : String(error) };
  }
};
