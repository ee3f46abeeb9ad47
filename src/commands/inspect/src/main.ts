// loop inspect: a report of the host, laid out for a person. Owns the page; refuses to read bytes itself;
// called through command:inspect.
import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { type Capability, inspect, type Part, type Report, type Server, wit } from "loop:pkg/inspector@0.1.0";
import { values } from "../../arguments.ts";
import { found } from "../../built.ts";
import { bold, json, size, table } from "../../text.ts";

const run = (invocation: Invocation): number => {
  const given = values(invocation);
  const identifier = found(given("identifier")[0]);
  if (given("wit").length > 0) {
    const text = wit(identifier);
    write(invocation.json ? json({ wit: text }) : `${text.trimEnd()}\n`);
    return 0;
  }
  const [other] = given("diff");
  if (other !== undefined) {
    const changes = changesBetween(inspect(identifier), inspect(other));
    write(invocation.json ? json(changes) : changesPage(identifier, other, changes));
    return 0;
  }
  const report = inspect(identifier);
  write(invocation.json ? json(report) : page(report));
  return 0;
};

const page = (report: Report): string =>
  [
    `${bold(report.identifier)}\n`,
    table(
      [
        ["place", report.place],
        ["digest", report.digest],
        ["trust", report.trust],
        ...report.signatures.map(({ key, name, standing }) => [
          "signed by",
          [name, key, `(${standing})`].filter((part) => part !== "").join(" "),
        ]),
        ...(report.signedAs === undefined ? [] : [["signed as", report.signedAs]]),
        ...(report.adapted ? [["form", "a core module for WASI preview 1, adapted on arrival"]] : []),
        ["size", `${size(report.bytes)} (${report.bytes} bytes)`],
        ["linker", `${report.linker}, because ${report.linkerReason}`],
      ],
      "  ",
    ),
    section(
      "Imports",
      report.imports.map((name) => [name]),
    ),
    section(
      "Exports",
      report.exports.map((name) => [name]),
    ),
    section("Capabilities", report.capabilities.flatMap(rows(severalUse(report)))),
    report.inside.length > 0 ? section("Composed inside", report.inside.flatMap(insideRows)) : "",
    report.commands.length > 0
      ? section(
          "Commands",
          report.commands.map((name) => [`loop ${name}`]),
        )
      : "",
    section(
      "Size",
      report.parts.map(({ name, bytes }) => [size(bytes).padStart(7), share(bytes, report.bytes), name]),
    ),
    section(
      "Producers",
      report.producers.map(({ field, name, version }) => [field, `${name} ${version}`.trim()]),
    ),
  ].join("");

const section = (title: string, rows: string[][]): string =>
  `\n${bold(title)}\n${rows.length > 0 ? table(rows, "  ") : "  none\n"}`;

/** A capability: how it stands, who serves it and who chose that, what for, and what is granted. */
const rows =
  (withUsers: boolean) =>
  (one: Capability): string[][] => [
    [one.name, says(one), one.interfaces.join(", ")],
    ...one.servers.map((server) => ["", serves(server), chosen(server)]),
    ...(withUsers && one.users.length > 0 ? [["", `used inside by ${one.users.join(", ")}`, ""]] : []),
    ...(one.reason === undefined ? [] : [["", `for: ${one.reason}`, ""]]),
    ...(one.wants.length > 0 ? [["", `wants ${one.wants.join(", ")}`, ""]] : []),
    ...one.granted.map(({ flag, source, place }) => ["", `granted: ${flag}`, `${source}: ${place}`]),
  ];

/** Where one component inside uses all there is, nobody need be told which. */
const severalUse = ({ capabilities }: Report): boolean =>
  new Set(capabilities.flatMap(({ users }) => users)).size > 1;

const says = ({ outcome, because, each, granted, standing, servers }: Capability): string => {
  if (outcome === "faulty") return `cannot be served: ${because}`;
  if (outcome === "absent") return `absent, so it does not start: ${because}`;
  if (standing === "absent") return `denied when called: ${because}`;
  // A component in its place has grants of its own, and so has one that fills an application's own slot.
  const first = servers.find(({ standing }) => standing !== "absent");
  const byComponent = first !== undefined && !first.identifier.startsWith("host:");
  if (each !== undefined && !byComponent)
    return granted.length > 0 ? `each ${each} as granted` : `denied: no ${each} is granted`;
  if (standing === "default") return byComponent ? "a component serves it" : "every component has it";
  return granted.length > 0 ? "granted here" : "denied: it must be granted";
};

const serves = ({ identifier, standing, because }: Server): string =>
  ({
    serves: `served by ${identifier}`,
    before: `first by ${identifier}`,
    absent: `not by ${identifier}, which ${because}`,
    unreached: `not by ${identifier}, which nothing reaches`,
  })[standing] ?? standing;

/** Whoever chose it: the default says nothing. */
const chosen = ({ source, place }: Server): string =>
  source === "built-in"
    ? "by default"
    : source === "flag" || source === "workspace"
      ? place
      : `${source}: ${place}`;

/** A part with whom it has its imports from, by package: `--json` has every interface. */
const insideRows = ({ name, imports }: Part): string[][] => {
  const found = new Map<string, Set<string>>();
  for (const [wanted, from] of imports) {
    const packages = found.get(from) ?? new Set();
    found.set(from, packages.add(wanted.replace(/\/.*$/, "")));
  }
  return [...found].map(([from, packages], at) => [
    at === 0 ? name : "",
    `from ${from === "host" ? "the host" : from}`,
    [...packages].join(", "),
  ]);
};

interface Change {
  readonly what: "capability" | "wish" | "served" | "granted" | "import" | "export" | "inside";
  readonly name: string;
  readonly change: "added" | "removed";
}

/** What a new version wants, is granted and gives more or less than an old one, both as they would run here. */
const changesBetween = (before: Report, after: Report): Change[] => {
  const change = (what: Change["what"], of: (report: Report) => string[]): Change[] => {
    const [old, now] = [new Set(of(before)), new Set(of(after))];
    const only = (list: Set<string>, other: Set<string>) => [...list].filter((name) => !other.has(name));
    return [
      ...only(now, old).map((name) => ({ what, name, change: "added" as const })),
      ...only(old, now).map((name) => ({ what, name, change: "removed" as const })),
    ];
  };
  const each = (of: (one: Capability) => string[]) => (report: Report) => report.capabilities.flatMap(of);
  const wants = ({ capabilities }: Report, { name }: Capability) =>
    capabilities.some((one) => one.name === name);
  const several = severalUse(before) || severalUse(after);
  return [
    ...change(
      "capability",
      each(({ name }) => [name]),
    ),
    ...change(
      "wish",
      each(({ name, wants }) => wants.map((want) => `${name}: ${want}`)),
    ),
    // Of what only one of them wants, the line above says enough.
    ...change(
      "served",
      each((one) => (wants(before, one) && wants(after, one) ? servedAs(one) : [])),
    ),
    ...change(
      "granted",
      each(({ granted }) => granted.map(({ flag }) => flag)),
    ),
    ...change("import", ({ imports }) => imports),
    ...change("export", ({ exports }) => exports),
    ...change(
      "inside",
      each(({ name, users }) => (several ? users.map((user) => `${user}: ${name}`) : [])),
    ),
  ];
};

const servedAs = ({ name, outcome, servers }: Capability): string[] => [
  `${name}: ${outcome}`,
  ...servers
    .filter(({ standing, source }) => standing === "before" || source !== "built-in")
    .map(({ identifier }) => `${name}: by ${identifier}`),
];

const changesPage = (before: string, after: string, changes: Change[]): string =>
  changes.length === 0
    ? `${after} wants and gives what ${before} does\n`
    : `${bold(`From ${before} to ${after}`)}\n${table(
        changes.map(({ what, name, change }) => [change === "added" ? "+" : "-", what, name]),
        "  ",
      )}`;

const share = (part: number | bigint, whole: number | bigint): string =>
  `${Math.round((100 * Number(part)) / Number(whole))} %`.padStart(5);

export const command = { run };
