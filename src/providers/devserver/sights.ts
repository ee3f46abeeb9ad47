import { accessSync, constants, lstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";
import { limits } from "../../base/limits.ts";
import { concerns, realFolder } from "./graph.ts";

/** A folder that is looked at, as the system names it. */
export interface Sight {
  readonly folder: string;
  /** With all that lies below it. */
  readonly deep: boolean;
  /** Of what lies in it, what is looked at alone. */
  readonly only?: string;
  /** Another where the folder is another, though it is called the same. */
  readonly identity: number;
}

/**
 * What has to be looked at for changes of some files and folders, of what was built from, and of files that are run as
 * they are: folders with all that is in them, those that they are linked to, and around each the folder that it lies in,
 * since a folder that is taken away and comes again, or a file that is replaced by another, is news of the one above.
 */
export const sightsOf = (
  watched: readonly string[],
  inputs: readonly string[],
  placed: readonly string[],
): Sight[] => {
  const folders = watched.flatMap((path) => (isFolder(path) ? [realFolder(path), ...linked(path)] : []));
  const deep = [...new Set(folders)].filter((folder, _, all) => !all.some((other) => isBelow(folder, other)));
  const covered = (path: string) => deep.some((folder) => isBelow(path, folder) && concerns(folder, path));
  const found = new Map<string, Sight>();
  const see = (folder: string, more: Omit<Sight, "folder" | "identity">) =>
    found.set(`${folder}\n${more.only ?? ""}`, { folder, ...more, identity: identityOf(folder) });
  for (const folder of deep) see(folder, { deep: true });
  const entries = [...new Set([...watched, ...deep])].map(above);
  for (const { folder, name } of [...entries, ...placed.flatMap(leadingTo)])
    if (found.size < limits.devSightsMax) see(folder, { deep: false, only: name });
  for (const input of inputs) {
    const path = realFolder(input);
    if (found.size < limits.devSightsMax && !covered(path) && !path.includes("/node_modules/"))
      see(dirname(path), { deep: false });
  }
  return [...found.values()];
};

interface Entry {
  /** As the system names it. */
  readonly folder: string;
  readonly name: string;
}

/**
 * The entries by which a path is found, the last one first: any of them may become another, as a link that is set anew or
 * a folder that is moved into the place of one, and of that the folder below it hears nothing.
 */
const leadingTo = (path: string): Entry[] => {
  const found: Entry[] = [];
  const rest = path.split("/").reverse();
  let [at, links] = ["/", 0];
  while (rest.length > 0) {
    const name = rest.pop()!;
    if (name === "..") at = dirname(at);
    if (["", ".", ".."].includes(name)) continue;
    found.unshift({ folder: at, name });
    const entry = join(at, name);
    const target = linkAt(entry);
    if (target === undefined) at = entry;
    else if (links++ === limits.pathLinksMax) break;
    else {
      if (isAbsolute(target)) at = "/";
      rest.push(...target.split("/").reverse());
    }
    if (rest.length > 0 && !isFolder(at)) break;
  }
  // One in which nobody may look is not waited for, but for the one that the file lies in.
  return found.filter(({ folder }, index) => index === 0 || isReadable(folder));
};

/** Where a link leads; undefined where there is none. */
const linkAt = (path: string): string | undefined => {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
};

const isReadable = (folder: string): boolean => {
  try {
    accessSync(folder, constants.R_OK);
    return true;
  } catch {
    return false;
  }
};

/** The nearest folder above a path that exists, and what is looked for in it. */
const above = (path: string): Entry => {
  let [folder, name] = [dirname(path), basename(path)];
  while (!isFolder(folder) && dirname(folder) !== folder)
    [folder, name] = [dirname(folder), basename(folder)];
  return { folder: realFolder(folder), name };
};

/** Folders elsewhere that links in a folder lead to: a watch does not follow them. */
const linked = (folder: string): string[] => {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink() && concerns(folder, join(folder, entry.name)))
      .map((entry) => join(folder, entry.name))
      .filter(isFolder)
      .map(realFolder);
  } catch {
    return [];
  }
};

const isBelow = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

const isFolder = (path: string): boolean => statOf(path)?.isDirectory() ?? false;

const identityOf = (folder: string): number => statOf(folder)?.ino ?? 0;

/** Undefined where nobody may look, or there is nothing. */
const statOf = (path: string) => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
};

/** A text that is another where something that is looked at has changed; files are told apart by size and times. */
export const glance = (sights: readonly Sight[]): string => {
  const hasher = new Bun.CryptoHasher("md5");
  let left = limits.devGlanceFilesMax;
  const look = (folder: string, { deep, only }: Sight, from: string): void => {
    for (const name of only === undefined ? namesIn(folder) : [only]) {
      const path = join(folder, name);
      if (left-- <= 0 || !concerns(from, path)) continue;
      const stat = statOf(path);
      // What comes and goes in a folder says more than its times, which what is built in it changes as well.
      const times = stat?.isDirectory() ? "" : `${stat?.size}:${stat?.mtimeMs}:${stat?.ctimeMs}`;
      hasher.update(`${path}\n${stat?.ino}:${times}\n`);
      if (deep && stat?.isDirectory()) look(path, { deep, folder, identity: 0 }, from);
    }
  };
  for (const sight of sights) look(sight.folder, sight, sight.folder);
  return hasher.digest("hex");
};

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
};
