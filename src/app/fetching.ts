import { existsSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import { type Manifest, manifestName, readManifest } from "../base/manifest/manifest.ts";
import type { Stdio } from "../host/provider.ts";
import { taskClass } from "../providers/cli/progress.ts";
import { shownOn } from "../providers/pkg/progress.ts";
import type { Fetcher } from "../resolve/fetch.ts";
import { type Identifier, parseIdentifier } from "../resolve/identifier.ts";
import type { Policy } from "../resolve/policy.ts";
import type { Describe, Remote } from "../resolve/remote.ts";
import { Resolver, type Shown } from "../resolve/resolver.ts";
import { absoluteIdentifier, declareSlot, type Filling, type SlotDeclaration } from "../slots/declaration.ts";
import type { Decision } from "../slots/precedence.ts";
import type { Slots } from "../slots/registry.ts";
import type { Decisions } from "../trust/decisions.ts";
import { interruptible } from "./interrupt.ts";
import { judgeFor } from "./judge.ts";
import { grantsOf, type Linking, loadComponent, planFilling } from "./link.ts";
import { fetcherMembers } from "./members.ts";

// Every scheme of identifiers is a slot, `fetcher:<scheme>`. What the executable ships fills those it knows; a
// component fills any other, or stands in the place of a shipped one.

const family = "fetcher:";
export const fetcherContract = "loop:pkg/fetcher@0.1.0";

/** What a shipped fetcher is called as a filling; it is part of the executable, and no component of this name exists. */
const identifierOf = (scheme: string): string => `host:${scheme}`;

/** The slots of the shipped schemes, and the family of all others. */
export const fetcherSlots = (): SlotDeclaration[] => [
  ...fetcherMembers.map(({ summary, fetcher: { scheme } }) =>
    declareSlot({
      name: `${family}${scheme}`,
      summary,
      contract: fetcherContract,
      // What the executable carries is what everything else is put back with.
      policy: scheme === "builtin" ? "core" : "default",
      defaults: [{ identifier: identifierOf(scheme), grants: [] }],
    }),
  ),
  declareSlot({ name: `${family}*`, summary: "Fetchers of further schemes", contract: fetcherContract }),
];

/** A shipped fetcher by scheme: what fills a fetcher's slot is itself fetched by these alone, so no ring can be. */
export const shippedFetcher = (scheme: string): Fetcher | undefined =>
  fetcherMembers.find(({ fetcher }) => fetcher.scheme === scheme)?.fetcher;

export const shippedSchemes = (): readonly string[] => fetcherMembers.map(({ fetcher }) => fetcher.scheme);

/** What fills `fetcher:<scheme>`; undefined where nobody knows the scheme. Faults: LK0407, those of loading. */
export const fetcherOf = async (
  scheme: string,
  slots: Slots | undefined,
  linking: Linking,
): Promise<Fetcher | undefined> => {
  const own = shippedFetcher(scheme);
  if (!slots) return own;
  const decision = own ? slots.use(`${family}${scheme}`) : slots.explain(`${family}${scheme}`);
  if (decision.fault) throw decision.fault;
  const [filling] = decision.fillings;
  if (!filling) return undefined;
  if (own && filling.identifier === identifierOf(scheme)) return own;
  // Loaded when there is something to fetch: what lock and store hold needs no fetcher.
  return {
    scheme,
    remote: true,
    fetch: async (identifier, context) =>
      (await fromComponent(scheme, decision, filling, linking)).fetch(identifier, context),
  };
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
    const manifest = manifests().find(({ dependencies }) => Object.hasOwn(dependencies, identifier.text));
    return manifest ? parseIdentifier(meaningIn(manifest, identifier.text)) : identifier;
  },
  mirrorsOf: (host: string): readonly string[] =>
    manifests().flatMap(({ registries }) => registries[host]?.mirrors ?? []),
});

/** A range begins with a digit or an operator; a path that does is written "./1.wasm". */
const meaningIn = ({ dependencies, folder }: Manifest, name: string): string => {
  const said = dependencies[name]!;
  return /^[\d^~<>=*]/.test(said) ? `${name}@${said}` : absoluteIdentifier(said, folder);
};

/** What a workspace and its members name in their loop.toml: dependencies, and what fills slots. Faults: LK05. */
export const namedBy = (manifests: readonly Manifest[]): string[] => {
  const root = manifests.at(-1);
  const all = root ? [...manifests, ...membersOf(root)] : [];
  return [
    ...new Set(
      all.flatMap((manifest) => [
        ...Object.keys(manifest.dependencies).map((name) => meaningIn(manifest, name)),
        ...[...manifest.slots.values()].flatMap(({ use = [], default: standard = [] }) =>
          [...use, ...standard].map((text) => absoluteIdentifier(text, manifest.folder)),
        ),
      ]),
    ),
  ];
};

/** The manifests of a workspace's members; they may lie outside it, in another repository's checkout. */
const membersOf = ({ workspace, folder }: Manifest): Manifest[] =>
  (workspace?.members ?? [])
    .flatMap((member) =>
      /[*?[{]/.test(member)
        ? [
            ...new Bun.Glob(`${member.replace(/\/$/, "")}/${manifestName}`).scanSync({
              cwd: folder,
              dot: false,
            }),
          ]
        : [join(member, manifestName)],
    )
    .map((path) => join(folder, path))
    .filter((path) => existsSync(path))
    .sort()
    .map(readManifest);

/** Shows a fetch on standard error, where that is a terminal. */
export const progressOn = (stdio: Stdio): Shown => {
  const task = new (taskClass({ stdio, onDrop: () => {} }))("Fetching");
  return { update: shownOn(task), finish: () => task.finish() };
};

/** Store, and the lock of the outermost manifest. */
export const openRemote = async (
  manifests: readonly Manifest[],
  policy: Policy,
  folder: string,
  decisions: () => Decisions,
): Promise<Remote> => {
  const [{ Remote }, { lockName }] = await Promise.all([
    import("../resolve/remote.ts"),
    import("../resolve/lock.ts"),
  ]);
  const root = manifests.at(-1);
  return new Remote({
    interruptible,
    lockPath: root && join(root.folder, lockName),
    policy,
    describe: describeWith(folder, decisions),
    validate,
    // Compiling it takes another thread as long as a component takes to come.
    prepare: () => void import("../contract/tools.ts").then(({ wasmTools }) => wasmTools()).catch(() => {}),
  });
};

/**
 * The linker is safe whatever a component says of its types; here somebody is told that what they fetched is broken,
 * before it is kept (decision 014). Faults: LK0211, LK0213.
 */
const validate = async (identifier: string, bytes: Uint8Array): Promise<void> => {
  const { isModule } = await import("../trust/verify.ts");
  // What is made of a core module is validated as it is made.
  if (isModule(bytes)) return;
  const { wasmTools } = await import("../contract/tools.ts");
  try {
    await (await wasmTools()).validate(bytes);
  } catch (error) {
    throw error instanceof Fault
      ? error.within({ component: identifier, phase: "verify", message: "Checking what was fetched" })
      : error;
  }
};

/** Looks at what came as at anything that is loaded here, and says what the lock notes of it. */
const describeWith =
  (folder: string, decisions: () => Decisions): Describe =>
  async ({ bytes, locator, signature: beside }, before) => {
    const { identifier, digest, package: name } = locator;
    const [{ requireSigners, signersOf, verifyFetched }, { requireContinuity }, { adapted }, { readWorld }] =
      await Promise.all([
        import("../trust/verify.ts"),
        import("../trust/origin.ts"),
        import("../host/adapt.ts"),
        import("../contract/world.ts"),
      ]);
    const signature = beside && (await import("../trust/signature/section.ts")).asSignature(beside);
    const judge = judgeFor(folder, decisions());
    const component = await verifyFetched(identifier, bytes, judge, {
      digest,
      package: name,
      detached: signature,
      known: before?.entry.signers,
      adapt: (module, own) => adapted(identifier, module, own),
    });
    if (before) requireSigners(component, before.entry.signers, before.place);
    requireContinuity(component, judge.keyring, decisions().signers());
    const { imports, exports } = readWorld(component.bytes);
    const signers = signersOf(component, before?.entry.signers);
    return { signature, signers, imports: [...imports.keys()], exports: [...exports.keys()] };
  };

const network = ["wasi:http", "wasi:sockets"];
