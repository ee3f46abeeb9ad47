import type { CommandDescription } from "../base/manifest/command.ts";

// The static description of a component's commands. It is written into the component at build time (custom
// section `loop:commands`, JSON), from the `[[commands]]` tables of its loop.toml, and read without
// instantiating anything: help, completion and parsing need no guest code.

/** Name of the custom section, and of the only version of its format. */
export const commandsSection = "loop:commands";
export const commandsFormat = 1;

export type {
  ArgumentKind,
  CommandDescription,
  OptionDescription,
  PositionalDescription,
} from "../base/manifest/command.ts";

export interface CommandsSection {
  readonly format: typeof commandsFormat;
  readonly commands: readonly CommandDescription[];
}

/** The slot that a command's filling goes into: "slot list" → "command:slot.list". */
export const commandSlot = (name: string): string => `command:${name.replaceAll(" ", ".")}`;
