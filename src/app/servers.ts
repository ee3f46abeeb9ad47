import { fault } from "../base/fault.ts";
import { unversioned } from "../contract/model.ts";
import { matchInterface } from "../contract/semver.ts";
import { absenceOf } from "../host/availability.ts";
import type { Absence, Provider } from "../host/provider.ts";
import type { Filling } from "../slots/declaration.ts";
import type { Decision } from "../slots/precedence.ts";

// Who serves a capability here, in order, and who does not and why: the one answer that linking acts on and that
// `loop slot explain` and `loop inspect` show.

const family = "provider:";

/** "wasi:io/poll@0.2.12" → "wasi:io". */
export const packageOf = (interfaceName: string): string => unversioned(interfaceName).replace(/\/.*$/, "");

/** What the host's own providers are called as fillings; no component of this name exists. */
export const hostIdentifier = ({ name }: Provider): string => `host:${name}`;

export const isCapabilitySlot = (name: string): boolean => name.startsWith(family);

/** What loop's own commands are made of: replaced through `command:` slots, and no capability of other programs. */
export const isPower = (name: string): boolean =>
  ["loop:cli", "loop:pkg", "loop:build", "loop:run", "loop:slots", "loop:trust", "loop:control"].includes(
    name,
  );

/** Whether an interface is the slot's, or one of its package. */
export const coveredBy = (slotName: string) => {
  const covered = slotName.slice(family.length);
  return (name: string): boolean =>
    covered.includes("/") ? unversioned(name) === covered : packageOf(name) === covered;
};

/**
 * - `serves`: it answers calls;
 * - `before`: a component that calls pass through first; what it does not export, or passes on, goes to the next;
 * - `absent`: it cannot serve on this machine;
 * - `unreached`: somebody in front of it serves everything.
 */
export type ServerStanding = "serves" | "before" | "absent" | "unreached";

export interface Server {
  /** "host:wasi", "/home/a/memfs.wasm". */
  readonly identifier: string;
  /** Of a component. */
  readonly filling: Filling | undefined;
  /** Of the host's own. */
  readonly provider: Provider | undefined;
  readonly standing: ServerStanding;
  /** Those of the wanted that it serves, unversioned; of a component, where somebody looked into it. */
  readonly interfaces: readonly string[];
  readonly absence: Absence | undefined;
}

/** The interfaces that a component exports, versioned; for showing alone, since linking reads them anyway. */
export type LookInto = (filling: Filling) => Promise<readonly string[]>;

/**
 * Who serves the interfaces `wanted` (versioned, all of the slot's), in order. Where no provider of the host's is
 * named they stand behind the components, in the order of the app's table. Faults: LK0402 a provider of the host's
 * that does not serve this, and the decision's own.
 */
export const serversOf = async (
  decision: Decision,
  providers: readonly Provider[],
  wanted: readonly string[],
  lookInto: LookInto = async () => [],
): Promise<Server[]> => {
  const { slot, fillings, fault: objection } = decision;
  if (objection) throw objection;
  if (fillings.length === 0) return isEmptied(decision) ? [] : hostsOnly(slot.name, providers, wanted);
  const hosts = hostsOf(slot.name, providers);
  const named = fillings.some(({ identifier }) => identifier.startsWith("host:"));
  const order: (Filling | Provider)[] = fillings.map(
    (filling) => hostOf(slot.name, filling, hosts) ?? filling,
  );
  return inOrder(named ? order : [...order, ...hosts], wanted, lookInto);
};

/** Whether somebody chose that nobody shall fill the slot. */
export const isEmptied = ({ fillings, source }: Decision): boolean =>
  fillings.length === 0 && source !== "fork" && source !== "built-in";

const hostsOf = (slotName: string, providers: readonly Provider[]): readonly Provider[] =>
  providers.filter((provider) => provider.interfaces.some(coveredBy(slotName)));

/** Those that serve on this platform, in the order in which they are tried; all where none does. */
export const herePreferred = (hosts: readonly Provider[]): readonly Provider[] => {
  const here = hosts.filter(({ platforms }) => !platforms || platforms.includes(process.platform));
  return here.length > 0 ? here : hosts;
};

/** What fills a slot, the host's own by name where nobody has chosen for a capability. */
export const filledBy = (decision: Decision, providers: readonly Provider[]): readonly Filling[] => {
  const { slot, fillings } = decision;
  if (!isCapabilitySlot(slot.name) || fillings.length > 0 || isEmptied(decision)) return fillings;
  return herePreferred(hostsOf(slot.name, providers)).map((host) => ({
    identifier: hostIdentifier(host),
    grants: [],
  }));
};

/** As `serversOf` where no slot is heard. */
export const hostsOnly = (slotName: string, providers: readonly Provider[], wanted: readonly string[]) =>
  inOrder(hostsOf(slotName, providers), wanted, async () => []);

const hostOf = (
  slotName: string,
  { identifier }: Filling,
  hosts: readonly Provider[],
): Provider | undefined => {
  if (!identifier.startsWith("host:")) return undefined;
  const found = hosts.find((provider) => hostIdentifier(provider) === identifier);
  if (found) return found;
  throw fault(
    "LK0402",
    `${identifier} does not serve ${slotName.slice(family.length)}; ${hosts.map(hostIdentifier).join(", ") || "nothing of the host's"} does`,
    { hint: `loop slot explain ${slotName}` },
  ).within({ slot: slotName, component: identifier, phase: "fill", message: "Filling the slot" });
};

const inOrder = async (
  order: readonly (Filling | Provider)[],
  wanted: readonly string[],
  lookInto: LookInto,
): Promise<Server[]> => {
  const open = new Set(wanted);
  const found: Server[] = [];
  for (const one of order) {
    const standing = open.size === 0 ? "unreached" : "before";
    if ("identifier" in one) {
      const exported = standing === "before" ? await lookInto(one) : [];
      found.push({
        identifier: one.identifier,
        filling: one,
        provider: undefined,
        standing,
        interfaces: wanted.filter((name) => matchInterface(name, exported) !== undefined).map(unversioned),
        absence: undefined,
      });
      continue;
    }
    const served = [...open].filter((name) => matchInterface(name, one.interfaces) !== undefined);
    const offers = wanted.some((name) => matchInterface(name, one.interfaces) !== undefined);
    // Whoever is asked for nothing is not probed: it may be slow.
    const absence = served.length > 0 ? await absenceOf(one) : undefined;
    if (!offers) continue;
    if (!absence) for (const name of served) open.delete(name);
    found.push({
      identifier: hostIdentifier(one),
      filling: undefined,
      provider: one,
      standing: absence ? "absent" : served.length > 0 ? "serves" : "unreached",
      interfaces: absence ? [] : served.map(unversioned),
      absence,
    });
  }
  return found;
};
