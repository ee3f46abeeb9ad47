// The static description of a component's commands. It is written into the component at build time (custom
// section `loop:commands`, JSON), from the `[[commands]]` tables of its loop.toml, and read without
// instantiating anything: help, completion and parsing need no guest code.

/** Name of the custom section, and of the only version of its format. */
export const commandsSection = "loop:commands";
export const commandsFormat = 1;

export type ArgumentKind = "switch" | "text" | "integer" | "path" | "choice";

export interface OptionDescription {
  /** Long name without dashes: "invoke". */
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  readonly summary: string;
  readonly kind: ArgumentKind;
  /** What help shows for the value: "HOST[::GUEST][:ro]". */
  readonly value?: string;
  readonly choices?: readonly string[];
  readonly default?: string;
  readonly repeated?: boolean;
  readonly required?: boolean;
}

export interface PositionalDescription {
  readonly name: string;
  readonly summary: string;
  readonly kind: Exclude<ArgumentKind, "switch">;
  readonly choices?: readonly string[];
  readonly required?: boolean;
  /** Only the last may be. */
  readonly repeated?: boolean;
}

export interface CommandDescription {
  /** As a person writes it, words apart: "slot list". */
  readonly name: string;
  readonly summary: string;
  /** More text for `--help`; plain paragraphs. */
  readonly details?: string;
  readonly options: readonly OptionDescription[];
  readonly positionals: readonly PositionalDescription[];
  /** Whether words after `--` are passed on. */
  readonly rest?: boolean;
  readonly examples: readonly { readonly summary: string; readonly command: string }[];
  /** Host interfaces or packages that it needs beyond the default: "loop:run". */
  readonly capabilities: readonly string[];
}

export interface CommandsSection {
  readonly format: typeof commandsFormat;
  readonly commands: readonly CommandDescription[];
}

/** The slot that a command's filling goes into: "slot list" → "command:slot.list". */
export const commandSlot = (name: string): string => `command:${name.replaceAll(" ", ".")}`;
