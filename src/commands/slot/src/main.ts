import { note, write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { explain, list, type Opinion, reset, type Slot, set, show } from "loop:slots/slots@0.1.0";
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
    return [slots.map(asDocument), () => listing(slots, given("all").length > 0)];
  }
  if (command === "slot explain") {
    const opinions = explain(name);
    return [opinions, () => reasons(name, opinions)];
  }
  const slot =
    command === "slot set"
      ? set(name, given("identifier"), given("grant"))
      : command === "slot reset"
        ? reset(name)
        : show(name);
  return [asDocument(slot), () => (command === "slot show" ? page(slot) : changed(command, slot))];
};

const asDocument = (slot: Slot) => ({
  ...slot,
  config: Object.fromEntries(slot.config.map(([key, value]) => [key, JSON.parse(value)])),
});

const fillings = (names: string[]): string => names.join(", ") || "nothing";

const listing = (slots: Slot[], all: boolean): string => {
  const shown = slots.filter((slot) => all || slot.source !== "built-in");
  const hidden = slots.length - shown.length;
  if (hidden > 0) note(`${hidden} as shipped; loop slot list --all shows them too`);
  if (shown.length === 0) return "";
  return table([
    ["SLOT", "FILLED BY", "FROM", "SUMMARY"],
    ...shown.map((slot) => [slot.name, fillings(slot.fillings), slot.source, slot.summary]),
  ]);
};

const page = (slot: Slot): string =>
  `${bold(slot.name)}${slot.summary ? `: ${slot.summary}` : ""}\n${table(
    [
      ["filled by", `${fillings(slot.fillings)} (${slot.source})`],
      ["contract", slot.contract],
      ["policy", slot.policy],
      ["combination", slot.combination],
      ["trust", slot.trust],
      ["grants", slot.grants.join(", ") || "none"],
      ...slot.config.map(([key, value]) => ["config", `${key} = ${value}`]),
    ],
    "  ",
  )}`;

const changed = (command: string, slot: Slot): string =>
  `${slot.name} is ${command === "slot set" ? "now" : "again"} filled by ${fillings(slot.fillings)} (${slot.source})\n`;

const reasons = (name: string, opinions: Opinion[]): string =>
  `${bold(name)}, sources in order of precedence:\n${table(
    opinions.map((opinion) => [
      opinion.wins ? "*" : " ",
      opinion.source,
      opinion.fillings.length > 0 ? opinion.fillings.join(", ") : "-",
      [opinion.place, opinion.reason].filter((part) => part !== "").join("; "),
    ]),
    "  ",
  )}`;

export const command = { run };
