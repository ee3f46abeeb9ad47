// loop dev: starts a session and says what happens in it.
import { columns, note, rows, styled, write } from "loop:cli/terminal@0.1.0";
import { type Event, type Line, next, start, type Telling } from "loop:devserver/session@0.1.0";
import type { Options } from "loop:run/runner@0.1.0";
import { bold, dim } from "../../text.ts";
import {
  arrangedText,
  failedText,
  follow,
  foot,
  nothing,
  nothingToRun,
  partsText,
  repaint,
  short,
} from "./view.ts";

/** Develops a folder until the person interrupts it; each event is told as it happens. */
export const develop = (folder: string, options: Options, address: string, telling: Telling): void => {
  start(folder, options, address, telling);
  const show = telling.form === "data" ? asData : telling.form === "drawn" ? drawing() : asLines;
  try {
    for (let event = next(); event !== undefined; event = next()) show(event);
  } finally {
    show(undefined);
  }
};

/** What happened; none at the end. */
type Show = (event: Event | undefined) => void;

const asData: Show = (event) => {
  if (event?.tag === "log")
    write(event.val.map((line) => `${JSON.stringify({ event: "log", ...line })}\n`).join(""));
  else if (event !== undefined) write(`${JSON.stringify({ event: event.tag, ...document(event) })}\n`);
};

/** What components write to standard output goes there; what happens to them goes beside that. */
const asLines: Show = (event) => {
  if (event?.tag === "log") {
    // Lines of one stream that come together cross to it together.
    let lines: string[] = [];
    event.val.forEach((line, at) => {
      lines.push(spoken(line));
      const isOut = line.source === "stdout";
      const next = event.val[at + 1];
      if (next && (next.source === "stdout") === isOut) return;
      if (isOut) write(`${lines.join("\n")}\n`);
      else note(lines.join("\n"));
      lines = [];
    });
  } else if (event !== undefined) for (const line of told(event)) note(line);
};

/** Lines scroll above a foot that is painted anew with each event. */
const drawing = (): Show => {
  const state = nothing();
  let painted: string[] = [];
  let typing = false;
  return (event) => {
    if (event === undefined) {
      write(repaint(painted, "", [], { columns: columns(), rows: rows() }));
      return;
    }
    if (event.tag === "typing") typing = event.val;
    follow(state, event);
    const above = (event.tag === "log" ? event.val.map(spoken) : brief(event)).map((line) => `${line}\n`);
    const terminal = { columns: columns(), rows: rows(), styled: styled() };
    // Where the person types there is no foot: failures are told among the lines then.
    const fails = event.tag === "failed" || (event.tag === "not-swapped" && event.val.awaited);
    if (typing && fails) above.push(...told(event).map((line) => `${line}\n`));
    const after = typing || terminal.rows === 0 ? [] : foot(state, terminal);
    write(
      painted.length === 0 && after.length === 0
        ? above.join("")
        : repaint(painted, above.join(""), after, terminal),
    );
    painted = after;
  };
};

/** Of what the foot shows, what stays among the lines. */
const brief = (event: Event): string[] => {
  switch (event.tag) {
    case "started":
    case "ended":
    case "mended":
    case "settled":
    case "arranged":
    case "commands":
      return told(event);
    case "not-swapped":
      return event.val.awaited ? [] : told(event);
    case "swapped":
      return told(event).slice(0, 1);
    case "built":
      return event.val.warnings.map((warning) => `dev: ${warning}`);
    default:
      return [];
  }
};

const hues = [36, 35, 32, 34, 96, 95, 92, 94];
const seen: string[] = [];

/** "style │ text", in the component's colour. */
const spoken = ({ component, source, level, text, fields }: Line): string => {
  if (!seen.includes(component)) seen.push(component);
  const width = Math.max(...seen.map((name) => name.length));
  const name = paint(hues[seen.indexOf(component) % hues.length]!, `${component.padEnd(width)} |`);
  const more = fields.map(
    ([key, value]) => ` ${key}=${/^[^\s"=\\]+$/.test(value) ? value : JSON.stringify(value)}`,
  );
  const said = source === "log" ? `${level.padEnd(5)} ${text}${more.join("")}` : text;
  if (level === "error") return `${name} ${paint(31, said)}`;
  return level === "warn" ? `${name} ${paint(33, said)}` : `${name} ${said}`;
};

const paint = (hue: number, text: string): string => (styled() ? `\x1b[${hue}m${text}\x1b[39m` : text);

const document = (event: Event): object => {
  switch (event.tag) {
    case "watching":
      return { ...event.val, application: event.val.application ?? null };
    case "mended":
      return { name: event.val };
    case "not-swapped":
      return { ...event.val, identifier: event.val.identifier ?? null };
    case "commands":
      return { commands: event.val };
    case "typing":
      return { typing: event.val };
    case "resized":
      return {};
    default:
      return event.val;
  }
};

const told = (event: Event): string[] => {
  switch (event.tag) {
    case "watching":
      return [
        dim(
          `dev: watching ${event.val.members.join(", ")}${event.val.by === "polling" ? " by looking twice a second: the system gives no more watches" : ""}`,
        ),
        ...(event.val.application === undefined ? [`dev: running ${nothingToRun}`] : []),
      ];
    case "commands":
      return event.val.map(({ name, summary }) => dim(`dev: loop ${name}: ${summary}`));
    case "building":
      return [dim(`dev: building ${event.val.name}`)];
    case "built":
      return [
        dim(`dev: built ${event.val.name} (${event.val.ms} ms, ${short(event.val.digest)})`),
        ...event.val.warnings.map((warning) => `dev: ${warning}`),
      ];
    case "failed":
      return [bold(`dev: ${failedText(event.val)}`), ...event.val.report.trimEnd().split("\n")];
    case "mended":
      return [bold(`dev: ${event.val || "the workspace"} is well again`)];
    case "started":
      return [dim(`dev: running ${event.val.name} (${short(event.val.digest)})`)];
    case "swapped": {
      const { place, digest, generation, sinceChangeMs } = event.val;
      return [
        bold(
          `dev: swapped ${place} (${sinceChangeMs.toFixed(0)} ms since the change, generation ${generation}, ${short(digest)})`,
        ),
        dim(`     ${partsText(event.val)}`),
      ];
    }
    case "not-swapped":
      return [
        bold(`dev: ${event.val.place} was not swapped; what runs goes on`),
        ...event.val.report.trimEnd().split("\n"),
      ];
    case "settled":
      return [bold(`dev: ${event.val.place} is well again`)];
    case "arranged": {
      const { place, fillings, ms } = event.val;
      return [
        bold(`dev: ${place} is filled by ${fillings.join(", ") || "nothing"} now (${ms.toFixed(0)} ms)`),
        dim(`     ${arrangedText(event.val)}`),
      ];
    }
    case "ended":
      return [dim(`dev: ${event.val.name} ended with ${event.val.exitCode}; waiting for a change`)];
    default:
      return [];
  }
};
