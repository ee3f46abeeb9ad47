import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { errno, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { resourceList, resourceText } from "../base/resources.ts";
import { unversioned } from "../contract/model.ts";
import { compatible, versionOf } from "../contract/semver.ts";
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

/**
 * The sources with the carried packages that are wanted ("wasi:cli@0.3.0", or without a version the oldest) and not
 * there, and what those need.
 */
export const withCarried = async (sources: WitSources, wanted: readonly string[]): Promise<WitSources> => {
  const all = new Map(sources);
  const carried = await carriedPackages();
  const present = [...sources.values()].flatMap(declared);
  const queue = [...wanted];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    const want = name;
    if (present.some((one) => serves(one, want))) continue;
    const found = carried.find(({ name }) => serves(name, want));
    present.push(found?.name ?? want);
    for (const [path, text] of found?.files ?? []) {
      all.set(path, text);
      queue.push(...referenced(text));
    }
  }
  return all;
};

/** Whether a package ("wasi:cli@0.2.12") is what was asked for, in a version of the same generation. */
export const serves = (offered: string, wanted: string): boolean => {
  if (unversioned(offered) !== unversioned(wanted)) return false;
  const [have, want] = [versionOf(offered), versionOf(wanted)];
  return have === undefined || want === undefined || compatible(want, have);
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
  /** "wasi:cli@0.2.12". */
  readonly name: string;
  /** By path. */
  readonly files: readonly (readonly [string, string])[];
}

let carriedOnce: Promise<readonly Carried[]> | undefined;

/** The packages that the executable carries, a folder each; of two generations the older comes first. */
const carriedPackages = (): Promise<readonly Carried[]> => {
  carriedOnce ??= (async () => {
    const folders = new Map<string, [string, string][]>();
    for (const path of resourceList("wit/")) {
      if (!path.endsWith(".wit")) continue;
      const folder = path.slice(0, path.lastIndexOf("/"));
      const file: [string, string] = [path.replace(/^wit\//, "carried/"), await resourceText(path)];
      folders.set(folder, [...(folders.get(folder) ?? []), file]);
    }
    return [...folders]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, files]) => ({ name: files.flatMap(([, text]) => declared(text))[0]!, files }));
  })();
  return carriedOnce;
};

const withoutComments = (text: string): string =>
  text.replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "));

/** Packages that a WIT text declares: "wasi:cli@0.2.12". */
const declared = (text: string): string[] =>
  [
    ...withoutComments(text).matchAll(
      /\bpackage\s+%?([a-z][\w-]*:%?[a-z][\w-]*(?:@\d+\.\d+\.\d+[\w.+-]*)?)/g,
    ),
  ].map((match) => match[1]!);

/** Packages that a WIT text refers to: "wasi:cli@0.2.6" of `use wasi:cli/types@0.2.6.{…}`. */
const referenced = (text: string): string[] =>
  [
    ...withoutComments(text).matchAll(
      /([a-z][\w-]*:[a-z][\w-]*)\/[%a-z][\w-]*(@\d+\.\d+\.\d+(?:-[0-9A-Za-z-]+(?:\.[0-9]+)*)?)?/g,
    ),
  ].map((match) => `${match[1]}${match[2] ?? ""}`);
