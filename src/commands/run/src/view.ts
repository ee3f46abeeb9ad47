// The foot of a terminal under `loop dev`: what it says, and how it is painted. Pure, so that it is tested without one.

/** Of `loop:devserver/session#event`, what the foot follows. */
export type Seen =
  | { tag: "watching"; val: { members: string[]; by: string; application?: string | undefined } }
  | { tag: "building"; val: { name: string } }
  | { tag: "built"; val: { name: string; ms: number } }
  | { tag: "failed"; val: { name: string; report: string; ended: boolean } }
  | { tag: "mended"; val: string }
  | { tag: "started"; val: { name: string; digest: string; time: string } }
  | { tag: "ended"; val: { name: string; exitCode: number; time: string } }
  | { tag: "swapped"; val: Swapped }
  | { tag: "not-swapped"; val: NotSwapped }
  | { tag: "settled"; val: { place: string; identifier?: string | undefined } }
  | { tag: "arranged"; val: { place: string; added: string[]; removed: string[]; ms: number; time: string } }
  | { tag: "log" | "typing" | "resized" | "commands" };

interface NotSwapped {
  place: string;
  identifier?: string | undefined;
  report: string;
  awaited: boolean;
}

interface Swapped {
  place: string;
  identifier: string;
  digest: string;
  generation: number;
  state: string;
  parts: { phase: string; ms: number }[];
  sinceChangeMs: number;
  time: string;
}

export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  readonly styled: boolean;
}

/** What there is to be seen, as events leave it. */
export interface State {
  watching: string;
  /** "app 0f3a… since 14:05:06", or that it ended. */
  runs: string;
  /** What stands in the places that were swapped since. */
  readonly swapped: Map<string, string>;
  /** Members that are being built. */
  building: string[];
  /** The last build, or the last swap with its time and parts. */
  swap: string;
  /** What failed and is not mended: reports by member, or by place. */
  readonly failing: Map<string, readonly string[]>;
}

/** A workspace that is no component itself is built, and that is all. */
export const nothingToRun =
  "nothing, since no member is the application; loop dev FOLDER runs the one in a folder";

export const nothing = (): State => ({
  watching: "",
  runs: "nothing runs yet",
  swapped: new Map(),
  building: [],
  swap: "",
  failing: new Map(),
});

/** Takes in what happened. */
export const follow = (state: State, event: Seen): void => {
  switch (event.tag) {
    case "watching": {
      const { members, by, application } = event.val;
      for (const key of state.failing.keys())
        if (key.startsWith("of ") && key !== "of " && !members.includes(key.slice(3)))
          state.failing.delete(key);
      state.watching = members.join(", ") + (by === "polling" ? ", twice a second" : "");
      if (application === undefined) state.runs = nothingToRun;
      return;
    }
    case "building":
      state.building = [...state.building, event.val.name];
      return;
    case "built":
      state.building = state.building.filter((name) => name !== event.val.name);
      // What is swapped says more; what begins anew is not swapped.
      state.swap = `${event.val.name} built in ${event.val.ms} ms`;
      return;
    case "failed": {
      const { name, report, ended } = event.val;
      if (ended) {
        forgetPlaces(state);
        state.runs = `${name} failed; waiting for a change`;
      } else state.building = state.building.filter((other) => other !== name);
      const key = ended ? ofRun : `of ${name}`;
      state.failing.set(key, [failedText(event.val), ...reported(report)]);
      return;
    }
    case "mended":
      state.failing.delete(`of ${event.val}`);
      return;
    case "started":
      forgetPlaces(state);
      state.failing.delete(ofRun);
      state.runs = `${event.val.name} ${short(event.val.digest)} since ${clock(event.val.time)}`;
      return;
    case "ended": {
      const { name, exitCode, time } = event.val;
      forgetPlaces(state);
      state.runs = `${name} ended with ${exitCode} at ${clock(time)}; waiting for a change`;
      return;
    }
    case "swapped": {
      const { place, identifier, digest, sinceChangeMs, time } = event.val;
      state.failing.delete(`at ${place} ${identifier}`);
      state.swapped.set(place, short(digest));
      state.swap = `${place} at ${clock(time)} in ${sinceChangeMs.toFixed(0)} ms: ${partsText(event.val)}`;
      return;
    }
    case "not-swapped": {
      const { place, identifier, report, awaited } = event.val;
      // What nobody mends would stand there for ever.
      if (!awaited) return;
      const title = `${place} was not swapped; what runs goes on`;
      state.failing.set(`at ${place} ${identifier}`, [title, ...reported(report)]);
      return;
    }
    case "settled":
      state.failing.delete(`at ${event.val.place} ${event.val.identifier}`);
      return;
    case "arranged": {
      const { place, ms, time } = event.val;
      state.swap = `${place} at ${clock(time)} in ${ms.toFixed(0)} ms: ${arrangedText(event.val)}`;
      return;
    }
  }
};

/** Under which the report stands of why what ran has ended. */
const ofRun = "run";

export const failedText = ({ name, ended }: { name: string; ended: boolean }): string =>
  ended ? `${name} failed and has ended` : `${name || "the workspace"} failed; what runs goes on`;

/** What stood in places, and was to come there, was of a run that is over. */
const forgetPlaces = (state: State): void => {
  state.swapped.clear();
  for (const key of state.failing.keys()) if (key.startsWith("at ")) state.failing.delete(key);
};

/** "added a, removed b": what came and went. */
export const arrangedText = ({ added, removed }: { added: string[]; removed: string[] }): string =>
  [
    ...added.map((identifier) => `added ${identifier}`),
    ...removed.map((identifier) => `removed ${identifier}`),
  ].join(", ") || "in another order";

/** "link 3.2, restore 1.0 ms", the parts that took time. */
export const partsText = ({ parts, state }: Pick<Swapped, "parts" | "state">): string => {
  const times = parts.filter(({ ms }) => ms >= 0.1).map(({ phase, ms }) => `${phase} ${ms.toFixed(1)}`);
  return [...times, ...(state === "none" ? [] : [`state ${state}`])].join(", ");
};

/** sha256:… in the length in which people compare it. */
export const short = (digest: string): string => digest.slice("sha256:".length, "sha256:".length + 12);

const clock = (time: string): string => time.slice(11, 19);

/** Lines of a report without what it was styled with: it is cut to the terminal, and styles have no width. */
const reported = (report: string): string[] =>
  report
    // biome-ignore lint/suspicious/noControlCharactersInRegex: styles are
    .replace(/\x1b\[[0-9;]*m/g, "")
    .trimEnd()
    .split("\n");

/** Rows that are left to what scrolls, whatever fails. */
const rowsAbove = 4;

/** The lines at the foot, each narrower than the terminal: what fails, a rule, and what is. */
export const foot = (state: State, { columns, rows, styled }: Terminal): string[] => {
  const style = (on: string, text: string) => (styled ? `\x1b[${on}m${text}\x1b[0m` : text);
  // What a terminal shows of Ctrl-C has to fit behind the last line.
  const width = Math.max(1, columns - 3);
  const heading = `── loop dev${state.watching && `: ${state.watching} `}`;
  const swapped = [...state.swapped].map(([place, digest]) => `${place} ${digest}`);
  const below = [
    style("2", fit(heading.padEnd(width, "─"), width)),
    fit(`runs  ${[state.runs, ...swapped].join(", ")}`, width),
    ...(state.building.length > 0
      ? [style("33", fit(`build ${state.building.join(", ")} …`, width))]
      : state.swap !== ""
        ? [style("2", fit(`last  ${state.swap}`, width))]
        : []),
  ];
  const failing = [...state.failing.values()].flatMap(([title = "", ...report]) => [
    title,
    ...report.flatMap((line) => wrap(line, width)),
  ]);
  const room = Math.max(0, rows - below.length - rowsAbove);
  const shown = failing.length > room ? failing.slice(0, Math.max(0, room - 1)) : failing;
  const more = failing.length - shown.length;
  const titles = new Set([...state.failing.values()].map(([title]) => title));
  const block = [
    ...shown.map((line) => (titles.has(line) ? style("1;31", fit(line, width)) : fit(line, width))),
    ...(more > 0 && room > 0 ? [style("31", fit(`… ${more} lines more`, width))] : []),
  ];
  return [...block, ...below].slice(-Math.max(1, rows - 1));
};

/** Lines that one of a report may become on a narrow terminal. */
const wrappedMax = 6;
/** Narrower than this nothing is gained by it. */
const wrapWidthMin = 20;

/** A sentence in as many lines as it needs, broken between words. What is indented is code, whose columns count. */
const wrap = (line: string, width: number): string[] => {
  if (width < wrapWidthMin || /^\s/.test(line) || widthOf(line) <= width) return [line];
  const lines: string[] = [];
  for (const word of line.split(" ")) {
    const last = lines.at(-1);
    const isFull = last === undefined || widthOf(last) + 1 + widthOf(word) > width;
    if (isFull && lines.length < wrappedMax) lines.push(last === undefined ? word : `  ${word}`);
    else lines[lines.length - 1] += ` ${word}`;
  }
  return lines;
};

/** Cells that a character takes, or more: what is thought too wide is only cut too early. */
const cells = (character: string): number =>
  character.codePointAt(0)! < 0x1100 || /[─…“”‘’–—•·]/.test(character) ? 1 : 2;

/** The text in at most so many cells. */
export const fit = (text: string, width: number): string => {
  let taken = 0;
  let out = "";
  for (const character of text) {
    taken += cells(character);
    if (taken > width) return `${[...out].slice(0, -1).join("")}…`;
    out += character;
  }
  return out;
};

const widthOf = (line: string): number =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: styles have no width
  [...line.replace(/\x1b\[[0-9;]*m/g, "")].reduce((sum, character) => sum + cells(character), 0);

/**
 * What makes lines appear above the foot and the foot anew: takes the old one away, of which a terminal that became
 * narrower has broken lines in two. The cursor stays at the end of the last line.
 */
export const repaint = (
  before: readonly string[],
  above: string,
  after: readonly string[],
  { columns, rows }: Pick<Terminal, "columns" | "rows">,
): string => {
  const taken = before.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns)), 0);
  const up = Math.min(taken, Math.max(1, rows)) - 1;
  return `\r${up > 0 ? `\x1b[${up}A` : ""}\x1b[J${above}${after.join("\n")}`;
};
