import { dirname, relative } from "node:path";
import { Shelves, unfit } from "../../../host/kept.ts";
import type { InstanceContext } from "../../../host/provider.ts";
import type { FolderGrant } from "../../../trust/grants.ts";
import { filingOf } from "../filing.ts";
import { Descriptor, type DescriptorFlags, owning } from "../p2/filesystem.ts";
import { OpenFile } from "../state/file.ts";
import { refusal } from "../state/refusal.ts";
import type { OpenFolder } from "../state/tree.ts";
import { taking } from "./taking.ts";

type Node = OpenFile | OpenFolder;

const shelves = new Shelves<{ readonly node: Node; readonly flags: DescriptorFlags }>();

/** The descriptors of a generation of WASI, all of which stand on 0.2's. */
export interface Descriptors<D> {
  /** Undefined of what is none of the host's: a component that serves files in its place has descriptors of its own. */
  within(value: unknown): Descriptor | undefined;
  around(descriptor: Descriptor): D;
}

/** `files` of loop:kept for one instance. What one generation keeps, the other takes. */
export const keptFiles = <D>(context: InstanceContext, { within, around }: Descriptors<D>) => {
  const shelf = shelves.of(context);
  const filing = filingOf(context);
  return {
    keep(name: string, value: unknown): void {
      const descriptor = within(value);
      if (!descriptor) throw unfit();
      const { node, flags } = descriptor;
      shelf.keep(name, { node, flags }, () => {
        node.retain();
        return () => node.release();
      });
    },
    take(name: string): D | undefined {
      const kept = shelf.find(name);
      if (!kept) return undefined;
      return taking("an open file", () => {
        const { grant, path } = admit(context, kept.node);
        const node = kept.node.sharedWith(filing.files, kept.node.mutable && !grant.readOnly);
        const descriptor = owning(node, () => new Descriptor(filing, node, kept.flags, path));
        descriptor.watched.use("take");
        return around(descriptor);
      });
    },
    forget: (name: string) => shelf.forget(name),
  };
};

/**
 * The folder by which the taker sees it, and its path there. What was opened below a folder that the taker sees as a
 * whole is its to go on with, wherever it lies by now. EACCES where it sees neither that nor the place where it lies,
 * or may not change what was opened to be written; that is told.
 */
const admit = (
  { grants, onDenied }: InstanceContext,
  node: Node,
): { readonly grant: FolderGrant; readonly path: string } => {
  const place = node.place ?? node.origin;
  const seen = grants.folders.filter(({ host }) => isIn(host, place) || isIn(host, node.origin));
  const grant = seen.find(({ readOnly }) => !readOnly) ?? seen[0];
  if (!grant) {
    onDenied?.({ wanted: `to go on with ${place}`, grant: { kind: "dir", value: dirname(place) } });
    throw refusal("EACCES", "no granted folder holds it");
  }
  const { host, guest, readOnly } = grant;
  const path = isIn(host, place) ? below(guest, relative(host, place)) : guest;
  if (readOnly && node instanceof OpenFile && node.mode.write) {
    onDenied?.({ wanted: `to change ${path}`, grant: { kind: "dir", value: `${host}::${guest}` } });
    throw refusal("EACCES", "the folder was granted read-only");
  }
  return { grant, path };
};

const isIn = (folder: string, path: string): boolean =>
  path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);

const below = (guest: string, path: string): string => {
  if (path === "") return guest;
  return guest.endsWith("/") ? guest + path : `${guest}/${path}`;
};
