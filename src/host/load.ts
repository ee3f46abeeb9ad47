import type { Digest } from "../base/digest.ts";
import { timed } from "../base/timings.ts";
import type { Fetched } from "../resolve/fetch.ts";
import type { Resolver } from "../resolve/resolver.ts";
import { type VerifiedComponent, verify } from "../trust/verify.ts";

export interface Loaded {
  readonly component: VerifiedComponent;
  readonly locator: Fetched["locator"];
}

/** Identifier → locator → bytes → verified component: the one path for built-in and fetched components alike. */
export const load = async (
  identifier: string,
  resolver: Pick<Resolver, "fetch">,
  /** Whether bytes of a digest are trusted by this person; asked only when somebody wants to know. */
  trusts: (digest: Digest) => boolean = () => false,
): Promise<Loaded> => {
  const { locator, bytes } = await timed("fetch", () => resolver.fetch(identifier));
  const trust = (digest: Digest) =>
    locator.scheme === "builtin" ? "builtin" : trusts(digest) ? "trusted" : "untrusted";
  const component = timed("verify", () => verify(identifier, bytes, { digest: locator.digest, trust }));
  return { component, locator };
};
