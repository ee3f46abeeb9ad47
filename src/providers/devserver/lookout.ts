import { join } from "node:path";
import { limits } from "../../base/limits.ts";
import { findManifest, manifestName } from "../../base/manifest/manifest.ts";
import type { Member } from "./graph.ts";
import { sightsOf } from "./sights.ts";
import { Watch } from "./watch.ts";

/** What a session has to do with at a time. */
export interface Concerned {
  readonly members: readonly Member[];
  /** Absolute paths of what a member was built from. */
  inputsOf(name: string): readonly string[];
  /** Absolute paths of files that are run as they are. */
  readonly placed: readonly string[];
}

/**
 * Looks at what there is to look at: members come and go, folders are replaced by others of their name, and what is
 * built from lies elsewhere.
 */
export class Lookout {
  readonly #folder: string;
  readonly #wake: () => void;
  /** What members have watched, of those that are gone as well: they may come back. */
  readonly #concerning = new Set<string>();
  #looked: string | undefined;
  #watch: Watch | undefined;

  constructor(folder: string, wake: () => void) {
    this.#folder = folder;
    this.#wake = wake;
  }

  get how(): Watch["how"] {
    return this.#watch?.how ?? "events";
  }

  /** Wakes where something new is looked at, for what was changed before anybody looked; not at the first time. */
  look({ members, inputsOf, placed }: Concerned): void {
    // Of a workspace that is no component itself, its loop.toml alone is looked at.
    const own = findManifest(this.#folder) ?? join(this.#folder, manifestName);
    for (const path of [own, ...members.flatMap(({ watched }) => watched)])
      if (this.#concerning.size < limits.devSightsMax) this.#concerning.add(path);
    const inputs = members.flatMap(({ name }) => inputsOf(name));
    const sights = sightsOf([...this.#concerning], inputs, placed);
    const looked = JSON.stringify(sights);
    if (looked === this.#looked && !this.#watch?.isLost) return;
    // First: two watches of one path are one to Bun, and that one goes on with the folder that had the name before.
    this.#watch?.close();
    this.#watch = new Watch(sights, this.#wake);
    if (this.#looked !== undefined) this.#wake();
    this.#looked = looked;
  }

  close(): void {
    this.#watch?.close();
  }
}
