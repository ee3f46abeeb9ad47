import { statSync } from "node:fs";
import { Fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { type Arranged, applicationPlace, type Places, type SwapEvent } from "../host/places.ts";
import type { Provider } from "../host/provider.ts";
import type { Filling } from "../slots/declaration.ts";
import type { Slots } from "../slots/registry.ts";
import { filledBy } from "./servers.ts";

// A running program follows what is chosen for its slots elsewhere, as with `loop slot set` in another terminal.

export interface Following {
  readonly places: Places;
  /** The host's own, which serve where nothing is chosen for a capability. */
  readonly providers: readonly Provider[];
  /** The file in which choices are remembered. */
  readonly path: string;
  /** The slots as they were read when what stands there came to stand there. */
  readonly slots: Slots;
  /** The slots as they are now, read anew. */
  readonly reopen: () => Slots;
  readonly say: (text: string) => void;
  readonly explain: (error: unknown) => string;
  /** Somebody else tells of swaps. */
  readonly told?: boolean;
  /** Something else may have been decided: what could not come may come now. */
  readonly onWritten?: () => void;
}

export interface Followed {
  /**
   * Looks at once, for who has just chosen; resolves when what was chosen is taken over, or cannot be. `elsewhere` is a
   * choice that is not in the file.
   */
  now(elsewhere?: "elsewhere"): Promise<void>;
  end(): void;
}

/**
 * Looks at the file now and then, and swaps what stands in a slot that was chosen anew. It keeps nobody waiting, and
 * no process alive.
 */
export const follow = (following: Following): Followed => {
  const { places, path, say, explain, onWritten } = following;
  const unlisten = following.told ? () => {} : places.listen((event) => say(eventText(event, explain)));
  let seen = stateOf(path);
  let known = following.slots;
  // What somebody put somewhere by hand stays until something else is chosen there than was then.
  const byHand = new Map<string, string>();
  const unhand = places.listen((event) => {
    if ("swapped" in event && !arranging.has(event.swapped.place))
      byHand.set(event.swapped.place, textOf(chosenIn(known, event.swapped.place)));
  });
  const arranging = new Set<string>();
  let looking: Promise<void> | undefined;
  let told: string | undefined;
  // What is chosen elsewhere is looked at again as well where it could not be read.
  let isDue = false;
  // What is chosen while a swap goes on is compared with what stands there after it.
  const look = (): Promise<void> => {
    looking ??= once().finally(() => {
      looking = undefined;
    });
    return looking;
  };
  const once = async () => {
    const now = stateOf(path);
    const isWritten = now !== seen;
    if (!isWritten && !isDue) return;
    try {
      known = await fillAnew(following, known, { byHand, arranging });
      seen = now;
      isDue = false;
      told = undefined;
      if (isWritten) onWritten?.();
    } catch (error) {
      // Whoever writes may be in the middle of it: what cannot be read is read again, and told once.
      const text = `loop: ${explain(error)}`;
      if (text !== told) say(text);
      told = text;
    }
  };
  const timer = setInterval(() => void look(), limits.slotsFollowMs);
  timer.unref();
  return {
    now: async (elsewhere) => {
      await looking;
      isDue ||= elsewhere !== undefined;
      await look();
    },
    end: () => {
      clearInterval(timer);
      unlisten();
      unhand();
    },
  };
};

/** Changes whenever somebody writes; a write-ahead log takes what is new before the file itself does. */
const stateOf = (path: string): string =>
  [path, `${path}-wal`]
    .map((file) => statSync(file, { throwIfNoEntry: false }))
    .map((stats) => (stats ? `${stats.mtimeMs}:${stats.size}:${stats.ino}` : "none"))
    .join();

interface Hands {
  /** By slots in which somebody put something: what was chosen then. */
  readonly byHand: Map<string, string>;
  /** Slots that are filled as is chosen at the moment. */
  readonly arranging: Set<string>;
}

const fillAnew = async (
  { places, reopen, providers }: Following,
  known: Slots,
  { byHand, arranging }: Hands,
): Promise<Slots> => {
  const slots = reopen();
  const faults: unknown[] = [];
  for (const name of places.names) {
    // The application is named by whoever runs it, and by no slot.
    if (name === applicationPlace) continue;
    const decision = slots.explain(name);
    const { fault: broken } = decision;
    if (broken) {
      faults.push(broken);
      continue;
    }
    const before = chosenIn(known, name);
    if (byHand.get(name) === textOf(decision.fillings)) continue;
    byHand.delete(name);
    const isIn = ({ identifier, digest }: Filling) =>
      before.some((one) => one.identifier === identifier && one.digest === digest);
    const wishes = filledBy(decision, providers).map((filling) => ({ ...filling, anew: !isIn(filling) }));
    arranging.add(name);
    // What went wrong was told to the listener; it is tried again when something else is decided.
    await places.arrange(name, wishes).catch(() => {});
    arranging.delete(name);
  }
  if (faults.length > 0) throw faults[0];
  return slots;
};

/** What was chosen before; nothing of a slot that was not declared then, or not in a loop.toml that could be read. */
const chosenIn = (known: Slots, name: string): readonly Filling[] => {
  try {
    return known.explain(name).fillings;
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
};

const textOf = (fillings: readonly Filling[]): string => JSON.stringify(fillings);

const eventText = (event: SwapEvent, explain: (error: unknown) => string): string => {
  if ("failed" in event) {
    const text = event.failed instanceof Fault ? explain(event.failed) : `${event.failed}`;
    return `loop: ${event.place} was not swapped\n${text}`;
  }
  if ("arranged" in event) return arrangedText(event.arranged);
  const { place, generation, state, parts } = event.swapped;
  const ms = parts.reduce((sum, part) => sum + part.ms, 0).toFixed(1);
  const told = state === "none" ? "" : `, its state ${state === "migrated" ? "migrated" : "handed over"}`;
  return `loop: ${place} is filled by ${event.identifier} now (${ms} ms, generation ${generation}${told})\n`;
};

const arrangedText = ({ place, fillings, added, removed, ms }: Arranged): string => {
  const changes = [
    ...added.map((identifier) => `added ${identifier}`),
    ...removed.map((identifier) => `removed ${identifier}`),
  ];
  const what = changes.length > 0 ? changes.join(", ") : "in another order";
  return `loop: ${place} is filled by ${fillings.join(", ") || "nothing"} now (${ms.toFixed(1)} ms, ${what})\n`;
};
