import { statSync } from "node:fs";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import type { InstanceContext } from "../../host/provider.ts";
import type { FolderGrant } from "../../trust/grants.ts";
import { tellUnmet } from "./p2/cli.ts";
import type { Lack } from "./state/refusal.ts";

/**
 * Tells which folder would have had to be granted, where a path was refused or the program's own words name one. That a
 * path leads out of a folder, or that there is none, is only worth a word where the run ends badly: many programs look
 * about and go on.
 */
export const lackingOf = (context: InstanceContext) => {
  const { grants, onDenied } = context;
  if (!onDenied) return undefined;
  return (path: string, lack: Lack | "any"): void => {
    if (lack === "any") {
      tellUnmet(context, "dir");
      const named = grants.folders.length === 0 ? pathIn(context.args.slice(1)) : undefined;
      if (named)
        onDenied({
          wanted: `${named.path}, and it sees no folder`,
          grant: { kind: "dir", value: named.folder },
          mild: true,
        });
      return;
    }
    const folder = grants.folders.find(({ guest }) => path === guest || path.startsWith(`${guest}/`));
    if (!folder) return;
    if (lack === "writing")
      onDenied({
        wanted: `to change ${path}`,
        grant: { kind: "dir", value: `${folder.host}::${folder.guest}` },
      });
    else onDenied(outside(folder, path));
  };
};

/**
 * The first of a program's words that is a path of this machine, and the folder that would have to be shown: whoever
 * wrote it there meant the program to see it. Every libc looks for its folders, so that alone says nothing.
 */
const pathIn = (words: readonly string[]): { readonly path: string; readonly folder: string } | undefined => {
  for (const path of words.slice(0, wordsMax)) {
    const stats = path === "" ? undefined : statSync(path, { throwIfNoEntry: false });
    if (stats) return { path, folder: stats.isDirectory() ? path : dirname(path) };
  }
  return undefined;
};

const wordsMax = 16;

/** A path that names a place outside says which; one that comes there by links does not. */
const outside = ({ host, guest }: FolderGrant, path: string) => {
  const target = resolve(host, path.slice(guest.length).replace(/^\/+/, ""));
  const below = relative(host, target);
  const leaves = below.startsWith("..") || isAbsolute(below);
  return leaves
    ? { wanted: path, grant: { kind: "dir", value: dirname(target) } as const, mild: true }
    : {
        wanted: `${path}, which leads out of ${guest}`,
        grant: undefined,
        hint: "--dir HOST[::GUEST] shows it another folder",
        mild: true,
      };
};
