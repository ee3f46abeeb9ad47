import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";

// The one list of what the executable carries besides its own code, used by the build and by nothing else.

export const root = join(import.meta.dir, "..");
export const stage = join(root, "build/stage");

/** Folders of the repository that are carried as they are. */
const folders = ["wit", "templates"];
/** Below a template these are made, not written. */
const made = new Set(["build", "node_modules", "dist", "target"]);

/** Paths of all files below a folder, relative to it, sorted, with forward slashes. */
export const filesBelow = (folder: string, skip: ReadonlySet<string> = new Set()): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
        .filter((path) => !path.split("/").some((part) => skip.has(part)))
        .sort()
    : [];

/** What is carried: by its name for `resource()`, where it lies now. */
export const carriedFiles = (): Map<string, string> => {
  const files = new Map<string, string>();
  for (const folder of folders)
    for (const path of filesBelow(join(root, folder), made))
      files.set(`${folder}/${path}`, join(root, folder, path));
  for (const path of filesBelow(stage)) files.set(path, join(stage, path));
  return files;
};

/**
 * Files that packages look for beside their own code, under exactly these names: jco's vendored loader takes its
 * core modules from `new URL("./NAME", import.meta.url)`, and preview2-shim its worker.
 */
export const besideCode = (): string[] => {
  const jco = dirname(dirname(Bun.resolveSync("@bytecodealliance/jco-transpile/component", root)));
  const vendor = join(jco, "vendor");
  const shim = dirname(Bun.resolveSync("@bytecodealliance/preview2-shim/io", jco));
  return [
    ...filesBelow(vendor)
      .filter((name) => /^[^/]+\.core\d*\.wasm$/.test(name))
      .map((name) => join(vendor, name)),
    join(shim, "../io/worker-thread.bundle.js"),
  ];
};
