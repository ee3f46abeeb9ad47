// loop inspect: a report of the host, laid out for a person. Owns the page; refuses to read bytes itself;
// called through command:inspect.
import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { type Capability, inspect, type Report, wit } from "loop:pkg/inspector@0.1.0";
import { values } from "../../arguments.ts";
import { built } from "../../built.ts";
import { bold, json, size, table } from "../../text.ts";

const run = (invocation: Invocation): number => {
  const given = values(invocation);
  const [identifier = built()] = given("identifier");
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
    section(
      "Capabilities",
      report.capabilities.flatMap((one) => [
        [one.name, says(one), one.interfaces.join(", ")],
        ...(one.reason === undefined ? [] : [["", `for: ${one.reason}`, ""]]),
        ...one.granted.map(({ flag, source, place }) => ["", `granted: ${flag}`, `${source}: ${place}`]),
      ]),
    ),
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

const says = ({ standing, each, granted }: Capability): string => {
  if (standing === "absent") return "no provider offers it";
  if (each !== undefined) return granted.length > 0 ? `each ${each} as granted` : `no ${each} is granted`;
  if (standing === "default") return "every component has it";
  return granted.length > 0 ? "granted here" : "must be granted";
};

interface Change {
  readonly what: "capability" | "import" | "export";
  readonly name: string;
  readonly change: "added" | "removed";
}

const changesBetween = (before: Report, after: Report): Change[] => {
  const change = (what: Change["what"], old: string[], now: string[]): Change[] => [
    ...now.filter((name) => !old.includes(name)).map((name) => ({ what, name, change: "added" as const })),
    ...old.filter((name) => !now.includes(name)).map((name) => ({ what, name, change: "removed" as const })),
  ];
  const names = ({ capabilities }: Report) => [...new Set(capabilities.map(({ name }) => name))];
  return [
    ...change("capability", names(before), names(after)),
    ...change("import", before.imports, after.imports),
    ...change("export", before.exports, after.exports),
  ];
};

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
