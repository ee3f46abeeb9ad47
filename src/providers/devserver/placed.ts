import { statSync } from "node:fs";
import type { Digest } from "../../base/digest.ts";
import type { Places } from "../../host/places.ts";
import { fileNamed } from "../../resolve/file.ts";
import { Digests } from "./digests.ts";
import { needsWord } from "./exchanges.ts";

export interface PlacedServices {
  readonly places: Places;
  /** Absolute; relative paths are relative to it. */
  readonly folder: string;
  /** Whether an identifier names what a member is built to: that is taken in when it is built. */
  isBuilt(identifier: string): boolean;
  /** Puts what an identifier names now in the place of what it named before; `again` where that was tried. */
  swap(place: string, identifier: string, again: boolean): Promise<unknown>;
  /** What stands at a place goes on, since what is to come there cannot even be read. */
  failed(place: string, identifier: string, error: unknown): void;
  /** What failed to come there is no longer to come: the file is again what stands there. */
  settled(place: string, identifier: string): void;
}

/** What became of the last look at a file that has other bytes than those that stand. */
interface Tried {
  /** Undefined where it could not be read. */
  readonly digest: Digest | undefined;
  /** It needs a person's word, which may come while its bytes stay as they are. */
  readonly needsWord?: boolean;
}

/**
 * Files that stand in places and that nobody here builds: what was chosen with `loop slot set`, or named by a loop.toml,
 * and comes from another program's build. What other bytes they have is for content to say.
 */
export class Placed {
  readonly #services: PlacedServices;
  /** By place and identifier. */
  readonly #tried = new Map<string, Tried>();
  /** What stood last, of the run that goes on or has ended, by file; of one that did not begin, what its files were then. */
  readonly #stood = new Map<string, Digest | undefined>();
  #isNew = false;
  readonly #digests = new Digests();

  constructor(services: PlacedServices) {
    this.#services = services;
    services.places.listen((event) => {
      if ("swapped" in event) this.#tried.delete(keyOf(event.swapped.place, event.identifier));
    });
  }

  /** Absolute paths, of those that stood as well. */
  get files(): readonly string[] {
    return [...new Set([...this.#standing().map(({ file }) => file), ...this.#stood.keys()])];
  }

  /** Another run begins, in which other files may stand, or which fails before any does. */
  begin(): void {
    this.#isNew = true;
    for (const file of this.#stood.keys()) this.#stood.set(file, this.#readable(file));
  }

  /** Whether a file is there that is other than it was when it stood. */
  get hasChanged(): boolean {
    return [...this.#stood].some(([file, digest]) => {
      const now = this.#readable(file);
      return now !== undefined && now !== digest;
    });
  }

  /** Swaps in what has other bytes on disk than in its place, once for each that there were. */
  async renew(): Promise<void> {
    const standing = this.#standing();
    const keys = new Set(standing.map(({ place, identifier }) => keyOf(place, identifier)));
    for (const key of this.#tried.keys()) if (!keys.has(key)) this.#tried.delete(key);
    for (const one of standing) await this.#renewOne(one);
    const stands = this.#standing();
    if (this.#isNew && stands.length > 0) {
      this.#isNew = false;
      this.#stood.clear();
    }
    for (const { file, digest } of stands) this.#stood.set(file, digest);
    this.#digests.keep(this.files);
  }

  async #renewOne({ place, identifier, file }: Standing): Promise<void> {
    const { places } = this.#services;
    const key = keyOf(place, identifier);
    const tried = this.#tried.get(key);
    const found = this.#digestOf(file, place, identifier, tried);
    const others = places
      .at(place)
      .filter((state) => state.identifier === identifier && state.digest !== found);
    if (found !== undefined && others.length === 0) {
      if (this.#tried.delete(key)) this.#services.settled(place, identifier);
      return;
    }
    const isSame = tried !== undefined && tried.digest === found;
    if (isSame && !tried.needsWord) return;
    this.#tried.set(key, { digest: found });
    if (found === undefined) return;
    try {
      await this.#services.swap(place, identifier, isSame);
    } catch (error) {
      // What went wrong was told by whoever listens, and is tried again when there are other bytes, or a word for these.
      this.#tried.set(key, { digest: found, needsWord: needsWord(error) });
    }
  }

  #digestOf(file: string, place: string, identifier: string, tried: Tried | undefined): Digest | undefined {
    try {
      return this.#digests.of(file);
    } catch (error) {
      // A file that stays away is told of once.
      if (!tried || tried.digest !== undefined) this.#services.failed(place, identifier, error);
      return undefined;
    }
  }

  /** Undefined where it cannot be read. */
  #readable(file: string): Digest | undefined {
    try {
      return this.#digests.of(file);
    } catch {
      return undefined;
    }
  }

  #standing(): readonly Standing[] {
    const { places, folder, isBuilt } = this.#services;
    const found = new Map<string, Standing>();
    for (const place of places.names)
      for (const { identifier, digest } of places.at(place)) {
        const file = isBuilt(identifier) ? undefined : fileNamed(identifier, { folder });
        if (file !== undefined && !isStream(file))
          found.set(keyOf(place, identifier), { place, identifier, file, digest });
      }
    return [...found.values()];
  }
}

interface Standing {
  readonly place: string;
  readonly identifier: string;
  readonly file: string;
  readonly digest: Digest;
}

const keyOf = (place: string, identifier: string): string => `${place}\n${identifier}`;

/** What was read off a pipe is gone: whoever reads it again waits without end. */
const isStream = (file: string): boolean => {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat !== undefined && !stat.isFile() && !stat.isDirectory();
  } catch {
    // Whoever reads it says what is wrong with it.
    return false;
  }
};
