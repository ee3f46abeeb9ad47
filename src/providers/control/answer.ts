import { limits } from "../../base/limits.ts";
import { plainLine } from "../../base/plain.ts";
import type { WireFault } from "../../host/crossing.ts";
import { showableLine } from "../../host/lines.ts";
import type { Line } from "./journal.ts";
import type { Answer, State, SwappedShort } from "./protocol.ts";

// What stands behind a socket need not be loop: what it says is looked at before it is shown, and whatever it names
// cannot move a cursor or begin a line.

type Json = Readonly<Record<string, unknown>>;

/** Whoever wrote it is of this version, or says at least of which one it is. */
export const versionOf = (answer: unknown): number | undefined =>
  isRecord(answer) && Number.isSafeInteger(answer.loop) ? (answer.loop as number) : undefined;

/** An answer of this version; undefined where it is none that loop gives. */
export const readAnswer = (answer: Json, pid: number): Answer | undefined => {
  const { loop, state, swapped, line, end, fault } = answer as Json & { readonly loop: number };
  if (end === true) return { loop, end };
  const read = {
    state: () => stateOf(state, pid),
    swapped: () => listOf(swapped, swappedOf),
    line: () => lineOf(line),
    fault: () => faultOf(fault),
  };
  for (const [name, value] of Object.entries(read)) {
    if (!(name in answer)) continue;
    const found = value();
    return found && ({ loop, [name]: found } as Answer);
  }
  return undefined;
};

const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null;

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? plainLine(value, limits.controlNameLengthMax) : undefined;

const countOf = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;

const listOf = <T>(value: unknown, each: (one: unknown) => T | undefined): T[] | undefined => {
  if (!Array.isArray(value)) return undefined;
  const found = value.map(each);
  return found.every((one) => one !== undefined) ? (found as T[]) : undefined;
};

/** An object whose fields were all understood; undefined where one was not. */
const whole = <T extends object>(fields: { [Name in keyof T]: T[Name] | undefined }): T | undefined =>
  Object.values(fields).includes(undefined) ? undefined : (fields as T);

const stateOf = (value: unknown, pid: number): State | undefined => {
  if (!isRecord(value) || value.pid !== pid) return undefined;
  const [what, folder, since] = [textOf(value.what), textOf(value.folder), countOf(value.since)];
  return whole<State>({ pid, what, folder, since, places: listOf(value.places, placeOf) });
};

type Place = State["places"][number];
type Standing = Place["standing"][number];

const placeOf = (value: unknown): Place | undefined =>
  isRecord(value)
    ? whole<Place>({ name: textOf(value.name), standing: listOf(value.standing, standingOf) })
    : undefined;

const standingOf = (value: unknown): Standing | undefined => {
  if (!isRecord(value)) return undefined;
  const standing = whole<Standing>({
    identifier: textOf(value.identifier),
    digest: textOf(value.digest) as Standing["digest"] | undefined,
    generation: countOf(value.generation),
  });
  const restarts = countOf(value.restarts);
  return standing && { ...standing, ...(restarts !== undefined && { restarts }) };
};

const swappedOf = (value: unknown): SwappedShort | undefined => {
  if (!isRecord(value)) return undefined;
  const { ms } = value;
  return whole<SwappedShort>({
    from: textOf(value.from),
    to: textOf(value.to),
    generation: countOf(value.generation),
    state: textOf(value.state),
    ms: typeof ms === "number" && Number.isFinite(ms) ? ms : undefined,
  });
};

const lineOf = (value: unknown): Line | undefined => {
  if (!isRecord(value)) return undefined;
  const { message } = value;
  return whole<Line>({
    at: countOf(value.at),
    kind: textOf(value.kind) as Line["kind"] | undefined,
    level: textOf(value.level),
    component: textOf(value.component),
    message:
      typeof message === "string"
        ? showableLine(message.slice(0, limits.controlMessageLengthMax))
        : undefined,
  });
};

const faultOf = (value: unknown): WireFault | undefined => {
  if (!isRecord(value)) return undefined;
  const [code, message] = [textOf(value.code), textOf(value.message)];
  const causes = listOf(value.causes ?? [], textOf);
  if (code === undefined || message === undefined || !causes) return undefined;
  return { code, message, hint: textOf(value.hint), causes };
};
