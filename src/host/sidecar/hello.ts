import { fault } from "../../base/fault.ts";
import { describeIn, differences } from "../../contract/compare.ts";
import type { Func, Interface, World } from "../../contract/model.ts";
import { matchInterface } from "../../contract/semver.ts";
import { WireError } from "../../contract/wrpc/encode.ts";
import { readSignature } from "../../contract/wrpc/signature.ts";
import { resourcesOf } from "./call.ts";
import { SidecarFailure } from "./conversation.ts";
import { type Hello, type OfferedContract, protocolVersion, resourcesSince } from "./wire.ts";

// What is agreed on before anything is asked: the protocol, and what one side asks for and the other offers.

/** What a sidecar is looked at for. */
export interface Agreement {
  readonly identifier: string;
  /** What it has to serve. */
  readonly contracts: readonly Interface[];
  /** What it may serve besides. */
  readonly extras: readonly Interface[];
}

export const helloOf = ({ contracts, extras }: Agreement): Hello => ({
  protocol: protocolVersion,
  contracts: [...contracts, ...extras].map(({ name, funcs }) => ({ name, functions: [...funcs.keys()] })),
});

/**
 * What it serves, by our names. Fault LK0402 where it does not serve what it has to, or was written for other types of the
 * same name.
 */
export const settle = ({ protocol, contracts: offers }: Hello, agreement: Agreement): Map<string, string> => {
  requireProtocol(protocol, agreement);
  const served = new Map<string, string>();
  for (const wanted of [...agreement.contracts, ...agreement.extras]) {
    const found = matchInterface(
      wanted.name,
      offers.map((one) => one.name),
    );
    const offer = offers.find((one) => one.name === found);
    const funcs = offer ? offered(offer, agreement) : new Map<string, Func | undefined>();
    const missing = [...wanted.funcs.keys()].filter((name) => !funcs.has(name));
    if (offer && missing.length === 0) {
      requireTypes(wanted, funcs, agreement);
      served.set(wanted.name, offer.name);
    } else if (agreement.contracts.includes(wanted)) throw lacking(wanted, offer, missing, offers, agreement);
  }
  return served;
};

const requireProtocol = (protocol: number, { identifier, contracts }: Agreement): void => {
  if (protocol < 1 || protocol > protocolVersion)
    throw new SidecarFailure(
      `speaks version ${protocol} of the protocol, and version 1 to ${protocolVersion} was looked for`,
    );
  const resource = contracts.flatMap(resourcesOf)[0];
  if (resource && protocol < resourcesSince)
    throw fault(
      "LK0402",
      `The sidecar ${identifier} speaks version ${protocol} of the protocol, which has no resources, and ${resource.owner} has ${resource.name}`,
      { hint: "let it say version 2 in its hello, and heed drop: knowledge/sidecars.md" },
    );
};

/** Its functions by name, with their types where it tells. */
const offered = (
  { name, functions }: OfferedContract,
  { identifier, contracts }: Agreement,
): Map<string, Func | undefined> => {
  const resources = contracts.flatMap(resourcesOf);
  const ownerOf = (resource: string) => resources.find((one) => one.name === resource)?.owner ?? name;
  try {
    return new Map(
      functions.map((text) => {
        const func = readSignature(text, ownerOf);
        return [func.name, "params" in func ? func : undefined];
      }),
    );
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw fault(
      "LK0402",
      `What the sidecar ${identifier} offers of ${name} cannot be read: ${error.message}`,
      {
        hint: "let it write functions as WIT does, types spelled out, or their names alone: knowledge/sidecars.md",
      },
    );
  }
};

/** Of functions that it tells nothing more of than their names nothing is known, and it is believed. */
const requireTypes = (
  wanted: Interface,
  offer: ReadonlyMap<string, Func | undefined>,
  { identifier }: Agreement,
): void => {
  const told = [...offer].flatMap(([name, func]) => (func ? [[name, func] as const] : []));
  const known = new Map([...wanted.funcs].filter(([name]) => offer.get(name)));
  const found = differences(
    worldOf({ ...wanted, types: new Map(), funcs: known }),
    worldOf({ name: wanted.name, types: new Map(), funcs: new Map(told) }),
  );
  if (found.length === 0) return;
  throw fault(
    "LK0402",
    `The sidecar ${identifier} was written for other types: ${found.slice(0, 3).map(describeIn("sidecar")).join("; ")}`,
    { hint: "write it anew for the contract as it is" },
  );
};

export const worldOf = (...interfaces: readonly Interface[]): World => ({
  name: undefined,
  imports: new Map(),
  exports: new Map(interfaces.map((one) => [one.name, { kind: "interface", interface: one } as const])),
});

const lacking = (
  { name }: Interface,
  offer: OfferedContract | undefined,
  missing: readonly string[],
  offers: readonly OfferedContract[],
  { identifier }: Agreement,
) =>
  fault(
    "LK0402",
    offer
      ? `The sidecar ${identifier} serves ${offer.name} without ${missing.join(", ")}`
      : `The sidecar ${identifier} does not serve ${name}; it serves: ${offers.map((one) => one.name).join(", ") || "nothing"}`,
    { hint: "let it offer the contract, with all functions, in its hello" },
  );
