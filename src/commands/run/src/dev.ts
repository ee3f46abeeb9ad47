// loop dev: starts a session and says what happens in it.
import { note, write } from "loop:cli/terminal@0.1.0";
import { type Event, next, start } from "loop:devserver/session@0.1.0";
import type { Options } from "loop:run/runner@0.1.0";
import { bold, dim } from "../../text.ts";

/** Develops a folder until the person interrupts it; each event is told as it happens. */
export const develop = (folder: string, options: Options, address: string, asJson: boolean): void => {
  // What the application writes is its own; what happens to it goes beside that, but for JSON.
  start(folder, options, address);
  for (let event = next(); event !== undefined; event = next()) {
    if (asJson) write(`${JSON.stringify({ event: event.tag, ...document(event) })}\n`);
    else for (const line of lines(event)) note(line);
  }
};

const document = (event: Event): object => {
  switch (event.tag) {
    case "watching":
      return { members: event.val[0], by: event.val[1] };
    case "mended":
      return { name: event.val };
    default:
      return event.val;
  }
};

const lines = (event: Event): string[] => {
  switch (event.tag) {
    case "watching":
      return [
        dim(
          `dev: watching ${event.val[0].join(", ")}${event.val[1] === "polling" ? " by looking twice a second: the system gives no more watches" : ""}`,
        ),
      ];
    case "building":
      return [dim(`dev: building ${event.val.name}`)];
    case "built":
      return [
        dim(`dev: built ${event.val.name} (${event.val.ms} ms, ${short(event.val.digest)})`),
        ...event.val.warnings.map((warning) => `dev: ${warning}`),
      ];
    case "failed":
      return [
        bold(`dev: ${event.val.name || "the workspace"} failed; what runs goes on`),
        ...event.val.report.trimEnd().split("\n"),
      ];
    case "mended":
      return [bold(`dev: ${event.val || "the workspace"} is well again`)];
    case "started":
      return [dim(`dev: running ${event.val.name} (${short(event.val.digest)})`)];
    case "swapped": {
      const { place, digest, generation, state, parts, sinceChangeMs } = event.val;
      const told = state === "none" ? "" : `, state ${state}`;
      const times = parts
        .filter(({ ms }) => ms >= 0.1)
        .map(({ phase, ms }) => `${phase} ${ms.toFixed(1)}`)
        .join(", ");
      return [
        bold(
          `dev: swapped ${place} (${sinceChangeMs.toFixed(0)} ms since the change, generation ${generation}${told}, ${short(digest)})`,
        ),
        dim(`     ${times}`),
      ];
    }
    case "not-swapped":
      return [
        bold(`dev: ${event.val.place} was not swapped; what runs goes on`),
        ...event.val.report.trimEnd().split("\n"),
      ];
    case "ended":
      return [dim(`dev: ${event.val.name} ended with ${event.val.exitCode}; waiting for a change`)];
  }
};

const short = (digest: string): string => digest.slice("sha256:".length, "sha256:".length + 12);
