import {
  closeSocket,
  createSocket,
  type Family,
  getOption,
  type Kind,
  type Option,
  setOption,
} from "./libc.ts";

/**
 * The options of a socket that may not exist yet: what was set is kept and set again on whatever becomes the
 * socket. Throws the system's errors.
 */
export class Options {
  readonly #kind: Kind;
  readonly #family: Family;
  readonly #live: () => number | undefined;
  readonly #set = new Map<Option, number>();

  /** `live` is the socket's descriptor, once there is one. */
  constructor(kind: Kind, family: Family, live: () => number | undefined) {
    this.#kind = kind;
    this.#family = family;
    this.#live = live;
  }

  get(option: Option): number {
    return this.#with((fd) => getOption(fd, this.#family, option));
  }

  set(option: Option, value: number): void {
    this.#with((fd) => setOption(fd, this.#family, option, value));
    this.#set.set(option, value);
  }

  /** Sets on a descriptor what was set here before. */
  apply(fd: number): void {
    for (const [option, value] of this.#set) setOption(fd, this.#family, option, value);
  }

  /** Those of a socket that comes of this one: it begins with what was set here. */
  inherit(live: () => number | undefined): Options {
    const made = new Options(this.#kind, this.#family, live);
    for (const [option, value] of this.#set) made.#set.set(option, value);
    return made;
  }

  #with<T>(work: (fd: number) => T): T {
    const live = this.#live();
    if (live !== undefined) return work(live);
    const fd = createSocket(this.#kind, this.#family);
    try {
      this.apply(fd);
      return work(fd);
    } finally {
      closeSocket(fd);
    }
  }
}
