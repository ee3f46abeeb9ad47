// loop trust list, add, remove and explain. Owns how decisions read; refuses to decide anything, which the person
// does, or to keep it, which the host does; called through the slots command:trust.*.
import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { add, type Entry, type Explanation, explain, list, remove } from "loop:trust/trust@0.1.0";
import { values } from "../../arguments.ts";
import { bold, fault, json, table } from "../../text.ts";

const run = (invocation: Invocation): number => {
  const given = values(invocation);
  const [document, text] = answer(invocation.command, given);
  write(invocation.json ? json(document) : text());
  return 0;
};

const answer = (command: string, given: (name: string) => string[]): readonly [unknown, () => string] => {
  const identifier = given("identifier")[0] ?? "";
  if (command === "trust list") {
    const entries = list();
    return [entries, () => listing(entries)];
  }
  if (command === "trust explain") {
    const explanation = explain(identifier);
    return [explanation, () => page(explanation)];
  }
  if (command === "trust remove") {
    if (!remove(identifier))
      throw fault(
        "LK0704",
        `Nothing is remembered of ${identifier}, so there is nothing to forget`,
        "loop trust list",
      );
    return [{ removed: true }, () => `Nothing is remembered of ${identifier} any more\n`];
  }
  const entry = add(identifier, {
    folders: given("dir"),
    network: given("allow-net"),
    variables: given("allow-env"),
    programs: given("allow-run"),
    capabilities: given("allow"),
  });
  return [entry, () => sentence(identifier, entry)];
};

const sentence = (identifier: string, { subject, reasons, grants }: Entry): string =>
  `${identifier} (${short(subject)}) is ${reasons.length > 0 ? "trusted" : "not trusted"}, and is granted ${granted(grants)}\n`;

const short = (digest: string): string => digest.slice(0, "sha256:".length + 12);

const granted = (grants: Entry["grants"]): string =>
  grants.map(({ kind, value }) => `${kind} ${value}`).join(", ") || "nothing";

const listing = (entries: Entry[]): string =>
  entries.length === 0
    ? "Nobody is trusted, and nothing is granted\n"
    : table([["DIGEST", "CALLED", "TRUSTED", "GRANTED"], ...entries.map(row)]);

const row = ({ subject, identifier, reasons, grants }: Entry): string[] => [
  short(subject),
  identifier,
  reasons.length > 0 ? reasons.map((reason) => says[reason] ?? reason).join(", ") : "no",
  granted(grants),
];

const says: Record<string, string> = { added: "by you", built: "built here" };

const page = ({ identifier, digest, class: trust, reasons, grants }: Explanation): string =>
  [
    `${bold(identifier)}\n`,
    table(
      [
        ["digest", digest],
        ["trust", `${trust}: ${reasons.join("; ")}`],
      ],
      "  ",
    ),
    `\n${bold("Granted here without a flag")}\n`,
    grants.length === 0
      ? "  nothing beyond what every component has\n"
      : table(
          grants.map(({ flag, source, place }) => [flag, `${source}: ${place}`]),
          "  ",
        ),
  ].join("");

export const command = { run };
