// Identifier → locator → bytes. Owns the contract of fetchers; refuses to trust what was fetched (`trust/verify`
// does that) and to know a scheme (the composition root lists them); called by the resolver.
import type { Digest } from "../base/digest.ts";
import type { Bounds } from "./http.ts";
import type { Identifier } from "./identifier.ts";
import type { Store } from "./store/store.ts";

/** An identifier resolved to an exact place and content. */
export interface Locator {
  readonly identifier: string;
  readonly scheme: string;
  /** Absolute path or URL. */
  readonly place: string;
  readonly digest: Digest;
  /** The digest of what describes the bytes, where something does: an OCI manifest. */
  readonly manifest?: Digest | undefined;
  /** Of a package, the name and version that it was resolved as: "acme:tool@1.2.0". Its signature has to say the same. */
  readonly package?: string | undefined;
}

export interface Fetched {
  readonly locator: Locator;
  readonly bytes: Uint8Array;
  /** What lies beside it as its detached signature; whoever verifies says whether it is one. */
  readonly signature?: Uint8Array | undefined;
  /** The fetcher put the bytes into the store itself, just now: nobody has looked at them yet. */
  readonly fresh?: boolean | undefined;
  /** What the server calls this version of it (HTTP's ETag), for asking whether it is still that. */
  readonly etag?: string | undefined;
}

/** What is known of an identifier's content before it is fetched. */
export interface Pin {
  readonly digest: Digest;
  readonly manifest?: Digest | undefined;
  readonly package?: string | undefined;
}

/** Told how far a fetch is: what is being fetched, bytes so far, bytes in all where that is known. */
export type OnProgress = (what: string, done: number, total: number | undefined) => void;

/** Runs work that a person may interrupt. Fault: LK0005 where they do. */
export type Interruptible = <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;

export interface FetchContext {
  /** Relative paths are relative to this absolute folder. */
  readonly folder: string;
  /** What the lock says that it is: the fetcher may go straight there, and the resolver compares. */
  readonly pin?: Pin | undefined;
  /** Plain http may be spoken beyond this machine. */
  readonly allowHttp?: boolean | undefined;
  readonly onProgress?: OnProgress | undefined;
  /** For remote fetchers: what is here already, and where downloads are gone on with. */
  readonly store?: Store | undefined;
  /** Registries that are asked before an OCI host, each with a path before the repository if it has one. */
  readonly mirrorsOf?: ((host: string) => readonly string[]) | undefined;
  /** What peers are held to, where not to the limits. */
  readonly bounds?: Partial<Bounds> | undefined;
  /** Aborted where the person interrupts; its reason is the fault then. */
  readonly signal?: AbortSignal | undefined;
}

/** What fills a `fetcher:<scheme>` slot: it brings the bytes together with the place that they came from. */
export interface Fetcher {
  readonly scheme: string;
  /** Its bytes come from elsewhere: they are locked and stored, and nothing is asked that is already here. */
  readonly remote: boolean;
  fetch(identifier: Identifier, context: FetchContext): Promise<Fetched>;
}
