// Identifier → locator → bytes. Owns the fetcher contract; refuses to trust what it fetched (`trust/verify`
// does that) and knows no scheme but through the table handed in; called by the host's `load`.
import type { Digest } from "../base/digest.ts";
import { fault } from "../base/fault.ts";
import { nearest } from "../base/suggest.ts";
import { type Identifier, parseIdentifier } from "./identifier.ts";

/** An identifier resolved to an exact place and content. */
export interface Locator {
  readonly identifier: string;
  readonly scheme: string;
  /** Absolute path or URL. */
  readonly place: string;
  readonly digest: Digest;
}

export interface Fetched {
  readonly locator: Locator;
  readonly bytes: Uint8Array;
}

export interface FetchContext {
  /** Relative paths are relative to this absolute folder. */
  readonly folder: string;
}

/** What fills a `fetcher:<scheme>` slot: it brings the bytes together with the place that they came from. */
export interface Fetcher {
  readonly scheme: string;
  fetch(identifier: Identifier, context: FetchContext): Promise<Fetched>;
}

/** Fetches what an identifier names, through the fetcher of its scheme. Faults: LK0102, LK0103, the fetcher's. */
export const fetchIdentifier = async (
  text: string,
  fetchers: ReadonlyMap<string, Fetcher>,
  context: FetchContext,
): Promise<Fetched> => {
  const identifier = parseIdentifier(text);
  const fetcher = fetchers.get(identifier.scheme);
  if (fetcher) return fetcher.fetch(identifier, context);
  const known = [...fetchers.keys()].sort();
  const near = nearest(identifier.scheme, known);
  throw fault(
    "LK0103",
    `${text} needs a fetcher for "${identifier.scheme}", and there are: ${known.join(", ")}`,
    {
      hint:
        near && near !== identifier.scheme
          ? `did you mean ${near}:?`
          : "give a path, for example ./component.wasm",
    },
  );
};
