// Verified component + providers → linked plan → instance. Owns the matching of imports to what is offered
// and the denial of the rest; refuses unverified bytes (by type) and knows no provider by name; called by the
// composition root and by the providers that run components.
import { fault } from "../base/fault.ts";
import { timed } from "../base/timings.ts";
import {
  camel,
  type Extern,
  type Interface,
  parseInterfaceName,
  pascal,
  unversioned,
  type World,
} from "../contract/model.ts";
import { ownResources } from "../contract/outline.ts";
import { matchInterface } from "../contract/semver.ts";
import { type Grants, mayUse } from "../trust/grants.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { absenceOf, absenceText, closedBy, isUncertain, platform } from "./availability.ts";
import { type InstanceLimits, meteringOf } from "./budget.ts";
import { decoded } from "./decoded.ts";
import { deniedInterface, type GrantHint } from "./denied.ts";
import { joined } from "./face.ts";
import { hasState } from "./handover.ts";
import { Instance } from "./instance.ts";
import type { Linked } from "./linker.ts";
import { chooseLinker, type LinkerName } from "./linkers.ts";
import type { Metering } from "./meter/meter.ts";
import { meteringText } from "./metered.ts";
import type {
  Absence,
  Implementations,
  InstanceContext,
  InterfaceImplementation,
  Provider,
} from "./provider.ts";

export interface LinkOptions {
  readonly providers: readonly Provider[];
  /** Forces one linker, by its name; without it the component's bytes choose (`linkers.ts`). */
  readonly linker?: LinkerName | undefined;
  /** What instances are held to, where their context does not say otherwise. */
  readonly limits?: InstanceLimits | undefined;
  /** Says how a denied interface is granted; part of the fault when the guest calls it. */
  readonly grantHint?: GrantHint;
}

/** One import and who serves it; `provider` undefined means that nobody offers it and calls are denied. */
interface Match {
  readonly name: string;
  readonly extern: Extern;
  readonly provider: Provider | undefined;
  /** The provider's own spelling, of a compatible version. */
  readonly offered: string | undefined;
}

export interface LinkedPlan {
  readonly component: VerifiedComponent;
  readonly world: World;
  /** Whether a call may wait: some import of it may answer with a promise, or it takes turns with others. */
  readonly suspends: boolean;
  /** Its imports that somebody offers and these grants do not cover; calls to them would be denied. */
  ungranted(grants: Grants): readonly string[];
  instantiate(context: InstanceContext): Promise<Instance>;
}

/**
 * Links a component against what the providers offer. Imports of WASI that nobody offers are denied, as the
 * sandbox's default, and types alone need nobody; any other import that nobody offers is a fault. Faults: LK0203, LK0301, LK0303.
 */
export const link = async (component: VerifiedComponent, options: LinkOptions): Promise<LinkedPlan> => {
  const known = decoded(component);
  const { world } = known;
  const absences = await absencesFor(world.imports.keys(), options.providers);
  const matches = [...world.imports].map(([name, extern]) =>
    match(component, name, extern, options.providers, absences),
  );
  const request = { component, decoded: known, suspending: suspendingOf(matches) };
  const { linker } = await chooseLinker(known, options.linker);
  const variants = new Map<string, Promise<Linked>>();
  /** Linked with what has to be metered: once for each combination, and plain where nothing has. */
  const variant = (metering: Metering | undefined): Promise<Linked> => {
    const key = meteringText(metering);
    const made = variants.get(key) ?? timed("link", () => linker.link({ ...request, metering }));
    variants.set(key, made);
    return made;
  };
  const handsOver = hasState(world);
  await variant(meteringOf(options.limits ?? {}, undefined, handsOver));
  return {
    component,
    world,
    suspends: request.suspending.size > 0 || options.limits?.turns !== undefined,
    ungranted: (grants) =>
      matches
        .filter(({ provider, offered }) => provider && offered && !isGrantedToEnd(provider, offered, grants))
        .map(({ name }) => name),
    instantiate: (outer) =>
      timed("instantiate", async () => {
        const limits = { ...options.limits, ...outer.limits };
        const linked = await variant(meteringOf(limits, outer.budget, handsOver));
        return start(component, world, linked, matches, { ...outer, limits }, options);
      }),
  };
};

/** Those providers that would serve one of these imports, and cannot on this machine. The others are not asked. */
const absencesFor = async (
  names: Iterable<string>,
  providers: readonly Provider[],
): Promise<ReadonlyMap<Provider, Absence>> => {
  const found = new Map<Provider, Absence>();
  const uncertain = providers.filter(isUncertain);
  if (uncertain.length === 0) return found;
  const wanted = [...names];
  for (const provider of uncertain) {
    if (!wanted.some((name) => matchInterface(name, provider.interfaces) !== undefined)) continue;
    const absence = await absenceOf(provider);
    if (absence) found.set(provider, absence);
  }
  return found;
};

const match = (
  component: VerifiedComponent,
  name: string,
  extern: Extern,
  providers: readonly Provider[],
  absences: ReadonlyMap<Provider, Absence>,
): Match => {
  const cannot: (readonly [Provider, Absence])[] = [];
  const free = extern.kind === "func" && providers.find(({ functions }) => functions?.includes(name));
  if (free) return { name, extern, provider: free, offered: name };
  for (const provider of providers) {
    const why = closedBy(provider, name);
    if (why !== undefined) throw absent(component, name, cannot, why);
    const offered = matchInterface(name, provider.interfaces);
    if (offered === undefined) continue;
    const absence = absences.get(provider);
    if (!absence) return { name, extern, provider, offered };
    cannot.push([provider, absence]);
  }
  if (cannot.length > 0) throw absent(component, name, cannot);
  if (isTypesAlone(extern) || parseInterfaceName(name).namespace === "wasi")
    return { name, extern, provider: undefined, offered: undefined };
  throw notOffered(component, name, providers);
};

/** Of what has no function and makes nothing there is nothing to serve. */
const isTypesAlone = (extern: Extern): boolean =>
  extern.kind === "type" ||
  (extern.kind === "interface" &&
    extern.interface.funcs.size === 0 &&
    ownResources(extern.interface).length === 0);

/** Said before the component starts: what it asks for is not to be had here, whatever it is granted. */
const absent = (
  { identifier }: VerifiedComponent,
  name: string,
  cannot: readonly (readonly [Provider, Absence])[],
  closed?: string,
) => {
  const reasons = [
    ...new Set([
      ...cannot.map(([provider, absence]) => absenceText(provider, absence)),
      ...(closed ? [closed] : []),
    ]),
  ];
  const why =
    cannot.length > 0 ? `which is absent on ${platform}: ${reasons.join("; ")}` : `and ${reasons.join("; ")}`;
  const slot = `provider:${unversioned(name).replace(/\/.*$/, "")}`;
  return fault("LK0703", `${identifier} imports ${name}, ${why}`, {
    hint: cannot.find(([, { help }]) => help !== undefined)?.[1].help ?? `loop slot explain ${slot}`,
  }).within({ component: identifier, phase: "link", message: "Matching its imports" });
};

const notOffered = (component: VerifiedComponent, name: string, providers: readonly Provider[]) => {
  const near = providers
    .flatMap((provider) => provider.interfaces)
    .filter((offered) => unversioned(offered) === unversioned(name));
  const exists = near.length > 0 ? `what is offered is ${near.join(", ")}` : "nothing offers it";
  return fault("LK0301", `${component.identifier} imports ${name}, and ${exists}`, {
    hint: `loop inspect ${component.identifier}`,
  }).within({ component: component.identifier, phase: "link", message: "Matching its imports" });
};

/** All functions of the matched imports that their providers may answer with a promise. */
const suspendingOf = (matches: readonly Match[]): ReadonlySet<string> => {
  const suspending = new Set<string>();
  const providers = matches.flatMap(({ provider }) => provider ?? []);
  // Of all together: a resource may be made by another provider than the one that serves its interface (`joins`).
  const own = new Set(providers.flatMap((one) => (one.suspending === "*" ? [] : one.suspending)));
  const whole = new Set(providers.flatMap((one) => (one.suspending === "*" ? (one.joins ?? []) : [])));
  const joinedWhole = new Set([...whole].map(unversioned));
  for (const { name, extern, provider } of matches) {
    if (!provider) continue;
    const plain = unversioned(name);
    if (extern.kind === "interface") {
      const all = provider.suspending === "*" || joinedWhole.has(plain);
      for (const func of extern.interface.funcs.keys())
        if (all || own.has(`${plain}#${func}`)) suspending.add(`${name}#${func}`);
    } else if (extern.kind === "func" && own.has(name)) suspending.add(name);
  }
  return suspending;
};

const start = async (
  component: VerifiedComponent,
  world: World,
  linked: Linked,
  matches: readonly Match[],
  outer: InstanceContext,
  options: LinkOptions,
): Promise<Instance> => {
  const instance = new Instance(component, world, outer);
  try {
    const imports = await implementations(matches, instance.context, options);
    await instance.begin(() => linked.instantiate(imports, instance.meter, instance.began));
    return instance;
  } catch (error) {
    const explained = instance.explain(error, "instantiate", "its start");
    instance.drop();
    throw explained;
  }
};

const implementations = async (
  matches: readonly Match[],
  context: InstanceContext,
  options: LinkOptions,
): Promise<Record<string, unknown>> => {
  const imports: Record<string, unknown> = {};
  for (const match of matches) {
    const given = await implementation(match, context, matches, options.grantHint);
    if (given !== undefined) imports[match.name] = given;
  }
  join(imports, matches, madeFor(context).keys());
  return imports;
};

/** What an import is given: of whoever serves it, or what denies it. */
const implementation = async (
  { name, extern, provider, offered }: Match,
  context: InstanceContext,
  matches: readonly Match[],
  grantHint: GrantHint = () => undefined,
): Promise<unknown> => {
  if (provider && offered && isGranted(provider, offered, context)) {
    const given = (await instantiated(provider.of ?? provider, context, matches))[offered];
    if (extern.kind === "interface") requireFuncs(context, extern.interface, offered, given);
    return given;
  }
  if (extern.kind !== "interface") return undefined;
  const reason = provider ? "it was not granted" : "no provider offers it";
  return deniedInterface(extern.interface, reason, grantHint, (wanted) =>
    context.onDenied?.({
      wanted,
      grant: provider && { kind: "capability", value: unversioned(name) },
    }),
  );
};

/** By what an instance's providers have in common: what each of them made for it. */
const made = new WeakMap<object, Map<Provider, Implementations>>();

const madeFor = ({ shared = {} }: InstanceContext): Map<Provider, Implementations> => {
  const known = made.get(shared) ?? new Map<Provider, Implementations>();
  made.set(shared, known);
  return known;
};

const instantiated = async (
  provider: Provider,
  context: InstanceContext,
  matches: readonly Match[],
): Promise<Implementations> => {
  const mine = madeFor(context);
  const known = mine.get(provider);
  if (known) return known;
  const wanted = matches.flatMap(({ extern, offered, provider: by }) =>
    by && (by.of ?? by) === provider && offered && extern.kind === "interface"
      ? [{ offered, interface: extern.interface }]
      : [],
  );
  const implementations = await provider.instantiate(context, wanted);
  mine.set(provider, implementations);
  return implementations;
};

/** Who of these would serve an import, if nobody else did. */
export const serverOf = async (
  name: string,
  providers: readonly Provider[],
): Promise<Provider | undefined> => {
  const absences = await absencesFor([name], providers);
  const offering = providers.find(
    (provider) =>
      closedBy(provider, name) !== undefined ||
      (matchInterface(name, provider.interfaces) !== undefined && !absences.has(provider)),
  );
  return offering && closedBy(offering, name) === undefined ? offering : undefined;
};

/** An interface as it would be served to an instance if nobody stood before these; undefined where none serves it. */
export const servedBy = async (
  wanted: Interface,
  providers: readonly Provider[],
  context: InstanceContext,
  grantHint?: GrantHint,
): Promise<InterfaceImplementation | undefined> => {
  const { name } = wanted;
  const provider = await serverOf(name, providers);
  if (!provider) return undefined;
  const match: Match = {
    name,
    extern: { kind: "interface", interface: wanted },
    provider,
    offered: matchInterface(name, provider.interfaces),
  };
  return (await implementation(match, context, [match], grantHint)) as InterfaceImplementation;
};

/** Resources that are made by several: those of whoever serves the interface, and those of whoever joins in. */
const join = (
  imports: Record<string, unknown>,
  matches: readonly Match[],
  serving: Iterable<Provider>,
): void => {
  const joining = [...serving].flatMap((provider) => provider.joins ?? []);
  if (joining.length === 0) return;
  for (const { name, extern } of matches)
    if (extern.kind === "interface" && imports[name] && matchInterface(name, joining) !== undefined)
      imports[name] = joined(unversioned(name), extern.interface, imports[name] as InterfaceImplementation);
};

/** A compatible version may still lack a function that a newer import names; said before the guest starts. */
const requireFuncs = (context: InstanceContext, wanted: Interface, offered: string, given: unknown): void => {
  for (const { name, role } of wanted.funcs.values()) {
    const owner = role.role === "free" ? given : (given as Record<string, unknown>)[pascal(role.resource)];
    const place = role.role === "method" ? (owner as { prototype?: unknown } | undefined)?.prototype : owner;
    const member =
      role.role === "free" ? camel(name) : role.role === "constructor" ? undefined : camel(role.member);
    const there = member === undefined ? place : (place as Record<string, unknown> | undefined)?.[member];
    if (typeof there === "function") continue;
    throw fault(
      "LK0302",
      `${context.component.identifier} imports ${name} of ${wanted.name}, and what is offered is ${offered}, which has no such function`,
      {
        hint: `loop inspect ${context.component.identifier} --wit`,
      },
    );
  }
};

const isGranted = (provider: Provider, offered: string, context: Pick<InstanceContext, "grants">): boolean =>
  provider.defaultGranted === "*" ||
  (provider.functions?.includes(offered) ?? false) ||
  provider.defaultGranted.includes(unversioned(offered)) ||
  mayUse(context.grants, offered);

const isGrantedToEnd = (provider: Provider, offered: string, grants: Grants): boolean => {
  const { end = [] } = provider;
  const last = end.find(({ interfaces }) => matchInterface(offered, interfaces) !== undefined);
  return isGranted(provider, offered, { grants }) && (!last || isGranted(last, offered, { grants }));
};
