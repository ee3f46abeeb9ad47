// loop trust list, add, remove, explain, revoke and threshold. Owns how decisions read; refuses to decide anything, which the person
// does, or to keep it, which the host does; called through the slots command:trust.*.
import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import {
  believe,
  find,
  forget,
  type Policy,
  list as policy,
  require,
  revoke,
  type Signer,
} from "loop:trust/signers@0.1.0";
import {
  add,
  type Entry,
  type Explanation,
  explain,
  grantSigned,
  list,
  remove,
} from "loop:trust/trust@0.1.0";
import { values } from "../../arguments.ts";
import { bold, fault, json, table } from "../../text.ts";

const run = (invocation: Invocation): number => {
  const given = values(invocation);
  const [document, text] = answer(invocation.command, given);
  write(invocation.json ? json(document) : text());
  return 0;
};

type Given = (name: string) => string[];
type Answer = readonly [document: unknown, text: () => string];

const answer = (command: string, given: Given): Answer => {
  const identifier = given("identifier")[0] ?? "";
  switch (command) {
    case "trust list": {
      const [entries, signers] = [list(), policy()];
      return [{ entries, ...signers }, () => listing(entries, signers)];
    }
    case "trust explain": {
      const explanation = explain(identifier);
      return [explanation, () => page(explanation)];
    }
    case "trust remove":
      return removed(identifier);
    case "trust revoke": {
      const signer = revoke(given("key")[0] ?? "");
      return [signer, () => `What ${called(signer)} signs is never trusted again\n`];
    }
    case "trust threshold": {
      const now = require(Number(given("count")[0]), given("workspace").length > 0);
      return [now, () => `Signatures of different trusted keys that are needed here: ${now.threshold}\n`];
    }
  }
  return added(identifier, given);
};

const removed = (identifier: string): Answer => {
  if (!(find(identifier) ? forget(identifier) : remove(identifier)))
    throw fault(
      "LK0704",
      `Nothing is remembered of ${identifier}, so there is nothing to forget`,
      "loop trust list",
    );
  return [{ removed: true }, () => `Nothing is remembered of ${identifier} any more\n`];
};

const forKeys = ["name", "expires", "workspace"];

const added = (identifier: string, given: Given): Answer => {
  const flags = {
    folders: given("dir"),
    network: given("allow-net"),
    variables: given("allow-env"),
    programs: given("allow-run"),
    capabilities: given("allow"),
  };
  const grants = Object.values(flags).some((values) => values.length > 0);
  const ofKey = forKeys.find((name) => given(name).length > 0);
  const isKey = find(identifier) !== undefined;
  if (ofKey && (!isKey || grants))
    throw fault(
      "LK0004",
      isKey
        ? `--${ofKey} says how a key is trusted, and grants something to what it signs are said apart from that`
        : `--${ofKey} is said of a key, and ${identifier} is none`,
      isKey ? `loop trust add ${identifier} --${ofKey} …` : "loop key list",
    );
  if (isKey && !grants) {
    const signer = believe(identifier, given("name")[0], given("expires")[0], given("workspace").length > 0);
    return [signer, () => trustedText(signer)];
  }
  const entry = isKey ? grantSigned(identifier, flags) : add(identifier, flags);
  return [
    entry,
    () =>
      isKey
        ? `What ${identifier} signs is granted ${granted(entry.grants)}, while its key is trusted\n`
        : sentence(identifier, entry),
  ];
};

const called = ({ key, name }: Signer): string => (name === "" ? key : `${name} (${key})`);

const trustedText = (signer: Signer): string =>
  signer.standing === "trusted"
    ? `What ${called(signer)} signs is trusted${signer.place === "you" ? "" : ` by ${signer.place}`}${
        signer.expires === undefined ? "" : `, up to ${signer.expires}`
      }\n`
    : `${called(signer)} is remembered, and counts for nothing now: ${signer.standing}\n`;

const signersPage = ({ threshold, signers }: Policy): string[] =>
  signers.length === 0
    ? []
    : [
        [
          table([
            ["KEY", "CALLED", "STANDING", "SAYS WHO"],
            ...signers.map(({ name, key, standing, place, expires }) => [
              key,
              name || "-",
              expires === undefined ? standing : `${standing}, last day ${expires}`,
              place,
            ]),
          ]),
          threshold > 1 ? `\nSignatures of different trusted keys that are needed: ${threshold}\n` : "",
        ].join(""),
      ];

const sentence = (identifier: string, { subject, reasons, grants }: Entry): string =>
  reasons.includes("agreed")
    ? `What ${identifier} grants counts now\n`
    : `${identifier} (${short(subject)}) is ${reasons.length > 0 ? "trusted" : "not trusted"}, and is granted ${granted(grants)}\n`;

/** Of a digest the beginning, of a signer all but the form of the key. */
const short = (subject: string): string =>
  subject.startsWith("sha256:")
    ? subject.slice(0, "sha256:".length + 12)
    : subject.replace(/^(ed25519:.{8})\S*/, "$1…");

const granted = (grants: Entry["grants"]): string =>
  grants.map(({ kind, value }) => `${kind} ${value}`).join(", ") || "nothing";

const listing = (entries: Entry[], signers: Policy): string => {
  if (entries.length === 0 && signers.signers.length === 0)
    return "Nobody is trusted, and nothing is granted\n";
  const components = table([["DIGEST", "CALLED", "TRUSTED", "GRANTED"], ...entries.map(row)]);
  return [...(entries.length > 0 ? [components] : []), ...signersPage(signers)].join("\n");
};

const row = ({ subject, identifier, reasons, grants }: Entry): string[] => [
  short(subject),
  identifier,
  trustWord(subject, reasons),
  granted(grants),
];

/** Of a signer's subject the keys below say it. */
const trustWord = (subject: string, reasons: string[]): string => {
  if (!subject.startsWith("sha256:")) return "-";
  return reasons.map((reason) => says[reason] ?? reason).join(", ") || "no";
};

const says: Record<string, string> = { added: "by you", built: "built here", agreed: "its grants, by you" };

const page = ({ identifier, digest, class: trust, reasons, signers, grants }: Explanation): string =>
  [
    `${bold(identifier)}\n`,
    table(
      [
        ["digest", digest],
        ["trust", `${trust}: ${reasons.join("; ")}`],
        ...signers.map(({ name, key, standing }) => ["signed by", `${name || "-"} ${key} (${standing})`]),
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
