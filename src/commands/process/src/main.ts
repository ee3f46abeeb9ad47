// loop ps, logs, attach and swap. Owns how programs that run read; refuses to reach them, which the host does; called
// through the slots command:ps, command:logs, command:attach and command:swap.
import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { follow, type Line, list, type Running, type Standing, swap } from "loop:control/processes@0.1.0";
import { values } from "../../arguments.ts";
import { bold, dim, fault, json, table } from "../../text.ts";

type Given = (name: string) => string[];

const run = (invocation: Invocation): number => {
  const given = values(invocation);
  if (invocation.command === "ps") listing(invocation.json);
  else if (invocation.command === "swap") swapping(given, invocation.json);
  else if (invocation.command === "logs")
    lines(numberOf(given), true, given("follow").length > 0, filterOf(given), invocation.json);
  else attach(numberOf(given), filterOf(given), invocation.json);
  return 0;
};

const numberOf = (given: Given): number => {
  const pid = Number(given("pid")[0]);
  if (pid > 0 && pid <= 0xffffffff) return pid;
  throw fault("LK0441", `${given("pid")[0]} is the number of no process`, "loop ps");
};

const listing = (asJson: boolean): void => {
  const programs = list();
  if (asJson) write(json(programs));
  else if (programs.length === 0) write("No program of loop runs\n");
  else write(table([heads, ...programs.flatMap(rows)]));
};

const heads = ["PID", "SINCE", "SLOT", "FILLED BY", "WHAT", "FOLDER"];

/** A line for each slot; what is the program's own stands on its first. */
const rows = (program: Running): string[][] => {
  const { pid, what, folder, since, places, trouble } = program;
  const head = [String(pid), trouble ? "" : time(since)];
  const slots = places.map(({ name, standing }) => [name, [...new Set(standing.map(filled))].join(", ")]);
  const all = slots.length > 0 ? slots : [["", ""]];
  const tail = [trouble ?? what, trouble ? "" : folder];
  return all.map((slot, at) => [...(at === 0 ? head : ["", ""]), ...slot, ...(at === 0 ? tail : ["", ""])]);
};

const filled = ({ identifier, digest, restarts = 0 }: Standing): string =>
  `${identifier} ${short(digest)}${restarts > 0 ? ` (started anew ${restarts === 1 ? "once" : `${restarts} times`})` : ""}`;

const short = (digest: string): string => digest.replace(/^sha256:/, "").slice(0, 12);

const time = (at: bigint): string => new Date(Number(at)).toISOString().slice(0, 19).replace("T", " ");

const swapping = (given: Given, asJson: boolean): void => {
  const [slot, identifier] = [given("slot")[0]!, given("identifier")[0]!];
  const grants = [
    ...given("grant"),
    ...["dir", "env", "allow-net", "allow-run"].flatMap((flag) =>
      given(flag).map((value) => `--${flag}=${value}`),
    ),
  ];
  const done = swap(numberOf(given), slot, identifier, grants);
  if (asJson) write(json(done));
  else
    for (const { generation, ms, state } of done) {
      const told = state === "none" ? "" : `, its state ${state === "migrated" ? "migrated" : "handed over"}`;
      write(
        `${slot} is filled by ${identifier} now (${ms.toFixed(1)} ms, generation ${generation}${told})\n`,
      );
    }
};

/** The least first. */
const levels = ["trace", "debug", "info", "warn", "error"];

type Wanted = (line: Line) => boolean;

const filterOf = (given: Given): Wanted => {
  const least = levels.indexOf(given("level")[0] ?? "trace");
  const sources = given("source");
  const component = given("component")[0] ?? "";
  // What was lost on the way nobody can tell more of.
  return (line: Line): boolean =>
    line.kind === "lost" ||
    (levels.indexOf(line.level) >= least &&
      (sources.length === 0 || sources.includes(line.kind)) &&
      line.component.includes(component));
};

const lines = (pid: number, past: boolean, future: boolean, wanted: Wanted, asJson: boolean): void => {
  const following = follow(pid, past, future);
  for (let line = following.next(); line !== undefined; line = following.next())
    if (wanted(line)) write(asJson ? `${JSON.stringify({ ...line, at: Number(line.at) })}\n` : said(line));
  if (future && !asJson) write(`Program ${pid} has ended\n`);
};

const said = ({ at, kind, level, component, message }: Line): string => {
  const mark = kind === "stdout" || kind === "stderr" ? kind : level;
  return `${dim(time(at).slice(11))} ${mark.padEnd(6)} ${bold(component)} ${message}\n`;
};

const attach = (pid: number, wanted: Wanted, asJson: boolean): void => {
  const program = list().find((one) => one.pid === pid);
  if (program && !asJson) write(table([heads, ...rows(program)]));
  lines(pid, false, true, wanted, asJson);
};

export const command = { run };
