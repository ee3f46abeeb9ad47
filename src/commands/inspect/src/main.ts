// loop inspect: a report of the host, laid out for a person. Owns the page; refuses to read bytes itself;
// called through command:inspect.
import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { inspect, type Report, wit } from "loop:pkg/inspector@0.1.0";
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
      report.capabilities.map(({ name, interfaces, standing }) => [
        name,
        says(standing),
        interfaces.join(", "),
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

const says = (standing: string): string =>
  ({ default: "every component has it", grant: "must be granted", absent: "no provider offers it" })[
    standing
  ] ?? standing;

const share = (part: number | bigint, whole: number | bigint): string =>
  `${Math.round((100 * Number(part)) / Number(whole))} %`.padStart(5);

export const command = { run };
