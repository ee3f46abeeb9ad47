import {
  type BigIntStats,
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { errno } from "../../../base/fault.ts";
import { Fd } from "./descriptor.ts";
import { type FileMode, OpenFile, type OpenFiles } from "./file.ts";
import { type Folder, openFolder } from "./folder.ts";
import { atName, atTarget, linkTarget, type Place } from "./path.ts";
import { type Refusal, refusal } from "./refusal.ts";
import { type NewTime, setTimes } from "./times.ts";

/** What `open` is asked for; each is false where it is absent. */
export interface Opening {
  readonly follow?: boolean;
  readonly create?: boolean;
  readonly exclusive?: boolean;
  readonly truncate?: boolean;
  /** Only a folder will do. */
  readonly folder?: boolean;
  readonly read?: boolean;
  readonly write?: boolean;
  /** The folder's entries shall be changed through it. */
  readonly mutate?: boolean;
  readonly sync?: number;
}

export interface Entry {
  readonly name: string;
  readonly kind: Kind;
}

export type Kind = "block" | "character" | "folder" | "fifo" | "link" | "file" | "socket" | "unknown";

/**
 * An open folder and all that lies below it, as far as its grant goes: every path is walked from here, and none
 * leads out. Errors are the system's, by errno; EROFS where the grant is read-only.
 */
export class OpenFolder {
  /** Whether what lies below may be changed; a folder below inherits it. */
  readonly mutable: boolean;
  /** The granted folder, by the host's path, that it is or below which it was opened. */
  readonly origin: string;
  readonly #files: OpenFiles;
  readonly #folder: Folder;
  readonly #close: () => void;
  #users = 1;

  private constructor(files: OpenFiles, origin: string, mutable: boolean, open: () => Folder) {
    const { opened, close } = files.keep(open);
    this.origin = origin;
    this.#files = files;
    this.mutable = mutable;
    this.#folder = opened;
    this.#close = close;
  }

  /** The folder of a grant. `host` is absolute and holds no links. */
  static granted(files: OpenFiles, host: string, mutable: boolean, open = openFolder): OpenFolder {
    return new OpenFolder(files, host, mutable, () => open(host));
  }

  /** One more has it; it is closed when the last one lets go. */
  retain(): this {
    this.#users += 1;
    return this;
  }

  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#close();
  }

  /** The same folder for another instance, which counts it as its own. EMFILE beyond `openFilesMax`. */
  sharedWith(files: OpenFiles, mutable: boolean): OpenFolder {
    return new OpenFolder(files, this.origin, mutable, () => this.#folder.again());
  }

  /** Where it lies now, as `Fd.place`. */
  get place(): string | undefined {
    return this.#folder.place;
  }

  stat(): BigIntStats {
    return statSync(this.#folder.path, { bigint: true });
  }

  statAt(path: string, follow: boolean): BigIntStats {
    return atTarget(this.#folder, path, follow, statOf);
  }

  setTimes(access: NewTime, modified: NewTime): void {
    this.#checkMutable();
    setTimes({ path: this.#folder.path, follow: true }, access, modified);
  }

  setTimesAt(path: string, follow: boolean, access: NewTime, modified: NewTime): void {
    this.#checkMutable();
    atTarget(this.#folder, path, follow, (place) => {
      if (place.kind === "folder") setTimes({ path: place.folder.path, follow: true }, access, modified);
      else {
        checkSlash(place);
        setTimes({ path: place.folder.at(place.name), follow: false }, access, modified);
      }
    });
  }

  sync(): void {
    if (!this.mutable) return;
    // What holds a folder may be no descriptor that can be synchronised, so one is opened for it.
    const fd = openSync(this.#folder.path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }

  /** All entries as they are now; a refusal (EILSEQ) stands for one whose name is no UTF-8. */
  list(): (Entry | Refusal)[] {
    const entries = readdirSync(this.#folder.path, { withFileTypes: true });
    return entries.map((entry) =>
      isMisspelt(this.#folder, entry.name)
        ? refusal("EILSEQ", "the name is no UTF-8 text")
        : { name: entry.name, kind: this.#kindOf(entry) },
    );
  }

  open(path: string, how: Opening): OpenFile | OpenFolder {
    if (how.create || how.truncate || how.write || how.mutate) this.#checkMutable();
    if (how.folder && (how.create || how.exclusive || how.truncate))
      throw refusal("EINVAL", "a folder is not created or truncated by opening it");
    const follow = Boolean(how.follow) && !(how.create && how.exclusive);
    return atTarget(this.#folder, path, follow, (place) => {
      if (place.kind === "folder") return this.#openHere(place.folder, how);
      if (place.asFolder && how.create) throw refusal("EISDIR", "the path names a folder");
      return how.folder || place.asFolder ? this.#openBelow(place, how) : this.#openEntry(place, how);
    });
  }

  makeFolder(path: string): void {
    this.#checkMutable();
    atName(this.#folder, path, (place) => mkdirSync(created(place)));
  }

  removeFolder(path: string): void {
    this.#checkMutable();
    // A slash after a link asks for what it leads to. Where that lies outside it is said; inside, the system refuses.
    if (path.endsWith("/")) atTarget(this.#folder, path, true, () => {});
    atName(this.#folder, path, (place) => {
      if (place.kind === "folder")
        throw refusal("EINVAL", "a folder cannot be removed by the name of itself");
      rmdirSync(place.folder.at(place.name));
    });
  }

  unlink(path: string): void {
    this.#checkMutable();
    atName(this.#folder, path, (place) => {
      if (place.kind === "folder") throw refusal("EISDIR", "is a folder");
      const at = place.folder.at(place.name);
      // macOS and Windows say EPERM to a folder, and a trailing slash asks for one.
      if (place.asFolder || process.platform !== "linux") {
        if (lstatSync(at).isDirectory()) throw refusal("EISDIR", "is a folder");
        checkSlash(place);
      }
      unlinkSync(at);
    });
  }

  rename(path: string, to: OpenFolder, toPath: string): void {
    this.#checkMutable();
    to.#checkMutable();
    atName(this.#folder, path, (from) =>
      atName(to.#folder, toPath, (onto) => {
        if (from.kind === "folder" || onto.kind === "folder") throw refusal("EBUSY", "a folder in use");
        const source = from.folder.at(from.name);
        if ((from.asFolder || onto.asFolder) && !lstatSync(source).isDirectory())
          throw refusal("ENOTDIR", "not a folder");
        renameSync(source, onto.folder.at(onto.name));
      }),
    );
  }

  /** Both must be changeable: a hard link into a writable grant would open a read-only file to writing. */
  link(path: string, follow: boolean, to: OpenFolder, toPath: string): void {
    this.#checkMutable();
    to.#checkMutable();
    atTarget(this.#folder, path, follow, (from) => {
      if (from.kind === "folder") throw refusal("EPERM", "a folder has one name");
      checkSlash(from);
      const source = from.folder.at(from.name);
      if (lstatSync(source).isDirectory()) throw refusal("EPERM", "a folder has one name");
      atName(to.#folder, toPath, (onto) => linkSync(source, createdFile(onto)));
    });
  }

  /** EPERM for an absolute target. A relative one is not judged here: whoever follows it walks it. */
  symlink(target: string, path: string): void {
    this.#checkMutable();
    if (target === "") throw refusal("ENOENT", "the link would be empty");
    if (target.includes("\0")) throw refusal("EINVAL", "the link holds a zero byte");
    if (isRooted(target)) throw refusal("EPERM", "the link would be absolute");
    atName(this.#folder, path, (place) => symlinkSync(target, createdFile(place)));
  }

  readLink(path: string): string {
    return atName(this.#folder, path, (place) => {
      const target = place.kind === "entry" ? linkTarget(place.folder, place.name) : undefined;
      if (target === undefined || (place.kind === "entry" && place.asFolder)) {
        statOf(place);
        throw refusal("EINVAL", "no symbolic link");
      }
      if (isRooted(target)) throw refusal("EPERM", "the link is absolute");
      return target;
    });
  }

  #checkMutable(): void {
    if (!this.mutable) throw refusal("EROFS", "the folder was granted read-only", "writing");
  }

  #below(open: () => Folder): OpenFolder {
    return new OpenFolder(this.#files, this.origin, this.mutable, open);
  }

  #openHere(folder: Folder, how: Opening): OpenFolder {
    if (how.create && how.exclusive) throw refusal("EEXIST", "file already exists");
    if (how.create || how.truncate || how.write) throw refusal("EISDIR", "is a folder");
    return this.#below(() => folder.again());
  }

  #openBelow({ folder, name }: Extract<Place, { kind: "entry" }>, how: Opening): OpenFolder {
    const below = this.#below(() => folder.enter(name));
    if (!how.write && !how.truncate) return below;
    below.release();
    throw refusal("EISDIR", "is a folder");
  }

  #openEntry({ folder, name }: Extract<Place, { kind: "entry" }>, how: Opening): OpenFile | OpenFolder {
    const mode: FileMode = {
      read: Boolean(how.read),
      write: Boolean(how.write),
      sync: how.sync ?? 0,
      mutable: this.mutable,
    };
    const at = folder.at(name);
    const { opened, close } = this.#files.keep(() => new Fd(openSync(at, openFlags(how), 0o666)));
    try {
      if (!fstatSync(opened.number).isDirectory())
        return new OpenFile(this.#files, opened, close, mode, this.origin);
    } catch (error) {
      close();
      throw error;
    }
    close();
    return this.#below(() => folder.enter(name));
  }

  #kindOf(entry: Dirent): Kind {
    const kind = kindOf(entry);
    if (kind !== "unknown") return kind;
    // Some file systems do not say it in the listing.
    try {
      return kindOf(lstatSync(this.#folder.at(entry.name)));
    } catch {
      return "unknown";
    }
  }
}

/**
 * O_NOFOLLOW because links were followed by the walk, and what has become one since must not be; O_NONBLOCK so
 * that a pipe without a partner does not stop the process; O_NOCTTY so that a terminal does not take it over.
 */
const openFlags = (how: Opening): number => {
  const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } =
    constants;
  const access = how.write || how.truncate ? (how.read ? O_RDWR : O_WRONLY) : O_RDONLY;
  const creation = how.create ? O_CREAT | (how.exclusive ? O_EXCL : 0) : 0;
  const guards = (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0) | (O_NOCTTY ?? 0);
  return access | creation | (how.truncate ? O_TRUNC : 0) | (how.sync ?? 0) | guards;
};

const statOf = (place: Place): BigIntStats => {
  if (place.kind === "folder") return statSync(place.folder.path, { bigint: true });
  checkSlash(place);
  return lstatSync(place.folder.at(place.name), { bigint: true });
};

/** A name with a slash after it must be a folder's. */
const checkSlash = (place: Extract<Place, { kind: "entry" }>): void => {
  if (place.asFolder && !lstatSync(place.folder.at(place.name)).isDirectory())
    throw refusal("ENOTDIR", "not a folder");
};

/** Where something new is to be made, as node:fs takes it. */
const created = (place: Place): string => {
  if (place.kind === "folder") throw refusal("EEXIST", "file already exists");
  return place.folder.at(place.name);
};

/** As `created`, for what is no folder and so takes no slash. */
const createdFile = (place: Place): string => {
  const at = created(place);
  if (place.kind === "entry" && place.asFolder)
    throw exists(at) ? refusal("EEXIST", "file already exists") : refusal("ENOENT", "no such folder");
  return at;
};

const exists = (at: string): boolean => {
  try {
    lstatSync(at);
    return true;
  } catch (error) {
    if (errno(error) === "ENOENT") return false;
    throw error;
  }
};

const isRooted = (target: string): boolean =>
  target.startsWith("/") || (process.platform === "win32" && /^([a-z]:|\\)/i.test(target));

const replacement = "\ufffd";

/** node:fs spells what is no UTF-8 with replacement characters; such a name then finds nothing. */
const isMisspelt = (folder: Folder, name: string): boolean =>
  name.includes(replacement) && !exists(folder.at(name));

type Kinds = Pick<
  Dirent,
  "isFile" | "isDirectory" | "isSymbolicLink" | "isFIFO" | "isSocket" | "isBlockDevice" | "isCharacterDevice"
>;

export const kindOf = (stats: Kinds): Kind => {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "folder";
  if (stats.isSymbolicLink()) return "link";
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  if (stats.isBlockDevice()) return "block";
  return stats.isCharacterDevice() ? "character" : "unknown";
};
