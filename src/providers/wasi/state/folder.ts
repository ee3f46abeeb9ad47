import { constants, lstatSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { Fd } from "./descriptor.ts";
import { refusal } from "./refusal.ts";

/**
 * A folder that is held still while names below it are used. `at` takes one name, never a path, and whoever
 * opens the answer must not follow a link there: then nothing outside the folder is reached.
 */
export interface Folder {
  /** One name below it, as node:fs takes it. */
  at(name: string): string;
  /** The folder itself, as node:fs takes it. */
  readonly path: string;
  /** A folder directly below. ENOTDIR where the name is a link or anything else, ENOENT where it is nothing. */
  enter(name: string): Folder;
  /** The same folder, closed on its own. */
  again(): Folder;
  /** Where it lies now, as `Fd.place`. */
  readonly place: string | undefined;
  close(): void;
}

/** Opens a folder of the host by its path. Held where the system allows it; see HeldFolder. */
export const openFolder = (path: string): Folder => {
  if (process.platform !== "linux") return openNamed(path);
  const folder = new HeldFolder(openSync(path, O_PATH | constants.O_DIRECTORY), path === "/");
  if (isMounted(folder)) return folder;
  folder.close();
  return openNamed(path);
};

/** A folder by its path alone. ENOTDIR where it is none. */
export const openNamed = (path: string): NamedFolder => {
  if (!lstatSync(path).isDirectory()) throw refusal("ENOTDIR", "not a folder");
  return new NamedFolder(path);
};

/** Linux's O_PATH (asm-generic/fcntl.h), which node:fs does not name: needs no permission on the folder itself. */
const O_PATH = 0o10000000;
const entering = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Of the machine's own root, the folder of processes. */
const processes = "proc";

/** Whether /proc is there; some containers lack it. */
const isMounted = (folder: Folder): boolean => {
  try {
    return statSync(folder.path).isDirectory();
  } catch {
    return false;
  }
};

/**
 * A folder by descriptor. `/proc/self/fd/N/name` is openat(N, name) by another spelling, so a name is looked up
 * in the folder that was opened, whatever happens to the path that once led there. This protects from whoever
 * renames folders or exchanges them for links between our check and our use, another guest included.
 */
export class HeldFolder implements Folder {
  readonly #fd: Fd;
  readonly #root: boolean;

  /** `root`: it is the machine's own. */
  constructor(fd: number, root = false) {
    this.#fd = new Fd(fd);
    this.#root = root;
  }

  get path(): string {
    return `/proc/self/fd/${this.#fd.number}`;
  }

  get place(): string | undefined {
    return this.#fd.place;
  }

  at(name: string): string {
    return `${this.path}/${name}`;
  }

  /** EACCES for /proc: in it lie our own memory, to be written, and the variables that nobody was granted. */
  enter(name: string): Folder {
    if (this.#root && name === processes)
      throw refusal("EACCES", "what processes hold is no file of a folder");
    return new HeldFolder(openSync(this.at(name), entering));
  }

  again(): Folder {
    return new HeldFolder(openSync(this.path, O_PATH | constants.O_DIRECTORY), this.#root);
  }

  close(): void {
    this.#fd.close();
  }
}

/**
 * A folder by its path, where the system has no way to hold one (macOS, Windows, no /proc). Every component is
 * checked to be no link before it is entered, but somebody who can write to the folder from outside the sandbox
 * may exchange it between check and use. A guest alone cannot: its calls do not overlap.
 */
export class NamedFolder implements Folder {
  readonly #path: string;
  #open = true;

  constructor(path: string) {
    this.#path = path;
  }

  get path(): string {
    if (!this.#open) throw refusal("EBADF", "the folder is closed");
    return this.#path;
  }

  get place(): string | undefined {
    return this.#path;
  }

  at(name: string): string {
    return join(this.path, name);
  }

  enter(name: string): Folder {
    return openNamed(this.at(name));
  }

  again(): Folder {
    return openNamed(this.path);
  }

  close(): void {
    this.#open = false;
  }
}
