import { readlinkSync } from "node:fs";
import { errno } from "../../../base/fault.ts";
import { limits } from "../../../base/limits.ts";
import type { Folder } from "./folder.ts";
import { refusal } from "./refusal.ts";

// Paths of guests, walked one component at a time, links included, so that no step leaves the folder where the
// walk began. Follows the path resolution of wasi-filesystem: absolute paths, `..` above the start and links that
// lead there are refused with EPERM.

/** Where a path ends. */
export type Place =
  /** At a folder itself: ".", "a/..", "a/." */
  | { readonly kind: "folder"; readonly folder: Folder }
  /** At a name in a folder, which may not exist. `asFolder`: the path ended in a slash. */
  | { readonly kind: "entry"; readonly folder: Folder; readonly name: string; readonly asFolder: boolean };

/**
 * Walks to where a path names, and works there while the folders on the way are held. A link at the end stays
 * one. The place is valid during `work` only.
 */
export const atName = <T>(base: Folder, path: string, work: (place: Place) => T): T => {
  const walk = new Walk(base, path);
  try {
    return work(walk.toEnd());
  } finally {
    walk.close();
  }
};

/** As `atName`, but a link at the end is followed where `follow` says so or the path ends in a slash. */
export const atTarget = <T>(base: Folder, path: string, follow: boolean, work: (place: Place) => T): T => {
  const walk = new Walk(base, path);
  try {
    let place = walk.toEnd();
    while (place.kind === "entry" && (follow || place.asFolder)) {
      const target = linkTarget(place.folder, place.name);
      if (target === undefined) break;
      walk.through(target);
      place = walk.toEnd();
    }
    return work(place);
  } finally {
    walk.close();
  }
};

/** What a link says; undefined where the name is no link or nothing. EILSEQ where it is no UTF-8. */
export const linkTarget = (folder: Folder, name: string): string | undefined => {
  try {
    return utf8(readlinkSync(folder.at(name), { encoding: "buffer" }));
  } catch (error) {
    const code = errno(error);
    // EINVAL: it is no link. UNKNOWN is what Windows says to that.
    if (code === "EINVAL" || code === "ENOENT" || code === "UNKNOWN") return undefined;
    throw error;
  }
};

const utf8 = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refusal("EILSEQ", "the link is no UTF-8 text");
  }
};

class Walk {
  /** Folders entered below the base, innermost last. */
  readonly #entered: Folder[] = [];
  readonly #base: Folder;
  /** Components still to go, the next one last. */
  #rest: string[];
  #asFolder: boolean;
  #links = 0;

  constructor(base: Folder, path: string) {
    this.#base = base;
    const { components, asFolder } = split(path);
    this.#rest = components;
    this.#asFolder = asFolder;
  }

  toEnd(): Place {
    for (let name = this.#rest.pop(); name !== undefined; name = this.#rest.pop()) {
      if (name === ".") continue;
      if (name === "..") this.#leave();
      else if (this.#rest.length === 0)
        return { kind: "entry", folder: this.#here, name, asFolder: this.#asFolder };
      else this.#enter(name);
    }
    return { kind: "folder", folder: this.#here };
  }

  /** Goes on along a link that was found in the folder where the walk stands. */
  through(target: string): void {
    this.#links += 1;
    if (this.#links > limits.pathLinksMax) throw refusal("ELOOP", "too many symbolic links");
    const { components, asFolder } = split(target);
    if (this.#rest.length === 0) this.#asFolder ||= asFolder;
    this.#rest.push(...components);
  }

  close(): void {
    for (const folder of this.#entered.splice(0)) folder.close();
  }

  get #here(): Folder {
    return this.#entered.at(-1) ?? this.#base;
  }

  #leave(): void {
    const folder = this.#entered.pop();
    if (!folder) throw outside();
    folder.close();
  }

  #enter(name: string): void {
    if (this.#entered.length >= limits.pathDepthMax) throw refusal("ENAMETOOLONG", "the path is too deep");
    try {
      this.#entered.push(this.#here.enter(name));
    } catch (error) {
      if (errno(error) !== "ENOTDIR" && errno(error) !== "ELOOP") throw error;
      const target = linkTarget(this.#here, name);
      if (target === undefined) throw error;
      this.through(target);
    }
  }
}

const outside = () => refusal("EPERM", "the path leads out of the granted folder", "outside");

/** Components in reverse; "." only where it is last, for `a/.` is a folder's own name and not an entry's. */
const split = (path: string): { components: string[]; asFolder: boolean } => {
  check(path);
  const parts = path.split("/");
  const asFolder = parts.at(-1) === "";
  const components = parts.filter((part, at) => part !== "" && (part !== "." || at === parts.length - 1));
  // "./" has lost all its components, and is the folder itself.
  if (components.length === 0) components.push(".");
  return { components: components.reverse(), asFolder };
};

const check = (path: string): void => {
  if (path === "") throw refusal("ENOENT", "the path is empty");
  if (path.startsWith("/")) throw outside();
  if (path.includes("\0")) throw refusal("EINVAL", "the path holds a zero byte");
  if (Buffer.byteLength(path) > limits.pathBytesMax) throw refusal("ENAMETOOLONG", "the path is too long");
  if (process.platform === "win32" && /[\\:]/.test(path))
    // Windows reads these as separators and drives, which would walk past our check.
    throw refusal("EINVAL", "the path holds a character that names cannot have here");
};
