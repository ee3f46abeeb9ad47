// loop slot list, show, explain, set, reset and rollback. Owns how slots read; refuses to decide what fills them, which
// the host does; called through the slots command:slot.*.
import { note, write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import {
  explain,
  history,
  list,
  type Opinion,
  type Past,
  reset,
  rollback,
  type Server,
  type Slot,
  type Stray,
  set,
  show,
  strays,
} from "loop:slots/slots@0.1.0";
import { values } from "../../arguments.ts";
import { bold, json, table } from "../../text.ts";

type Given = (name: string) => string[];

const run = (invocation: Invocation): number => {
  const given = values(invocation);
  const [document, text] = answer(invocation.command, given);
  write(invocation.json ? json(document) : text());
  return 0;
};

/** What a subcommand found: the JSON document, and how a person reads it. */
const answer = (command: string, given: Given): readonly [unknown, () => string] => {
  const name = given("name")[0] ?? "";
  if (command === "slot list") {
    const slots = list();
    for (const stray of strays()) note(unknown(stray));
    return [slots.map(asDocument), () => listing(slots)];
  }
  if (command === "slot explain") {
    const opinions = explain(name);
    return [opinions, () => reasons(name, opinions)];
  }
  const slot =
    command === "slot set"
      ? set(name, given("identifier"), granted(given))
      : command === "slot reset"
        ? reset(name)
        : command === "slot rollback"
          ? rollback(name)
          : show(name);
  if (command !== "slot show") return [asDocument(slot), () => changed(command, slot)];
  const before = history(name);
  return [{ ...asDocument(slot), history: before }, () => page(slot, before)];
};

/** What the flags grant, each as one text. */
const granted = (given: Given): string[] => [
  ...given("grant"),
  ...["dir", "env", "allow-net", "allow-env", "allow-run"].flatMap((flag) =>
    given(flag).map((value) => `--${flag}=${value}`),
  ),
];

/** The flag that gives such a text. */
const flag = (text: string): string =>
  text.startsWith("-") ? `'${text.replaceAll("'", "'\\''")}'` : `--grant ${text}`;

const asDocument = (slot: Slot) => ({
  ...slot,
  config: Object.fromEntries(slot.config.map(([key, value]) => [key, JSON.parse(value)])),
});

const fillings = (names: string[]): string => names.join(", ") || "nothing";

const unknown = ({ name, source, nearest }: Stray): string =>
  `The ${source} speaks of a slot ${name}, which there is not${nearest ? `; is ${nearest} meant?` : ""}`;

const listing = (slots: Slot[]): string =>
  table([
    ["SLOT", "FILLED BY", "FROM", "SUMMARY"],
    ...slots.map((slot) => [slot.name, fillings(slot.fillings), slot.source, slot.trouble ?? slot.summary]),
  ]);

const page = (slot: Slot, before: Past[]): string =>
  `${bold(slot.name)}${slot.summary ? `: ${slot.summary}` : ""}\n${table(
    [
      ["filled by", `${fillings(slot.fillings)} (${slot.source})`],
      ["contract", slot.contract],
      ["policy", slot.policy],
      ["combination", slot.combination],
      ["trust", slot.trust],
      ["grants", slot.grants.join(", ") || "none"],
      ...(slot.wanted.length > 0 ? [["wanted", slot.wanted.join(", ")]] : []),
      ...(slot.trouble ? [["trouble", slot.trouble]] : []),
      ...slot.config.map(([key, value]) => ["config", `${key} = ${value}`]),
      ...before.map(({ fillings: past }) => ["before", past ? fillings(past) : "no choice"]),
    ],
    "  ",
  )}`;

const changed = (command: string, slot: Slot): string => {
  const set = command === "slot set";
  if (set && slot.wanted.length > 0) note(wish(slot));
  if (slot.fillings.length === 0) return `${slot.name} has no filling now (${slot.source})\n`;
  return `${slot.name} is ${set ? "now" : "again"} filled by ${fillings(slot.fillings)} (${slot.source})\n`;
};

/** What a filling says that it needs is granted by the person and by nobody else. */
const wish = ({ name, fillings, grants, wanted }: Slot): string => {
  const flags = [...grants, ...wanted].map(flag).join(" ");
  return `It says that it needs ${wanted.join(", ")}, which is not granted; to grant it:\n  loop slot set ${name} ${fillings.join(" ")} ${flags}`;
};

const reasons = (name: string, opinions: Opinion[]): string =>
  `${bold(name)}, sources in order of precedence:\n${table(
    opinions.map((opinion) => [
      opinion.wins ? "*" : " ",
      opinion.source,
      opinion.fillings.length > 0 ? opinion.fillings.join(", ") : "-",
      [opinion.place, opinion.reason].filter((part) => part !== "").join("; "),
    ]),
    "  ",
  )}${served(opinions.flatMap(({ servers }) => servers))}`;

/** Of a capability, who serves it here, and who cannot. The components come first, whoever chose them. */
const served = (servers: Server[]): string =>
  servers.length === 0
    ? ""
    : `\n${bold("Served here")}\n${table(
        servers.map(({ identifier, standing, interfaces, because }) => [
          identifier,
          standings[standing] ?? standing,
          because ?? interfaces.map((name) => name.replace(/^.*\//, "")).join(", "),
        ]),
        "  ",
      )}`;

const standings: Record<string, string> = {
  serves: "serves",
  before: "is asked first",
  absent: "cannot here",
  unreached: "is not reached",
};

export const command = { run };
