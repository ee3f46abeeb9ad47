import { dirname, isAbsolute, relative, resolve } from "node:path";
import type { InstanceContext } from "../../host/provider.ts";
import type { FolderGrant } from "../../trust/grants.ts";
import { tellUnmet } from "./p2/cli.ts";
import type { Lack } from "./state/refusal.ts";

/**
 * Tells which folder would have had to be granted, where a path was refused. That a path leads out of a folder, or
 * that there is none, is only worth a word where the run ends badly: many programs look about and go on.
 */
export const lackingOf = (context: InstanceContext) => {
  const { grants, onDenied } = context;
  if (!onDenied) return undefined;
  return (path: string, lack: Lack | "any"): void => {
    if (lack === "any") {
      tellUnmet(context, "dir");
      if (grants.folders.length === 0)
        onDenied({
          wanted: "a folder, of which it has none",
          grant: { kind: "dir", value: "." },
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
