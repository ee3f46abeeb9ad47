import { timed } from "../base/timings.ts";
import { type FetchContext, type Fetched, type Fetcher, fetchIdentifier } from "../resolve/fetch.ts";
import { type VerifiedComponent, verify } from "../trust/verify.ts";

export interface Loaded {
  readonly component: VerifiedComponent;
  readonly locator: Fetched["locator"];
}

/** Identifier → locator → bytes → verified component: the one path for built-in and fetched components alike. */
export const load = async (
  identifier: string,
  fetchers: ReadonlyMap<string, Fetcher>,
  context: FetchContext,
): Promise<Loaded> => {
  const { locator, bytes } = await timed("fetch", () => fetchIdentifier(identifier, fetchers, context));
  const trust = locator.scheme === "builtin" ? "builtin" : "untrusted";
  const component = timed("verify", () => verify(identifier, bytes, { digest: locator.digest, trust }));
  return { component, locator };
};
