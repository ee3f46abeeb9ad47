// A command as it is described: in a `[[commands]]` table of loop.toml, and, the same, in the section that the
// builder makes of it. The one place that knows its shape and what an unwritten key means.

import schema from "./schema.json";

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
  /** What it means without a value; one is written after "=" then: "--audit", "--audit=FILE". */
  readonly bare?: string;
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

/** A command as a person or a builder writes it, checked against the schema, defaults not yet filled in. */
export type WrittenCommand = Pick<CommandDescription, "name" | "summary"> &
  Partial<Omit<CommandDescription, "options" | "positionals">> & {
    readonly options?: readonly Unkinded<OptionDescription>[];
    readonly positionals?: readonly Unkinded<PositionalDescription>[];
  };

type Unkinded<T extends { readonly kind: unknown }> = Omit<T, "kind"> & Partial<Pick<T, "kind">>;

/** Fills in what was not written: an option is a switch, a positional is text, lists are empty. */
export const completeCommand = (command: WrittenCommand): CommandDescription => ({
  ...command,
  options: (command.options ?? []).map((option) => ({ ...option, kind: option.kind ?? "switch" })),
  positionals: (command.positionals ?? []).map((positional) => ({
    ...positional,
    kind: positional.kind ?? "text",
  })),
  examples: command.examples ?? [],
  capabilities: command.capabilities ?? [],
});

const { pattern, maxLength } = schema.definitions.command.properties.name;

/** Whether a text is a command's name, as a `[[commands]]` table may have it. */
export const isCommandName = (text: string): boolean =>
  text.length <= maxLength && new RegExp(pattern).test(text);
