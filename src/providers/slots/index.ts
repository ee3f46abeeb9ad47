// loop:slots: shows and fills slots for whoever was granted that, says what becomes of those of the running program,
// and hands a filling its configuration. Owns the WIT form of
// slots; refuses to decide anything (src/slots does); listed in the app's table.
import { limits } from "../../base/limits.ts";
import { answering } from "../../host/crossing.ts";
import type { Places, SwapEvent } from "../../host/places.ts";
import type { Absence, InstanceContext, Provider } from "../../host/provider.ts";
import type { Config } from "../../slots/declaration.ts";
import type { Past } from "../../slots/memory.ts";
import type { Decision } from "../../slots/precedence.ts";
import type { Slots } from "../../slots/registry.ts";

/** What the composition root gives. */
export interface SlotsServices {
  /** The slots of the current folder, opened when first asked for. Its faults are the command's. */
  readonly slots: () => Slots;
  /** Absolute; relative paths are relative to it. */
  readonly folder: string;
  /** Where fillings stand in this process. */
  readonly places: Places;
  /** Resolves when what was just chosen has been taken over here, or could not be. */
  readonly taken: () => Promise<unknown>;
  /** Capabilities that the fillings say they need and were not granted. */
  readonly wanted: (decision: Decision) => readonly string[];
  /** Of the slot of a capability, who serves it, in order, each with the source that chose it. */
  readonly servers: (decision: Decision) => Promise<readonly SlotServer[]>;
}

/** Who serves a capability, or cannot. */
export interface SlotServer {
  readonly identifier: string;
  readonly standing: string;
  readonly interfaces: readonly string[];
  readonly absence: Absence | undefined;
  readonly source: string;
}

export const slotsProvider = (services: SlotsServices): Provider => {
  const slots = () => services.slots();
  const record = (decision: Decision) => slotRecord(decision, services.wanted(decision));
  const chosen = async (decision: Decision) => {
    await services.taken();
    return record(decision);
  };
  return {
    name: "slots",
    interfaces: ["loop:slots/slots@0.1.0", "loop:slots/changes@0.1.0"],
    suspending: ["list", "strays", "show", "explain", "set", "reset", "history", "rollback"].map(
      (name) => `loop:slots/slots#${name}`,
    ),
    defaultGranted: [],
    instantiate: (context) => ({
      "loop:slots/changes@0.1.0": changesFor(context, services.places),
      "loop:slots/slots@0.1.0": {
        list: answering(() => slots().list().map(record)),
        strays: answering(() => slots().strays()),
        show: answering((name: string) => record(slots().explain(name))),
        explain: answering(async (name: string) => {
          const decision = slots().explain(name);
          const servers = await services.servers(decision);
          return decision.opinions.map((opinion) => opinionRecord(opinion, servers));
        }),
        set: answering(async (name: string, fillings: readonly string[], grants: readonly string[]) =>
          chosen(await slots().set(name, fillings, { grants, cwd: services.folder })),
        ),
        reset: answering((name: string) => chosen(slots().reset(name))),
        history: answering((name: string) => slots().history(name).map(pastRecord)),
        rollback: answering((name: string) => chosen(slots().rollBack(name))),
      },
    }),
  };
};

/** `loop:slots/changes` for one instance: what it has not taken yet. */
const changesFor = ({ onDrop }: InstanceContext, places: Places) => {
  let waiting: Change[] = [];
  onDrop(
    places.listen((event) => {
      const change = changeOf(event, places);
      // A change of several at once is told of each.
      if (!Bun.deepEquals(change, waiting.at(-1))) waiting.push(change);
      if (waiting.length > limits.slotChangesMax) waiting.shift();
    }),
  );
  return {
    recent: (): Change[] => {
      const taken = waiting;
      waiting = [];
      return taken;
    },
  };
};

/** `loop:slots/changes#change`. */
interface Change {
  readonly slot: string;
  readonly fillings: string[];
  readonly failed: string | undefined;
}

const changeOf = (event: SwapEvent, places: Places): Change => {
  const slot = "failed" in event ? event.place : ("arranged" in event ? event.arranged : event.swapped).place;
  const failed = "failed" in event ? `${(event.failed as Error)?.message ?? event.failed}` : undefined;
  return { slot, fillings: [...new Set(places.at(slot).map(({ identifier }) => identifier))], failed };
};

const slotRecord = ({ slot, fillings, source, config, fault }: Decision, wanted: readonly string[]) => ({
  name: slot.name,
  summary: slot.summary,
  contract: slot.contract,
  policy: slot.policy,
  combination: slot.combination,
  trust: slot.trust,
  fillings: fillings.map(({ identifier }) => identifier),
  source,
  config: configPairs(config),
  grants: [...new Set(fillings.flatMap(({ grants }) => grants))],
  wanted: [...wanted],
  trouble: fault?.message,
});

const opinionRecord = (
  { source, fillings, place, wins, reason }: Decision["opinions"][number],
  servers: readonly SlotServer[],
) => ({
  source,
  fillings: fillings.map(({ identifier }) => identifier),
  place,
  wins,
  reason,
  servers: servers
    .filter((server) => server.source === source)
    .map(({ identifier, standing, interfaces, absence }) => ({
      identifier,
      standing,
      interfaces: [...interfaces],
      because: absence?.because,
    })),
});

const pastRecord = ({ atMs, fillings }: Past) => ({
  at: BigInt(atMs),
  fillings: fillings?.map(({ identifier }) => identifier),
});

const configPairs = (config: Config): [string, string][] =>
  Object.entries(config).map(([key, value]) => [key, JSON.stringify(value)]);

/** `loop:slots/config` for one filling: its slot's configuration, and nothing of anyone else's. */
export const configProvider = (config: Config): Provider => ({
  name: "slots",
  interfaces: ["loop:slots/config@0.1.0"],
  suspending: [],
  defaultGranted: "*",
  instantiate: () => ({
    "loop:slots/config@0.1.0": {
      get: (key: string) => (Object.hasOwn(config, key) ? JSON.stringify(config[key]) : undefined),
      all: () => configPairs(config),
    },
  }),
});
