import { fault } from "../base/fault.ts";
import { describeDifference, differences } from "../contract/compare.ts";
import { unversioned, type World } from "../contract/model.ts";
import { compatible, matchInterface, versionOf } from "../contract/semver.ts";
import { Chain, later } from "../host/chain.ts";
import type { RequireFit } from "../host/live.ts";
import type { Swaps, Wish } from "../host/places.ts";
import type { LinkedPlan } from "../host/plan.ts";
import type { InstanceContext, Provider } from "../host/provider.ts";
import { declareSlot, type Filling, type SlotDeclaration } from "../slots/declaration.ts";
import type { Decision } from "../slots/precedence.ts";
import type { Slots } from "../slots/registry.ts";
import {
  coveredBy,
  herePreferred,
  hostIdentifier,
  isEmptied,
  isPower,
  packageOf,
  type Server,
  serversOf,
} from "./servers.ts";

// Every capability as a slot: `provider:wasi:filesystem` for a package, `provider:wasi:clocks/wall-clock` for one
// interface of it. The host's own provider fills it by default; a component in its place stands before the host's.

const family = "provider:";

/**
 * On wasi:io the providers of all other packages meet: their streams are waited for together, by one poll. So it is
 * the host's always, and others add streams of their own to it.
 */
const ground = "wasi:io";
const isGround = (interfaceName: string): boolean => packageOf(interfaceName) === ground;

/** The slots of the packages that these providers serve, and the family of all others. */
export const capabilitySlots = (providers: readonly Provider[]): SlotDeclaration[] => {
  const packages = new Map<string, Provider[]>();
  for (const provider of providers)
    for (const name of new Set(provider.interfaces.map(packageOf)))
      packages.set(name, [...(packages.get(name) ?? []), provider]);
  return [
    ...[...packages]
      .filter(([name]) => !isPower(name))
      .map(([name, hosts]) =>
        declareSlot({
          name: `${family}${name}`,
          summary: `Serves the imports of ${name}`,
          contract: name,
          combination: "first",
          policy: name === ground ? "core" : "default",
          defaults: herePreferred(hosts).map((host) => ({ identifier: hostIdentifier(host), grants: [] })),
        }),
      ),
    declareSlot({
      name: `${family}*`,
      summary: "Serves one interface of a package, or a package that loop does not know",
      contract: "the package or interface of the slot's name",
      combination: "first",
    }),
  ];
};

/**
 * What a `provider:` slot asks of a component, as the body of a world: those of the interfaces that the host knows
 * and it exports. Undefined where it exports none of the slot's.
 */
export const capabilityContract = (slotName: string, offered: World): string | undefined => {
  const found = [...offered.exports.keys()].filter(coveredBy(slotName));
  if (found.length === 0) return undefined;
  return found
    .filter((name) => name.startsWith("wasi:"))
    .map((name) => `  export ${unversioned(name)}@${vendored(name)};\n`)
    .join("");
};

/** The version of the vendored WIT that an interface is of. */
const vendored = (name: string): string =>
  wasiVersions.find((version) => compatible(versionOf(name) ?? "", version)) ?? wasiVersions[0];
const wasiVersions = ["0.2.12", "0.3.0"] as const;

export interface CapabilityRequest {
  /** The world whose imports are to be served. */
  readonly world: World;
  /** Undefined where slots are not heard (--builtin). */
  readonly slots: Slots | undefined;
  readonly providers: readonly Provider[];
  /** A plan for a filling, linked with exactly these providers. */
  plan(decision: Decision, filling: Filling, providers: readonly Provider[]): Promise<LinkedPlan>;
  /** The context of a filling's instances, whose grants are its own. */
  contextOf(decision: Decision, filling: Filling, plan: LinkedPlan, caller: InstanceContext): InstanceContext;
  /** How fillings come, all of them linked with exactly these providers; undefined where they do not. */
  swapsOf?(
    decision: Decision,
    fillingOf: (plan: LinkedPlan) => Filling,
    providers: readonly Provider[],
  ): Swaps;
}

/**
 * The host's providers for a component, with what stands before them in the slots of the capabilities that it
 * imports. Faults: LK0402 a filling that does not serve what is imported, and those of slots, loading and linking.
 */
export const servedBySlots = async (request: CapabilityRequest): Promise<readonly Provider[]> => {
  const { slots, world, providers } = request;
  if (!slots) return providers;
  const names = [...world.imports.keys()].filter(
    (name) => /^[^/]+:[^/]+\//.test(name) && !isPower(packageOf(name)),
  );
  // What fills the slot of an interface stands before what fills that of its package.
  const asked = new Set([...names.map(unversioned), ...names.map(packageOf)]);
  const before: Provider[] = [];
  for (const name of asked) before.push(...(await chainOf(slots.explain(`${family}${name}`), request)));
  return [...before, ...providers];
};

/** What stands before the host's own providers in one slot, the first in front. */
const chainOf = async (decision: Decision, request: CapabilityRequest): Promise<Provider[]> => {
  const { slot, source, fault: objection } = decision;
  if (objection) throw objection;
  if (isEmptied(decision)) return [closed(slot.name, request.world, `the slot ${slot.name} is empty`)];
  // What the app's table says is the order of the providers as they are.
  if (source === "built-in") return [];
  const covers = coveredBy(slot.name);
  const wanted = [...request.world.imports.keys()].filter(covers);
  const servers = await serversOf(decision, request.providers, wanted);
  const reached = servers.filter(({ standing }) => standing !== "unreached");
  // A filling may import of the slot's package what the guest does not.
  const others = request.providers.filter(
    (provider) => provider.interfaces.some(covers) && !reached.some((server) => server.provider === provider),
  );
  let rest: Provider[] = narrowed(decision, servers, request);
  for (const group of grouped(reached).toReversed())
    rest = [await providerOf(group, decision, request, rest, others), ...rest];
  return rest;
};

/** Components that stand one behind the other, or one provider of the host's. */
type Group =
  | { readonly provider: Provider }
  | {
      readonly fillings: Filling[];
      /** Those of the host's that serve before them, and all that serve. */
      readonly hostsBefore: number;
      readonly hosts: ReadonlySet<string>;
    };

const grouped = (servers: readonly Server[]): readonly Group[] => {
  const groups: Group[] = [];
  const hosts = new Set(servers.filter(({ provider }) => provider).map(({ identifier }) => identifier));
  let hostsBefore = 0;
  for (const { filling, provider } of servers) {
    const last = groups.at(-1);
    if (provider) {
      groups.push({ provider });
      hostsBefore++;
    } else if (filling && last && "fillings" in last) last.fillings.push(filling);
    else if (filling) groups.push({ fillings: [filling], hostsBefore, hosts });
  }
  return groups;
};

const providerOf = async (
  group: Group,
  decision: Decision,
  request: CapabilityRequest,
  rest: readonly Provider[],
  others: readonly Provider[],
): Promise<Provider> => {
  const { slot } = decision;
  const covers = coveredBy(slot.name);
  if ("provider" in group) return partOf(group.provider, covers);
  const { imports } = request.world;
  const plans = new Map<LinkedPlan, Filling>();
  const fillingOf = (plan: LinkedPlan) => plans.get(plan)!;
  const chain: Chain = new Chain({
    slot: slot.name,
    covers,
    imports,
    rest,
    others,
    joins: ({ exports }) => [...exports.keys()].filter(isGround),
    requireFit: fitting(slot.name, imports),
    contextOf: (plan, caller) => request.contextOf(decision, fillingOf(plan), plan, caller),
    share: sharing(decision, group, request.providers),
    swaps: () => request.swapsOf?.(decision, fillingOf, reaching),
  });
  const reaching = [chain.next, ...chain.behind, ...request.providers];
  // From the last to the first: what a component may reach is known before it is linked.
  for (const filling of group.fillings.toReversed()) {
    const plan = await request.plan(decision, filling, reaching);
    plans.set(plan, filling);
    chain.add(plan);
  }
  return chain.provider();
};

/**
 * Of those that a slot is to be filled with, the components that stand behind so many of the host's that serve. Which of
 * the host's own do cannot change: what they hold is theirs. Fault LK0428.
 */
const sharing = (
  { slot, fillings }: Decision,
  { hostsBefore, hosts: serving }: Extract<Group, { fillings: Filling[] }>,
  providers: readonly Provider[],
) => {
  const isHost = ({ identifier }: Pick<Filling, "identifier">) => identifier.startsWith("host:");
  const hosts = (some: readonly Pick<Filling, "identifier">[]): string => {
    const named = some.filter(isHost).map(({ identifier }) => identifier);
    const all = herePreferred(providers.filter(({ interfaces }) => interfaces.some(coveredBy(slot.name))));
    return (named.length > 0 ? named : all.map(hostIdentifier)).join(", ");
  };
  const before = hosts(fillings);
  return (wishes: readonly Wish[]): readonly Wish[] => {
    if (wishes.length === 0) throw later(slot.name, "nobody is to serve it, and what runs was linked to it");
    if (hosts(wishes) !== before)
      throw later(slot.name, `of the host's own ${before || "none"} serves it, and ${hosts(wishes)} is to`);
    let passed = 0;
    return wishes.filter((wish) => {
      if (serving.has(wish.identifier)) passed++;
      return !isHost(wish) && passed === hostsBefore;
    });
  };
};

/** Of a provider, what one slot is about. */
const partOf = (provider: Provider, covers: (name: string) => boolean): Provider => ({
  ...provider,
  interfaces: provider.interfaces.filter(covers),
  of: provider,
});

/** Where providers of the host's are named, the others do not serve what those offer: somebody chose among them. */
const narrowed = (
  { slot, fillings }: Decision,
  servers: readonly Server[],
  { world }: CapabilityRequest,
): Provider[] => {
  const names = fillings.map(({ identifier }) => identifier).filter((name) => name.startsWith("host:"));
  if (names.length === 0) return [];
  const offered = servers.flatMap(({ provider }) => provider?.interfaces ?? []);
  const imports = new Map([...world.imports].filter(([name]) => matchInterface(name, offered) !== undefined));
  return [closed(slot.name, { imports }, `the slot ${slot.name} names ${names.join(", ")} alone`)];
};

/** Throws where a component does not serve what the guest imports of the slot. Fault LK0402. */
const fitting =
  (slotName: string, imports: World["imports"]): RequireFit =>
  ({ identifier }, world) => {
    const exported = [...world.exports.keys()];
    const interfaces = exported.filter(coveredBy(slotName));
    const wanted = [...imports].filter(([name]) => matchInterface(name, interfaces) !== undefined);
    const contract: World = { name: undefined, imports: new Map(), exports: new Map(wanted) };
    const found = differences(contract, world).map(describeDifference);
    if (interfaces.length === 0) found.push(`it exports no interface of ${slotName.slice(family.length)}`);
    if (found.length > 0)
      throw fault(
        "LK0402",
        `${identifier} does not fit the slot ${slotName}: ${found.slice(0, 3).join("; ")}`,
        { hint: `loop inspect ${identifier} --wit` },
      ).within({
        slot: slotName,
        component: identifier,
        phase: "fill",
        message: "Comparing it with what is imported",
      });
    if (exported.some((name) => unversioned(name) === `${ground}/poll`))
      throw fault(
        "LK0402",
        `${identifier} exports ${ground}/poll, and the host's poll alone can wait for everybody's streams`,
        { hint: `let it import ${ground}/poll, and make its pollables with wasi:clocks/monotonic-clock` },
      ).within({ slot: slotName, component: identifier, phase: "fill", message: "Filling the slot" });
  };

/** Nobody after this serves the slot: the capability is absent, which is said by name before the component starts. */
const closed = (slotName: string, { imports }: Pick<World, "imports">, why: string): Provider => ({
  name: slotName,
  interfaces: [],
  suspending: [],
  defaultGranted: "*",
  absent: new Map([...imports.keys()].filter(coveredBy(slotName)).map((name) => [unversioned(name), why])),
  instantiate: () => ({}),
});
