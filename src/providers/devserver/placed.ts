import { statSync } from "node:fs";
import type { Code } from "../../base/codes.ts";
import { type Digest, digestOf } from "../../base/digest.ts";
import { Fault } from "../../base/fault.ts";
import type { Places } from "../../host/places.ts";
import { fileNamed, readBounded } from "../../resolve/file.ts";

export interface PlacedServices {
  readonly places: Places;
  /** Absolute; relative paths are relative to it. */
  readonly folder: string;
  /** Whether an identifier names what a member is built to: that is taken in when it is built. */
  isBuilt(identifier: string): boolean;
  /** What stands at a place goes on, since what is to come there cannot even be read. */
  failed(place: string, error: unknown): void;
  /** What failed to come there is no longer to come: the file is again what stands there. */
  settled(place: string): void;
}

/** What became of the last look at a file that has other bytes than those that stand. */
interface Tried {
  /** Undefined where it could not be read. */
  readonly digest: Digest | undefined;
  /** It needs a person's word, which may come while its bytes stay as they are. */
  readonly needsWord?: boolean;
}

const wordCodes: ReadonlySet<Code> = new Set(["LK0408", "LK0701"]);
/** Whether a person's word lets in what failed, and nothing else has to change. */
export const needsWord = (error: unknown): error is Fault =>
  error instanceof Fault && wordCodes.has(error.code);

/**
 * Files that stand in places and that nobody here builds: what was chosen with `loop slot set`, or named by a loop.toml,
 * and comes from another program's build. What other bytes they have is for content to say.
 */
export class Placed {
  readonly #services: PlacedServices;
  /** By place and identifier. */
  readonly #tried = new Map<string, Tried>();
  /** The place where something is tried again that was told of. */
  #retrying: string | undefined;
  /** What stood last, of the run that goes on or has ended, by file. */
  readonly #stood = new Map<string, Digest>();

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

  /** Another run begins, in which other files may stand. */
  begin(): void {
    this.#stood.clear();
  }

  /** Whether what fails there was told of already. */
  isTold(place: string, error: unknown): boolean {
    return this.#retrying === place && needsWord(error);
  }

  /** Whether a file is there that is other than it was when it stood. */
  get hasChanged(): boolean {
    return [...this.#stood].some(([file, digest]) => {
      const now = digestIn(file);
      return now !== undefined && now !== digest;
    });
  }

  /** Swaps in what has other bytes on disk than in its place, once for each that there were. */
  async renew(): Promise<void> {
    const standing = this.#standing();
    const keys = new Set(standing.map(({ place, identifier }) => keyOf(place, identifier)));
    for (const key of this.#tried.keys()) if (!keys.has(key)) this.#tried.delete(key);
    for (const one of standing) await this.#renewOne(one);
    for (const { file, digest } of this.#standing()) this.#stood.set(file, digest);
  }

  async #renewOne({ place, identifier, file }: Standing): Promise<void> {
    const { places } = this.#services;
    const key = keyOf(place, identifier);
    const tried = this.#tried.get(key);
    const found = this.#digestOf(file, place, tried);
    const others = places
      .at(place)
      .filter((state) => state.identifier === identifier && state.digest !== found);
    if (found !== undefined && others.length === 0) {
      if (this.#tried.delete(key)) this.#services.settled(place);
      return;
    }
    const isSame = tried !== undefined && tried.digest === found;
    if (isSame && !tried.needsWord) return;
    this.#tried.set(key, { digest: found });
    if (found === undefined) return;
    this.#retrying = isSame ? place : undefined;
    try {
      await places.swap(place, { identifier }, identifier);
    } catch (error) {
      // What went wrong was told by whoever listens, and is tried again when there are other bytes, or a word for these.
      this.#tried.set(key, { digest: found, needsWord: needsWord(error) });
    } finally {
      this.#retrying = undefined;
    }
  }

  #digestOf(file: string, place: string, tried: Tried | undefined): Digest | undefined {
    try {
      return digestOf(readBounded(file));
    } catch (error) {
      // A file that stays away is told of once.
      if (!tried || tried.digest !== undefined) this.#services.failed(place, error);
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

/** Undefined where it cannot be read. */
const digestIn = (file: string): Digest | undefined => {
  try {
    return digestOf(readBounded(file));
  } catch {
    return undefined;
  }
};

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
