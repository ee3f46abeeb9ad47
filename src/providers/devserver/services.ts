import type { Digest } from "../../base/digest.ts";
import type { Places } from "../../host/places.ts";
import type { Graph, Member } from "./graph.ts";
import type { Settings } from "./heard.ts";
import type { Registered } from "./registry.ts";

/** `loop:devserver/session#event` in the JS mapping. */
export interface Event {
  readonly tag: string;
  readonly val: unknown;
}

export interface Built {
  /** The identifier that it is known by where it runs. */
  readonly component: string;
  readonly digest: Digest;
  readonly built: boolean;
  readonly durationMs: number;
  readonly warnings: readonly string[];
  /** Absolute paths of what it was made from. */
  readonly inputs: readonly string[];
}

/** What there is to develop, and the commands that it has of its own. */
export interface Workspace extends Graph {
  readonly commands: readonly Registered[];
}

/** What a session needs of whoever can. */
export interface SessionServices {
  scan(folder: string): Promise<Workspace>;
  /** Builds a member where it is stale, or finds what stands for it; `begins` is called where something is built. */
  build(member: Member, begins: () => void, signal: AbortSignal): Promise<Built>;
  /** Runs the application until it ends or is stopped; its exit code. `starts` hears the digest that runs. */
  run(component: string, starts: (digest: Digest) => void, signal: AbortSignal): Promise<number>;
  /** What the application runs by besides its bytes: its loop.toml. Undefined while that does not read. */
  settings(folder: string): Settings | undefined;
  /**
   * Fills what stands somewhere as is chosen now; what went wrong is told by whoever listens to places. From then on
   * places are reconsidered when somebody decides something.
   */
  refill(): Promise<void>;
  readonly places: Places;
  explain(error: unknown): string;
  /** Tells when the terminal has another size, until the answer is called. */
  onResize(resized: () => void): () => void;
}
