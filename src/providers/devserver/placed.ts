import { statSync } from "node:fs";
import type { Digest } from "../../base/digest.ts";
import { Fault } from "../../base/fault.ts";
import type { Places } from "../../host/places.ts";
import { fileNamed } from "../../resolve/file.ts";
import { Digests, looksOf } from "./digests.ts";

export interface PlacedServices {
  readonly places: Places;
  /** Absolute; relative paths are relative to it. */
  readonly folder: string;
  /** Whether an identifier names what a member is built to: that is taken in when it is built. */
  isBuilt(identifier: string): boolean;
  /** Puts what an identifier names now in the place of what it named before. */
  swap(place: string, identifier: string): Promise<unknown>;
  /** What stands at a place goes on, since what is to come there cannot even be read. */
  failed(place: string, identifier: string, error: unknown): void;
  /** What failed to come there is no longer to come: the file is again what stands there. */
  settled(place: string, identifier: string): void;
}

/** What became of the last look at a file that has other bytes than those that stand. */
interface Tried {
  /** Undefined where it could not be read. */
  readonly digest: Digest | undefined;
  /** How the file looked where the person has a word to say first, after which it is saved again as it is. */
  readonly waits?: string;
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
  /** How files looked when the run ended since the person has a word to say first. */
  readonly #waiting = new Map<string, string>();
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
    this.#waiting.clear();
    for (const file of this.#stood.keys()) this.#stood.set(file, this.#readable(file));
  }

  /** The run ended with an error, after which the person may have what it used begin as it is. */
  ended(error: unknown): void {
    if (isForPerson(error)) for (const file of this.files) this.#waiting.set(file, looksOf(file));
  }

  /** Whether a file is there that is other than it was when it stood, or was saved again where that is waited for. */
  get hasChanged(): boolean {
    return [...this.#stood].some(([file, digest]) => {
      const now = this.#readable(file);
      const waits = this.#waiting.get(file);
      return now !== undefined && (now !== digest || (waits !== undefined && waits !== looksOf(file)));
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
    const looks = looksOf(file);
    const isSaved = tried?.waits !== undefined && tried.waits !== looks;
    if (found !== undefined && tried?.digest === found && !isSaved) return;
    this.#tried.set(key, { digest: found });
    if (found === undefined) return;
    // What went wrong was told by whoever listens, and is tried again when there are other bytes.
    await this.#services.swap(place, identifier).catch((error: unknown) => {
      if (isForPerson(error)) this.#tried.set(key, { digest: found, waits: looks });
    });
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

/** Whether it is for the person to trust it, or to grant it something. */
const isForPerson = (error: unknown): boolean =>
  error instanceof Fault && (error.code === "LK0408" || error.code === "LK0701");

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
