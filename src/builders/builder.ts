// Source and WIT → component bytes. Owns the contract that every guest language meets and the building of a
// project's folder (project.ts), incremental and never half-written; refuses to know which languages there are
// and whether a component is trusted; called by the composition root's `loop:build` provider and by the build.
import type { WitSources } from "../contract/wit.ts";

export interface BuildRequest {
  /** Absolute path of the folder whose loop.toml asks for the build. */
  readonly folder: string;
  /** The component's name: kebab-case. */
  readonly name: string;
  /** The main source file, relative to the folder, with forward slashes. */
  readonly main: string;
  /** The world to build for, "hello" or "ns:pkg/hello@1.0.0"; may be absent where the WIT has only one. */
  readonly world: string | undefined;
  /** The project's own WIT ("wit/world.wit" → text) and the carried packages that it needs. */
  readonly wit: WitSources;
  /** The other keys of the [build] table. */
  readonly settings: Readonly<Record<string, unknown>>;
  /**
   * For development: a builder may keep what it can use again, and make a component that behaves alike and is made
   * sooner.
   */
  readonly quick?: boolean | undefined;
  readonly onProgress?: ((detail: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BuildResult {
  readonly component: Uint8Array;
  /** Whether it was made in the way that `quick` allows, and so is not what would be shipped. */
  readonly quick?: boolean | undefined;
  /** Absolute paths of every file whose change makes the build stale. */
  readonly inputs: readonly string[];
  readonly warnings: readonly string[];
  /** Files to write beside the source, by path relative to the folder: typings. */
  readonly generated: ReadonlyMap<string, string>;
}

/** What fills a `builder:<language>` slot. */
export interface Builder {
  readonly language: string;
  /** Changes whenever the same sources would give another component; part of what makes a build stale. */
  readonly version: string;
  build(request: BuildRequest): Promise<BuildResult>;
  /** Makes ready what the first quick build of a folder would wait for. What is wrong, that build says. */
  prepare?(request: BuildRequest): Promise<void>;
}
