import { timed } from "../base/timings.ts";
import type { Fetched } from "../resolve/fetch.ts";
import type { Resolver } from "../resolve/resolver.ts";
import { type Judge, type VerifiedComponent, verify, verifyFetched } from "../trust/verify.ts";

export interface Loaded {
  readonly component: VerifiedComponent;
  readonly locator: Fetched["locator"];
}

/** Identifier → locator → bytes → verified component: the one path for built-in and fetched components alike. */
export const load = async (
  identifier: string,
  resolver: Pick<Resolver, "fetch">,
  /** What the person decided, and whose signatures they believe. */
  judge: Judge,
): Promise<Loaded> => {
  const { locator, bytes, signature } = await timed("fetch", () => resolver.fetch(identifier));
  const { digest, package: name } = locator;
  const component = await timed("verify", () =>
    locator.scheme === "builtin"
      ? verify(identifier, bytes, { digest, trust: "builtin" })
      : verifyFetched(identifier, bytes, judge, {
          digest,
          package: name,
          detached: signature,
          adapt: async (module, own) => (await import("./adapt.ts")).adapted(identifier, module, own),
        }),
  );
  return { component, locator };
};
