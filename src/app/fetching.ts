import { join } from "node:path";
import type { Manifest } from "../base/manifest/manifest.ts";
import type { Fetcher } from "../resolve/fetch.ts";
import { type Identifier, parseIdentifier } from "../resolve/identifier.ts";
import type { Policy } from "../resolve/policy.ts";
import type { Describe, Remote } from "../resolve/remote.ts";
import { Resolver } from "../resolve/resolver.ts";
import { absoluteIdentifier, declareSlot, type Filling, type SlotDeclaration } from "../slots/declaration.ts";
import type { Decision } from "../slots/precedence.ts";
import type { Slots } from "../slots/registry.ts";
import { grantsOf, type Linking, loadComponent, planFilling } from "./link.ts";
import { fetcherMembers } from "./members.ts";

// Every scheme of identifiers is a slot, `fetcher:<scheme>`. What the executable ships fills those it knows; a
// component fills any other, or stands in the place of a shipped one.

const family = "fetcher:";
export const fetcherContract = "loop:pkg/fetcher@0.1.0";

/** The slots of the shipped schemes, and the family of all others. */
export const fetcherSlots = (): SlotDeclaration[] => [
  ...fetcherMembers.map(({ scheme, summary, identifier }) =>
    declareSlot({
      name: `${family}${scheme}`,
      summary,
      contract: fetcherContract,
      // What the executable carries is what everything else is put back with.
      policy: scheme === "builtin" ? "core" : "default",
      defaults: [{ identifier, grants: [] }],
    }),
  ),
  declareSlot({ name: `${family}*`, summary: "Fetchers of further schemes", contract: fetcherContract }),
];

/** A shipped fetcher by scheme: what fills a fetcher's slot is itself fetched by these alone, so no ring can be. */
export const shippedFetcher = (scheme: string): Promise<Fetcher> | Fetcher | undefined =>
  fetcherMembers.find((member) => member.scheme === scheme)?.load();

export const shippedSchemes = (): readonly string[] => fetcherMembers.map(({ scheme }) => scheme);

/** What fills `fetcher:<scheme>`; undefined where nobody knows the scheme. Faults: LK0407, those of loading. */
export const fetcherOf = async (
  scheme: string,
  slots: Slots | undefined,
  linking: Linking,
): Promise<Fetcher | undefined> => {
  const own = fetcherMembers.find((member) => member.scheme === scheme);
  if (!slots || scheme === "builtin") return own?.load();
  const decision = own ? slots.use(`${family}${scheme}`) : slots.explain(`${family}${scheme}`);
  if (decision.fault) throw decision.fault;
  const [filling] = decision.fillings;
  if (!filling) return undefined;
  return own && filling.identifier === own.identifier
    ? own.load()
    : fromComponent(scheme, decision, filling, linking);
};

const fromComponent = async (
  scheme: string,
  decision: Decision,
  filling: Filling,
  linking: Linking,
): Promise<Fetcher> => {
  const { resolver } = linking;
  const shipped = new Resolver({
    folder: resolver.folder,
    policy: resolver.policy,
    fetcherOf: shippedFetcher,
    schemes: shippedSchemes,
    remote: () => resolver.remote(),
  });
  const { component } = await loadComponent(filling.identifier, { ...linking, resolver: shipped });
  const { componentFetcher } = await import("../providers/pkg/guest.ts");
  const plan = await planFilling(component, decision, withNetwork(decision, filling), linking);
  return componentFetcher(scheme, plan, grantsOf(filling), linking.stdio);
};

/**
 * A fetcher has the network because it is one. Where a file says so and not this person, the person agrees to that
 * first: the network is this machine's too.
 */
const withNetwork = ({ source }: Decision, filling: Filling): Filling =>
  source === "flag" || source === "environment"
    ? filling
    : { ...filling, grants: [...new Set([...filling.grants, ...network])] };

/**
 * What loop.toml says of identifiers: `[dependencies]` give a package's name without a version its meaning, and
 * `[registries]` their mirrors. The nearest manifest that gives a meaning counts; mirrors add up.
 */
export const saidOf = (manifests: () => readonly Manifest[]) => ({
  meaning: (identifier: Identifier): Identifier => {
    const { text } = identifier;
    for (const { dependencies, folder } of manifests()) {
      const said = dependencies[text];
      if (said === undefined) continue;
      // A range begins with a digit or an operator; a path that does is written "./1.wasm".
      return parseIdentifier(/^[\d^~<>=*]/.test(said) ? `${text}@${said}` : absoluteIdentifier(said, folder));
    }
    return identifier;
  },
  mirrorsOf: (host: string): readonly string[] =>
    manifests().flatMap(({ registries }) => registries[host]?.mirrors ?? []),
});

/** Store, and the lock of the outermost manifest. */
export const openRemote = async (manifests: readonly Manifest[], policy: Policy): Promise<Remote> => {
  const [{ Remote }, { lockName }] = await Promise.all([
    import("../resolve/remote.ts"),
    import("../resolve/lock.ts"),
  ]);
  const root = manifests.at(-1);
  return new Remote({ lockPath: root && join(root.folder, lockName), policy, describe });
};

/** What the lock notes of a component. Faults: those of verifying and decoding it. */
const describe: Describe = async (identifier, bytes) => {
  const [{ verify }, { readWorld }] = await Promise.all([
    import("../trust/verify.ts"),
    import("../contract/world.ts"),
  ]);
  verify(identifier, bytes);
  const { imports, exports } = readWorld(bytes);
  return { imports: [...imports.keys()], exports: [...exports.keys()] };
};

const network = ["wasi:http", "wasi:sockets"];
