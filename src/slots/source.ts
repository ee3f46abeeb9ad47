import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fault } from "../base/fault.ts";
import type { Manifest } from "../base/manifest/manifest.ts";
import { parseMs } from "../base/quantity.ts";
import { identifierAndGrants, lastingTexts } from "../trust/written.ts";
import {
  absoluteIdentifier,
  type Config,
  type Filling,
  fillingsIn,
  fillingsOf,
  type SlotDeclaration,
} from "./declaration.ts";

/** Whoever may have a say in what fills a slot, in the order of precedence, which is the same everywhere. */
export const sourceNames = ["flag", "environment", "workspace", "remembered", "fork", "built-in"] as const;
export type SourceName = (typeof sourceNames)[number];

/** What one source says of one slot. */
export interface Choice {
  /** Undefined where it only configures; empty where it says that nobody shall fill the slot. */
  readonly fillings?: readonly Filling[];
  readonly config?: Config;
  /** Milliseconds that a call into a filling may take. */
  readonly timeoutMs?: number;
  /** The component that migrates state from one filling to the next. */
  readonly migrate?: string;
  /** The file or flag that says it: "/home/a/loop.toml:4", "--slot style=./fancy.wasm". */
  readonly place: string;
}

/** One place where choices are written. "built-in" has none: it is the declaration's own default. */
export interface Source {
  readonly name: Exclude<SourceName, "built-in">;
  choice(slot: SlotDeclaration): Choice | undefined;
  /** The slots that it speaks of, for finding a family's members and slots that nobody declares. */
  names(scope: string): Iterable<string>;
}

/** A source of choices that are already here, such as a fork's own defaults. */
export const tableSource = (name: Source["name"], choices: ReadonlyMap<string, Choice>): Source => ({
  name,
  choice: (slot) => choices.get(slot.name),
  names: () => choices.keys(),
});

/**
 * `--slot NAME=IDENTIFIER`, repeated for a list; `NAME=` empties the slot. Behind the identifier may stand what it is
 * granted, in the words of flags. Relative paths are cwd's. Faults: LK0004, LK0702.
 */
export const flagSource = (values: readonly string[], cwd: string): Source =>
  tableSource("flag", assignments(values, cwd, "--slot "));

/** The variable that holds choices: `LOOP_SLOTS="style=./fancy.wasm;group:name=builtin:other"`. */
export const slotsVariable = "LOOP_SLOTS";

export const environmentSource = (env: Readonly<Record<string, string | undefined>>, cwd: string): Source => {
  const values = (env[slotsVariable] ?? "").split(";").map((value) => value.trim());
  return tableSource(
    "environment",
    assignments(
      values.filter((value) => value !== ""),
      cwd,
      `${slotsVariable}: `,
    ),
  );
};

const assignments = (values: readonly string[], cwd: string, where: string): Map<string, Choice> => {
  const choices = new Map<string, { fillings: Filling[]; place: string }>();
  for (const value of values) {
    const at = value.indexOf("=");
    if (at <= 0)
      throw fault("LK0004", `${where}${value}: NAME=IDENTIFIER was looked for`, {
        hint: `write ${where.replace(/: $/, "=")}NAME=./component.wasm`,
      });
    const name = value.slice(0, at);
    const choice = choices.get(name) ?? { fillings: [], place: "" };
    choices.set(name, choice);
    if (at + 1 < value.length) {
      const written = value.slice(at + 1);
      // A file may be called like that, and whoever named it grants nothing.
      const { identifier, grants } = existsSync(resolve(cwd, written))
        ? { identifier: written, grants: [] }
        : identifierAndGrants(written);
      const fillings = fillingsOf([identifier], cwd, lastingTexts(grants, cwd));
      choice.fillings.push(...fillings.map((filling) => ({ ...filling, agreed: true })));
    }
    choice.place += `${choice.place && " "}${where}${value}`;
  }
  return choices;
};

/**
 * The `use`, `grants`, `timeout`, `migrate` and `config` of `[slots.NAME]` tables; the nearest manifest that names a slot
 * speaks. Where none does, `besides` may: what a component of the workspace says.
 */
export const workspaceSource = (
  manifests: readonly Manifest[],
  besides: ReadonlyMap<string, Choice> = new Map(),
): Source => {
  const choices = new Map<string, Choice>();
  for (const manifest of manifests)
    for (const [name, { contract, use, timeout, migrate, config }] of manifest.slots) {
      // Where the slot is declared, its configuration is the declaration's and no choice.
      const chosenConfig = contract === undefined ? config : undefined;
      const chosenTimeout = contract === undefined ? timeout : undefined;
      const chosenMigrate = contract === undefined ? migrate : undefined;
      const said = [use, chosenConfig, chosenTimeout, chosenMigrate];
      if (choices.has(name) || said.every((one) => one === undefined)) continue;
      choices.set(name, {
        ...(use && { fillings: fillingsIn(manifest, name, use) }),
        ...(chosenConfig && { config: chosenConfig }),
        ...(chosenTimeout && { timeoutMs: parseMs(chosenTimeout, manifest.at("slots", name, "timeout")) }),
        ...(chosenMigrate && { migrate: absoluteIdentifier(chosenMigrate, manifest.folder) }),
        place: manifest.at("slots", name),
      });
    }
  for (const [name, choice] of besides) if (!choices.has(name)) choices.set(name, choice);
  return tableSource("workspace", choices);
};
