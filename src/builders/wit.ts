import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { errno, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { resourceList, resourceText } from "../base/resources.ts";
import type { WitSources } from "../contract/wit.ts";

/** Where a project's WIT lies, relative to its folder. */
export const witFolder = "wit";

/**
 * The WIT that a project is built with: its own files (by their path relative to the folder), and of the
 * packages that the executable carries those that it needs and does not bring itself ("carried/wasi-cli/…").
 * Empty where there is no wit folder.
 */
export const projectWit = (folder: string): Promise<WitSources> => completed(new Map(ownFiles(folder)));

/** WIT sources and the carried packages that they need and do not bring themselves. */
export const completed = (sources: WitSources): Promise<WitSources> =>
  withCarried(sources, [...sources.values()].flatMap(referenced));

/** The sources with the carried packages ("wasi:cli") that are wanted and not there, and what those need. */
export const withCarried = async (sources: WitSources, wanted: readonly string[]): Promise<WitSources> => {
  const all = new Map(sources);
  const carried = await carriedPackages();
  const present = new Set([...sources.values()].flatMap(declared));
  const queue = [...wanted];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const found = present.has(name) ? undefined : carried.get(name);
    present.add(name);
    for (const { path, text } of found ?? []) {
      all.set(path, text);
      queue.push(...referenced(text));
    }
  }
  return all;
};

/** Absolute paths of the WIT files of a request that lie in its project. */
export const witInputs = ({ folder, wit }: { folder: string; wit: WitSources }): string[] =>
  [...wit.keys()].filter((path) => path.startsWith(`${witFolder}/`)).map((path) => join(folder, path));

const ownFiles = (folder: string): [string, string][] => {
  const root = join(folder, witFolder);
  try {
    return readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".wit"))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [relative(folder, path).replaceAll("\\", "/"), readBounded(path)]);
  } catch (error) {
    if (errno(error) === "ENOENT" || errno(error) === "ENOTDIR") return [];
    if (errno(error))
      throw fault("LK0007", `Cannot read ${root}: ${(error as Error).message}`, { cause: error });
    throw error;
  }
};

const readBounded = (path: string): string => {
  const text = readFileSync(path, "utf8");
  if (text.length > limits.witTextMax)
    throw fault("LK0204", `${path} is ${text.length} characters; the limit is ${limits.witTextMax}`);
  return text;
};

interface Carried {
  readonly path: string;
  readonly text: string;
}

let carriedOnce: Promise<ReadonlyMap<string, Carried[]>> | undefined;

/** The files of the packages that the executable carries, by "wasi:cli" without version: there is one of each. */
const carriedPackages = (): Promise<ReadonlyMap<string, readonly Carried[]>> => {
  carriedOnce ??= (async () => {
    const packages = new Map<string, Carried[]>();
    for (const path of resourceList("wit/")) {
      if (!path.endsWith(".wit")) continue;
      const text = await resourceText(path);
      for (const name of declared(text))
        packages.set(name, [
          ...(packages.get(name) ?? []),
          { path: path.replace(/^wit\//, "carried/"), text },
        ]);
    }
    return packages;
  })();
  return carriedOnce;
};

const withoutComments = (text: string): string =>
  text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "));

/** Packages that a WIT text declares: "wasi:cli". */
const declared = (text: string): string[] =>
  [...withoutComments(text).matchAll(/\bpackage\s+%?([a-z][\w-]*:%?[a-z][\w-]*)/g)].map((match) => match[1]!);

/** Packages that a WIT text refers to: "wasi:cli" of `use wasi:cli/types@0.2.6.{…}`. */
const referenced = (text: string): string[] =>
  [...withoutComments(text).matchAll(/([a-z][\w-]*:[a-z][\w-]*)\//g)].map((match) => match[1]!);
