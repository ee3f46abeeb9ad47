import { Fault } from "../base/fault.ts";
import { unversioned } from "../contract/model.ts";
import type { Provider } from "../host/provider.ts";
import type { Decision } from "../slots/precedence.ts";
import type { Slots } from "../slots/registry.ts";
import type { SourceName } from "../slots/source.ts";
import {
  coveredBy,
  hostIdentifier,
  hostsOnly,
  isCapabilitySlot,
  isEmptied,
  isPower,
  type LookInto,
  packageOf,
  type Server,
  serversOf,
} from "./servers.ts";

// Who serves a component's imports here, and who chose that: for showing it, in the words of the slots.

/** A server with the slot that it fills and who chose it. */
export interface ChosenServer extends Server {
  readonly slot: string;
  readonly source: SourceName;
  /** "--slot provider:wasi:io=…", "/home/a/loop.toml:4", "built-in". */
  readonly place: string;
}

export interface Serving {
  /** In the order in which they are tried. */
  readonly servers: readonly ChosenServer[];
  /** Interfaces, unversioned, that nobody shall serve, and who says so. */
  readonly closed: ReadonlyMap<string, string>;
  /** Why a slot cannot be used as it stands. */
  readonly trouble: string | undefined;
}

export interface ServingRequest {
  /** The slots that are heard; undefined where none is (--builtin). */
  readonly choosing: Slots | undefined;
  /** Those of the application, which serve imports that no provider offers. */
  readonly slots: () => Slots;
  readonly providers: readonly Provider[];
  readonly lookInto: LookInto;
}

/** Who serves these imports (versioned, all of one package) of a component that a person runs here. */
export const servingHere = async (names: readonly string[], request: ServingRequest): Promise<Serving> => {
  try {
    return await serving(names, request);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { servers: [], closed: new Map(), trouble: error.message };
  }
};

const serving = async (names: readonly string[], request: ServingRequest): Promise<Serving> => {
  const { choosing, providers } = request;
  const owner = packageOf(names[0] ?? "");
  const slotName = `provider:${owner}`;
  const [name = ""] = names;
  const free = providers.find(({ functions }) => functions?.includes(name));
  if (free) return answer([byDefault(slotName, offeringFunction(free, name))]);
  if (!choosing || isPower(owner) || !names.every((name) => name.includes("/")))
    return answer((await hostsOnly(slotName, providers, names)).map((server) => byDefault(slotName, server)));
  const found: ChosenServer[] = [];
  const closed = new Map<string, string>();
  const open = new Set(names);
  // What fills the slot of an interface stands before what fills that of its package, as in linking.
  for (const slot of [...names.map((name) => `provider:${unversioned(name)}`), slotName]) {
    const decision = choosing.explain(slot);
    if (slot !== slotName && decision.source === "built-in") continue;
    const own = [...open].filter(coveredBy(slot));
    if (own.length === 0) continue;
    for (const name of own) open.delete(name);
    if (isEmptied(decision))
      for (const name of own) closed.set(unversioned(name), `the slot ${slot} is empty`);
    found.push(...chosen(decision, await serversOf(decision, providers, own, request.lookInto)));
  }
  return { servers: [...found, ...ofApplication(names, found, request)], closed, trouble: undefined };
};

/** A function that a world imports by itself is in no slot: whoever offers it serves it. */
const offeringFunction = (provider: Provider, name: string): Server => ({
  identifier: hostIdentifier(provider),
  filling: undefined,
  provider,
  standing: "serves",
  interfaces: [name],
  absence: undefined,
});

const answer = (servers: readonly ChosenServer[]): Serving => ({
  servers,
  closed: new Map(),
  trouble: undefined,
});

/** Imports that no provider offers, served by the slots of the application whose contract they are. */
const ofApplication = (
  names: readonly string[],
  found: readonly ChosenServer[],
  { slots }: ServingRequest,
): ChosenServer[] =>
  names.flatMap((name) => {
    const plain = unversioned(name);
    if (name.startsWith("wasi:") || found.some(({ interfaces }) => interfaces.includes(plain))) return [];
    const slot = slots().serving(name);
    if (!slot) return [];
    const decision = slots().use(slot.name);
    const servers = decision.fillings.map(
      (filling): Server => ({
        identifier: filling.identifier,
        filling,
        provider: undefined,
        standing: "serves",
        interfaces: [plain],
        absence: undefined,
      }),
    );
    return chosen(decision, servers);
  });

/**
 * Who serves a capability's slot, for explaining it: whoever would serve all of its interfaces. Empty for the slot
 * of anything else. Faults: those of `serversOf`.
 */
export const servingSlot = async (
  decision: Decision,
  { providers, lookInto }: Pick<ServingRequest, "providers" | "lookInto">,
): Promise<readonly ChosenServer[]> => {
  const { slot, fillings } = decision;
  if (!isCapabilitySlot(slot.name) || decision.fault) return [];
  const components = fillings.filter(({ identifier }) => !identifier.startsWith("host:"));
  const exported = (await Promise.all(components.map(lookInto))).flat();
  const offered = [...providers.flatMap(({ interfaces }) => interfaces), ...exported];
  const wanted = new Set(offered.filter(coveredBy(slot.name)));
  const servers = await serversOf(decision, providers, [...wanted], lookInto);
  // Of one interface there may be several versions.
  return chosen(
    decision,
    servers.map((server) => ({ ...server, interfaces: [...new Set(server.interfaces)] })),
  );
};

const chosen = (decision: Decision, servers: readonly Server[]): ChosenServer[] =>
  servers.map((server) => {
    const { identifier } = server;
    const by = decision.opinions.find(
      ({ wins, fillings }) => wins && fillings.some((filling) => filling.identifier === identifier),
    );
    if (!by) return byDefault(decision.slot.name, server);
    return { ...server, slot: decision.slot.name, source: by.source, place: by.place };
  });

const byDefault = (slot: string, server: Server): ChosenServer => ({
  ...server,
  slot,
  source: "built-in",
  place: "built-in",
});
