import { statSync } from "node:fs";
import { resolve } from "node:path";
import { digestOf } from "../base/digest.ts";
import { fault } from "../base/fault.ts";
import { shellWord } from "../base/word.ts";
import type { Interface } from "../contract/model.ts";
import type { LinkedPlan } from "../host/plan.ts";
import { planSidecar } from "../host/sidecar/plan.ts";
import { childEnvironment } from "../providers/process/environment.ts";
import { Refusal } from "../providers/process/refusal.ts";
import { readBounded } from "../resolve/file.ts";
import { parseIdentifier } from "../resolve/identifier.ts";
import type { Filling } from "../slots/declaration.ts";
import type { Decisions } from "../trust/decisions.ts";
import { rememberedGrants } from "../trust/subject.ts";
import { type VerifiedComponent, verifyProgram } from "../trust/verify.ts";
import { flagText, grantsOfText, type WrittenGrant } from "../trust/written.ts";
import { judgeFor } from "./judge.ts";
import type { Linking, SlotChoice } from "./link.ts";

// Programs as fillings, `sidecar:PATH`. What they run is not held to anything, so a person has to have said twice that
// they may: that these very bytes are trusted, and that this slot may start them.

/** The program that an identifier names; whether it may run is asked later. Faults: LK0007, LK0101, LK0204, LK0804. */
export const loadSidecar = (
  identifier: string,
  folder: string,
  decisions: Decisions,
): { readonly component: VerifiedComponent; readonly file: string } => {
  const file = resolve(folder, parseIdentifier(identifier).rest);
  // Not through a fetcher: what was looked at has to be what the system starts.
  const component = verifyProgram(identifier, readBounded(file), judgeFor(folder, decisions));
  return { component, file };
};

/**
 * A plan for a program that fills a slot. Faults: those of `loadSidecar`; LK0408 where it is not trusted, LK0701 where
 * nobody but a file says that it may be started, LK0702 for grants that nobody could hold it to, LK0402.
 */
export const planSidecarFilling = async (
  contracts: readonly Interface[],
  decision: SlotChoice,
  filling: Filling,
  linking: Pick<Linking, "folder" | "decisions">,
): Promise<LinkedPlan> => {
  const decisions = linking.decisions();
  const { component, file } = loadSidecar(filling.identifier, linking.folder, decisions);
  requireTrusted(component, decision.slot.name, file);
  const grants = requireGranted(component, decision, filling, file, decisions);
  return planSidecar({
    program: component,
    slot: decision.slot.name,
    contracts,
    timeoutMs: decision.timeoutMs,
    start: {
      file,
      folder: linking.folder,
      name: file.replace(/^.*\//, ""),
      environment: environmentOf(filling, grants),
    },
    requireSame: () => {
      const found = digestOf(readBounded(file));
      if (found === component.digest) return;
      throw fault(
        "LK0105",
        `${file} has digest ${found} now, and ${component.digest} was trusted, so it is not started again`,
        { hint: `loop trust add ${filling.identifier}, and start the application again` },
      );
    },
  });
};

/** Faults: LK0408. */
export const requireTrusted = (
  { identifier, trust }: VerifiedComponent,
  slot: string,
  file: string,
): void => {
  if (trust === "untrusted")
    throw fault(
      "LK0408",
      `${identifier} is a program, which runs outside the sandbox, and it is not trusted`,
      {
        hint: `loop trust add ${shellWord(identifier)}`,
      },
    ).within({ slot, component: identifier, phase: "fill", message: "Filling the slot" });
  // Who may write it could put anything in the place of what was trusted, between the look and the start.
  if ((statSync(file).mode & 0o002) !== 0)
    throw fault("LK0408", `${file} may be written by everybody, so nothing that it says can be trusted`, {
      hint: `chmod o-w ${shellWord(file)}`,
    }).within({ slot, component: identifier, phase: "fill", message: "Filling the slot" });
};

/** That a person said that it may be started; a loop.toml alone cannot. Answers all that it was granted. */
const requireGranted = (
  component: VerifiedComponent,
  { slot }: SlotChoice,
  { identifier, grants, agreed, digest }: Filling,
  file: string,
  decisions: Decisions,
): readonly WrittenGrant[] => {
  const written = grants.flatMap(grantsOfText);
  const unheld = written.find(({ kind }) => kind !== "run" && kind !== "env");
  if (unheld)
    throw fault(
      "LK0702",
      `${slot.name} is filled by the program ${identifier}, which nobody could hold to ${flagText(unheld)}: it can do whatever you can`,
      { hint: "leave it out; a program takes --allow-run for itself, and --env" },
    );
  const own = agreed || digest === component.digest ? written : [];
  const all = [...own, ...rememberedGrants(component, decisions)];
  if (all.some(({ kind, value }) => kind === "run" && (value === file || value === "*"))) return all;
  throw fault(
    "LK0701",
    `${identifier} fills ${slot.name} and is a program, and nobody has said that it may be started`,
    { hint: `loop trust add ${shellWord(identifier)} --allow-run=${shellWord(file)}` },
  ).within({ slot: slot.name, component: identifier, phase: "fill", message: "Filling the slot" });
};

/** The few variables that every program gets, and those that it was granted. Fault LK0702. */
const environmentOf = ({ identifier }: Filling, grants: readonly WrittenGrant[]): Record<string, string> => {
  const given = grants
    .filter(({ kind }) => kind === "env")
    .flatMap(({ value }): [string, string][] => {
      const at = value.indexOf("=");
      if (at > 0) return [[value.slice(0, at), value.slice(at + 1)]];
      const here = process.env[value];
      return here === undefined ? [] : [[value, here]];
    });
  try {
    // It runs outside the sandbox anyway, so there is nothing that its variables could give it.
    return childEnvironment(process.env, given, { any: true });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw fault("LK0702", `The variables of ${identifier}: ${error.message}`);
  }
};
