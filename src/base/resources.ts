import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

// What the executable carries: WIT packages, templates, command components, adapters, licences. Each is named
// by its path in the repository ("wit/loop-cli/package.wit") or, where the build makes it, in build/stage
// ("commands/run.wasm"). In the compiled executable every file lies flat in one folder (jco's loader wants
// its own files there too), so "/" is spelled "~". Bun names an output by what stands before the last dot, and
// compiles what ends like a source, so "." is spelled "^" and all end alike.

const compiledRoot = "/$bunfs/root/";

/** Whether this is the compiled executable rather than the sources. */
export const compiled = import.meta.path.startsWith("/$bunfs/") || import.meta.path.includes("~BUN");

/** The repository's root; meaningful only when not compiled. */
export const repositoryRoot = compiled ? "" : join(import.meta.dir, "../..");
const stageRoot = join(repositoryRoot, "build/stage");

const ending = ".file";

/** How a carried file is named in the executable: "wit/loop-cli/package.wit" → "wit~loop-cli~package^wit.file". */
export const embeddedName = (path: string): string => path.replaceAll("/", "~").replaceAll(".", "^") + ending;

const carriedPath = (name: string): string =>
  name.slice(0, -ending.length).replaceAll("~", "/").replaceAll("^", ".");

const embedded = (path: string) => Bun.file(compiledRoot + embeddedName(path));

/** The bytes of a carried file, or undefined where there is none of that path. */
export const carriedResource = async (path: string): Promise<Uint8Array | undefined> => {
  for (const file of compiled
    ? [embedded(path)]
    : [Bun.file(join(stageRoot, path)), Bun.file(join(repositoryRoot, path))])
    if (await file.exists()) return file.bytes();
  return undefined;
};

/** The bytes of a file that the build makes, read at once, or undefined where there is none of that path. */
export const carriedNow = (path: string): Buffer | undefined => {
  const place = compiled ? compiledRoot + embeddedName(path) : join(stageRoot, path);
  return existsSync(place) ? readFileSync(place) : undefined;
};

/** The bytes of a carried file. A missing one is a bug of the build, so it is no coded fault. */
export const resource = async (path: string): Promise<Uint8Array> => {
  const bytes = await carriedResource(path);
  if (bytes) return bytes;
  throw new Error(`The executable carries no ${path}${compiled ? "" : "; run: npm run build"}`);
};

export const resourceText = async (path: string): Promise<string> =>
  new TextDecoder().decode(await resource(path));

/** Where a carried file can be read as a file by its path; undefined where there is none of that name. */
export const carriedFile = (path: string): string | undefined =>
  (compiled ? [compiledRoot + embeddedName(path)] : [join(stageRoot, path)]).find((place) =>
    existsSync(place),
  );

/** Paths of all carried files below a folder ("templates/"), sorted. */
export const resourceList = (prefix: string): string[] => {
  if (compiled)
    return (Bun.embeddedFiles as (Blob & { name: string })[])
      .filter(({ name }) => name.endsWith(ending))
      .map(({ name }) => carriedPath(name))
      .filter((path) => path.startsWith(prefix))
      .sort();
  const below = (root: string): string[] => {
    try {
      return readdirSync(join(root, prefix), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
    } catch {
      return [];
    }
  };
  return [...new Set([...below(stageRoot), ...below(repositoryRoot)])].sort();
};
