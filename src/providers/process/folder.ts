import { realpathSync, statSync } from "node:fs";
import { join, parse, posix } from "node:path";
import type { FolderGrant } from "../../trust/grants.ts";
import { within } from "./program.ts";
import { Refusal } from "./refusal.ts";

/**
 * The host folder in which a child starts, from a path as the guest sees it. The folder must be one of those
 * granted or lie below one, also after symbolic links. Refusals: denied, not-found, invalid.
 */
export const startFolder = (path: string | undefined, folders: readonly FolderGrant[]): string => {
  if (path === undefined) {
    const current = folders.find(({ guest }) => normal(guest) === ".");
    return current?.host ?? parse(process.cwd()).root;
  }
  if (path === "" || path.includes("\0"))
    throw new Refusal("invalid", "A folder's path is empty or has a NUL");
  const wanted = normal(path);
  const grant = folders
    .filter(({ guest }) => below(normal(guest), wanted) !== undefined)
    .sort((a, b) => normal(b.guest).length - normal(a.guest).length)[0];
  if (!grant) throw new Refusal("denied", `The folder ${path} was not granted`);
  return existing(path, grant, below(normal(grant.guest), wanted)!);
};

const existing = (path: string, grant: FolderGrant, rest: string): string => {
  let real: string;
  try {
    real = realpathSync(join(grant.host, rest));
    if (!statSync(real).isDirectory()) throw new Refusal("not-found", `${path} is no folder`);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal("not-found", `No folder ${path}`);
  }
  if (!within(realpathSync(grant.host), real))
    throw new Refusal("denied", `The folder ${path} leads out of what was granted`);
  return real;
};

/** "./a//b/" → "a/b"; "" → ".". A path that climbs out keeps its "..", which no grant covers. */
const normal = (path: string): string => posix.normalize(path).replace(/(?<=.)\/$/, "");

/** What remains of `path` below `folder`, or undefined. */
const below = (folder: string, path: string): string | undefined => {
  if (path === folder) return "";
  if (folder === ".")
    return posix.isAbsolute(path) || path === ".." || path.startsWith("../") ? undefined : path;
  const prefix = folder === "/" ? "/" : `${folder}/`;
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
};
