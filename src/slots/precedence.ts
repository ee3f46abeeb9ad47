import { type Fault, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { type Config, checkConfig, type Filling, type SlotDeclaration } from "./declaration.ts";
import { type Choice, type Source, type SourceName, sourceNames } from "./source.ts";

/** One source in the order of precedence, whether or not it has something to say. */
export interface Opinion {
  readonly source: SourceName;
  readonly fillings: readonly Filling[];
  readonly place: string;
  readonly wins: boolean;
  /** Why it wins or not, in words. */
  readonly reason: string;
}

/** What fills a slot now, and why. */
export interface Decision {
  readonly slot: SlotDeclaration;
  readonly fillings: readonly Filling[];
  /** The highest source that has a part in `fillings`. */
  readonly source: SourceName;
  /** Declared defaults overlaid by every source, lowest first, key by key. */
  readonly config: Config;
  /** The highest source's; what a call into a filling may take. */
  readonly timeoutMs: number | undefined;
  /** The highest source's; what migrates state from one filling to the next. */
  readonly migrate: string | undefined;
  readonly opinions: readonly Opinion[];
  /** Why the slot must not be used as it stands: a source says what the declaration does not allow. */
  readonly fault: Fault | undefined;
}

interface Heard {
  readonly source: SourceName;
  readonly choice: Choice | undefined;
}

/**
 * Decides what fills a slot.
 * - `one`: the highest source that names fillings.
 * - `first`, `all`: choices (flag, environment, workspace, remembered) add up, in the order of precedence, each
 *   identifier once. Defaults (the fork's, else the built-in) stand only where nobody has chosen.
 * - `core`: choices are not heard; a fork may set another default.
 */
export const decide = (slot: SlotDeclaration, sources: readonly Source[]): Decision => {
  const heard = sourceNames.map((source) => ({ source, choice: choiceOf(slot, source, sources) }));
  const winners = winnersOf(slot, heard);
  const fillings = joined(winners);
  return {
    slot,
    fillings,
    source: winners[0]?.source ?? "built-in",
    config: Object.assign({}, ...heard.toReversed().map(({ choice }) => choice?.config)),
    timeoutMs: heard.find(({ choice }) => choice?.timeoutMs !== undefined)?.choice?.timeoutMs,
    migrate: heard.find(({ choice }) => choice?.migrate !== undefined)?.choice?.migrate,
    opinions: heard.map((one) => opinion(slot, one, winners)),
    fault: objection(slot, heard, fillings, winners),
  };
};

const isDefault = (source: SourceName): boolean => source === "fork" || source === "built-in";

const choiceOf = (
  slot: SlotDeclaration,
  name: SourceName,
  sources: readonly Source[],
): Choice | undefined => {
  if (name !== "built-in") return sources.find((source) => source.name === name)?.choice(slot);
  return {
    ...(slot.policy !== "plugin" && { fillings: slot.defaults }),
    ...(slot.config && { config: slot.config }),
    ...(slot.timeoutMs !== undefined && { timeoutMs: slot.timeoutMs }),
    ...(slot.migrate !== undefined && { migrate: slot.migrate }),
    place: slot.place,
  };
};

const winnersOf = ({ policy, combination }: SlotDeclaration, heard: readonly Heard[]): readonly Heard[] => {
  const speaking = heard.filter(
    ({ source, choice }) => choice?.fillings !== undefined && (policy !== "core" || isDefault(source)),
  );
  const choosing = speaking.filter(({ source }) => !isDefault(source));
  return combination === "one" || choosing.length === 0 ? speaking.slice(0, 1) : choosing;
};

const joined = (winners: readonly Heard[]): readonly Filling[] => {
  const fillings = new Map<string, Filling>();
  for (const filling of winners.flatMap(({ choice }) => choice?.fillings ?? []))
    if (!fillings.has(filling.identifier)) fillings.set(filling.identifier, filling);
  return [...fillings.values()];
};

const opinion = (slot: SlotDeclaration, one: Heard, winners: readonly Heard[]): Opinion => ({
  source: one.source,
  fillings: one.choice?.fillings ?? [],
  place: one.choice?.place ?? "",
  wins: winners.includes(one),
  reason: reason(slot, one, winners),
});

const reason = ({ policy, combination }: SlotDeclaration, one: Heard, winners: readonly Heard[]): string => {
  const { source, choice } = one;
  if (source === "built-in" && policy === "plugin") return "A plugin's slot has no default";
  if (choice === undefined) return "Says nothing";
  if (choice.fillings === undefined) return "Configures, and names no filling";
  if (policy === "core" && !isDefault(source)) return "Not heard: the slot is pinned to its default (core)";
  if (winners.includes(one)) {
    if (isDefault(source)) return "Nobody has chosen";
    if (choice.fillings.length === 0 && winners.length === 1) return "Says that nobody fills the slot";
    return combination === "one"
      ? "Highest source that names a filling"
      : `Adds its part: the slot combines ${combination}`;
  }
  const higher = winners[0]!.source;
  if (isDefault(source) && combination !== "one") return `A default, and ${higher} has chosen`;
  return `Overruled by ${higher}`;
};

const objection = (
  slot: SlotDeclaration,
  heard: readonly Heard[],
  fillings: readonly Filling[],
  winners: readonly Heard[],
): Fault | undefined => {
  const { name, policy, combination } = slot;
  // What was remembered when the slot was not yet pinned must not break loop; what is written here and now must.
  const defying = heard.find(
    ({ source, choice }) =>
      choice?.fillings && policy === "core" && !isDefault(source) && source !== "remembered",
  );
  if (defying) return pinned(slot, defying.choice!.place);
  const place = winners[0]?.choice?.place ?? slot.place;
  if (combination === "one" && fillings.length > 1)
    return fault("LK0411", `${place}: ${fillings.length} fillings are named for ${name}, which takes one`, {
      hint: `loop slot explain ${name}`,
    });
  if (fillings.length > limits.fillingsMax)
    return fault(
      "LK0411",
      `${place}: ${fillings.length} fillings for ${name}; the limit is ${limits.fillingsMax}`,
    );
  try {
    for (const { choice } of heard) if (choice?.config) checkConfig(slot, choice.config, choice.place);
  } catch (error) {
    return error as Fault;
  }
  return undefined;
};

/** The fault for choosing a filling of a core slot. */
export const pinned = ({ name, defaults }: SlotDeclaration, place?: string): Fault =>
  fault(
    "LK0403",
    `${place ? `${place}: ` : ""}The slot ${name} is pinned to ${defaults.map(({ identifier }) => identifier).join(", ")} and cannot be filled otherwise`,
    { hint: `loop slot show ${name}` },
  );
