import { existsSync, realpathSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fault } from "../../base/fault.ts";
import {
  findManifest,
  type Manifest,
  manifestName,
  readManifest,
  requireManifest,
} from "../../base/manifest/manifest.ts";

/** `loop:devserver/workspace#member` in the JS mapping. */
export interface Member {
  readonly name: string;
  readonly folder: string;
  readonly component: string;
  readonly uses: readonly string[];
  readonly watched: readonly string[];
}

export interface Graph {
  /** Those that others use come first. */
  readonly members: readonly Member[];
  readonly application: string | undefined;
}

/**
 * loop's own answer to what there is to develop: the component of the folder's loop.toml and the members of its
 * workspace; one uses another where its slots name what the other is built to. Faults: LK0101,
 * LK0007, LK0504, LK0607, other LK05.
 */
export const scan = (folder: string): Graph => {
  const [root, ...others] = manifestsFrom(requireManifest(folder));
  const manifests = [root, ...others].filter(hasComponent);
  if (manifests.length === 0)
    throw fault("LK0607", `${root.path} has no [component] table and no member that has one`, {
      hint: "loop new component NAME",
    });
  const looked = patternsOf(root).map((pattern) => baseOf(root.folder, pattern));
  const members = ordered(manifests.map((manifest) => memberOf(manifest, manifests, looked)));
  return { members, application: root.component?.name };
};

/** The loop.toml that speaks for a folder and those of its members, that one first; none where there is none. */
export const manifestsAt = (folder: string): Manifest[] => {
  const path = findManifest(folder);
  return path === undefined ? [] : manifestsFrom(path);
};

const manifestsFrom = (path: string): [Manifest, ...Manifest[]] => {
  const root = readManifest(path);
  return [root, ...membersOf(root)];
};

const hasComponent = ({ component }: Manifest): boolean => component !== undefined;

const membersOf = (root: Manifest): Manifest[] => {
  const found = new Map<string, Manifest>();
  for (const pattern of root.workspace?.members ?? [])
    for (const folder of foldersOf(root.folder, pattern)) {
      const path = join(folder, manifestName);
      if (existsSync(path) && folder !== root.folder) found.set(folder, readManifest(path));
    }
  return [...found.values()];
};

const patternsOf = ({ workspace }: Manifest): readonly string[] =>
  (workspace?.members ?? []).filter((pattern) => pattern.includes("*"));

/** The folder in which a pattern's members come and go. */
const baseOf = (root: string, pattern: string): string =>
  resolve(root, pattern.slice(0, pattern.indexOf("*")).replace(/[^/]*$/, ""));

/** Folders that a pattern names: a path, in another repository perhaps, or one whose last part is "*". */
const foldersOf = (root: string, pattern: string): string[] => {
  if (!pattern.includes("*")) return [resolve(root, pattern)];
  const cwd = resolve(root);
  return [...new Bun.Glob(pattern).scanSync({ cwd, onlyFiles: false, followSymlinks: true })]
    .sort()
    .map((found) => resolve(cwd, found));
};

/** Absolute path of the component that building it makes. */
export const componentOf = ({ folder, component }: Manifest): string =>
  join(folder, "build", `${component!.name}.wasm`);

const memberOf = (manifest: Manifest, all: readonly Manifest[], looked: readonly string[]): Member => {
  const named = [...manifest.slots.values()].flatMap((slot) => [
    ...(slot.default ?? []),
    ...(slot.use ?? []),
  ]);
  const paths = new Set(named.map((identifier) => resolve(manifest.folder, identifier)));
  const uses = all.filter((other) => other !== manifest && paths.has(componentOf(other)));
  return {
    name: manifest.component!.name,
    folder: manifest.folder,
    component: componentOf(manifest),
    uses: uses.map(({ component }) => component!.name),
    // Another that comes beside it may be what its slots name.
    watched: [manifest.folder, ...looked.filter((folder) => manifest.folder.startsWith(`${folder}/`))],
  };
};

/** Used ones first; where they use each other in a ring, as they stand in the workspace. */
const ordered = (members: readonly Member[]): Member[] => {
  const order: Member[] = [];
  const visit = (member: Member, above: ReadonlySet<Member>): void => {
    if (order.includes(member) || above.has(member)) return;
    for (const name of member.uses) {
      const used = members.find((other) => other.name === name);
      if (used) visit(used, new Set([...above, member]));
    }
    order.push(member);
  };
  for (const member of members) visit(member, new Set());
  return order;
};

/** What loop and editors write beside sources, of which no source is made. */
const outputs = new Set(["build", "generated", "node_modules", "dist", "target", ".git", ".hg", ".svn"]);

/** Whether a change of a file in a watched folder may concern what is built. */
export const concerns = (folder: string, path: string): boolean =>
  !relative(folder, path)
    .split("/")
    .some((part) => outputs.has(part) || part.endsWith("~") || /^\.#|\.(swp|swx|tmp)$/.test(part));

/** A folder as the system names it in events. */
export const realFolder = (folder: string): string => {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
};
