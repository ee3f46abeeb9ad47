import { CliBuilder } from "clipanion/lib/core";
import { fault } from "../base/fault.ts";
import { nearest } from "../base/suggest.ts";
import { shellWord } from "../base/word.ts";
import type {
  CommandDescription,
  OptionDescription,
  PositionalDescription,
} from "../contract/description.ts";

// Words → values, by a static description. clipanion's state machine does the parsing; its text never reaches
// a person, because every refusal here has a code and names what exists. The machine (`lib/core`) is used
// without clipanion's `Cli` class, which opens the process's streams when it is loaded.

export interface Values {
  /** By option or positional name, defaults filled in; a switch that was given is ["true"]. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** What follows `--`. */
  readonly rest: readonly string[];
}

type Shape = Pick<CommandDescription, "name" | "options" | "positionals" | "rest">;

/**
 * Reads the words after a command's name. Faults: LK0002 unknown option, LK0003 something missing, LK0004 a
 * value of the wrong type, LK0008 too many words.
 */
export const parseWords = (command: Shape, words: readonly string[]): Values => {
  const { own, rest } = splitRest(command, words);
  const names = new MachineNames(command.options);
  const state = runMachine(command, names, own);
  const values = new Map<string, string[]>();
  for (const { name, value: given } of state.options as { name: string; value?: unknown }[]) {
    const option = names.option(name);
    const value = given === true ? (option?.bare ?? given) : given;
    if (!option || value === undefined || value === false) continue;
    if (option.kind !== "switch" && typeof value !== "string") throw lacksValue(option);
    const text = option.kind === "switch" ? "true" : checked(`--${option.name}`, option, value as string);
    if (option.repeated) values.set(option.name, [...(values.get(option.name) ?? []), text]);
    else values.set(option.name, [text]);
  }
  placePositionals(
    command,
    state.positionals.map(({ value }) => value),
    values,
  );
  fillAndRequire(command, values);
  return { values, rest };
};

const splitRest = ({ rest }: Shape, words: readonly string[]) => {
  const at = rest ? words.indexOf("--") : -1;
  return at < 0 ? { own: words, rest: [] } : { own: words.slice(0, at), rest: words.slice(at + 1) };
};

const runMachine = (command: Shape, names: MachineNames, words: readonly string[]) => {
  const builder = new CliBuilder({ binaryName: "loop" });
  const machine = builder.command();
  machine.setContext({});
  for (const option of command.options)
    machine.addOption({
      names: names.of(option),
      arity: option.kind === "switch" || option.bare !== undefined ? 0 : 1,
      allowBinding: option.kind !== "switch",
    });
  // All are optional to the machine: `fillAndRequire` can say which one is missing and what it is for.
  for (const positional of command.positionals)
    if (positional.repeated) machine.addRest({ name: positional.name });
    else machine.addPositional({ name: positional.name, required: false });
  const spelled = words.map((word) => names.spell(word));
  try {
    return builder.compile().process(spelled);
  } catch (error) {
    throw explained(command, names, words, error);
  }
};

/**
 * clipanion knows option names of letters and hyphens only, and descriptions allow digits, so a name with a
 * digit goes through the machine under another one.
 */
class MachineNames {
  readonly #byMachine = new Map<string, OptionDescription>();
  readonly #spelled = new Map<string, string>();

  constructor(options: readonly OptionDescription[]) {
    for (const [at, option] of options.entries()) {
      const long = `--${option.name}`;
      const letters = [...`${at}`].map((digit) => "abcdefghij"[Number(digit)]).join("");
      const machine = /\d/.test(long) ? `--digit-${letters}` : long;
      this.#spelled.set(long, machine);
      this.#byMachine.set(machine, option);
      if (option.short) this.#byMachine.set(`-${option.short}`, option);
    }
  }

  of(option: OptionDescription): string[] {
    const long = this.#spelled.get(`--${option.name}`)!;
    return option.short ? [`-${option.short}`, long] : [long];
  }

  option(machineName: string): OptionDescription | undefined {
    return this.#byMachine.get(machineName);
  }

  spell(word: string): string {
    const [head] = word.split("=", 1) as [string];
    const machine = this.#spelled.get(head);
    return machine === undefined ? word : machine + word.slice(head.length);
  }
}

/** clipanion's one-sentence reasons, as coded faults. */
const explained = (command: Shape, names: MachineNames, words: readonly string[], error: unknown) => {
  const reason = reasonOf(error);
  const [, word = ""] = /\("([\s\S]*)"\)\.$/.exec(reason) ?? [];
  if (/^(Unsupported|Invalid) option name/.test(reason)) return badOption(command, names, word);
  if (reason.startsWith("Extraneous positional argument")) return tooMany(command, words, word);
  const [, name] = /^Not enough arguments to option (\S+)\.$/.exec(reason) ?? [];
  const option = name && names.option(name);
  return option ? lacksValue(option) : error;
};

const reasonOf = (error: unknown): string => {
  const candidates = (error as { candidates?: { reason?: string | null }[] }).candidates ?? [];
  return candidates.find(({ reason }) => reason)?.reason ?? "";
};

const badOption = (command: Shape, names: MachineNames, word: string) => {
  const [name] = word.split("=", 1) as [string];
  const known = names.option(names.spell(name));
  if (known) return fault("LK0004", `--${known.name} takes no value, and "${word}" was written`);
  const all = command.options.flatMap((option) => [
    `--${option.name}`,
    ...(option.short ? [`-${option.short}`] : []),
  ]);
  const near = nearest(
    name,
    all.filter((option) => name.startsWith("--") || option.length === 2),
  );
  const owner = command.name === "" ? "loop" : `loop ${command.name}`;
  return fault("LK0002", `${owner} has no option ${name}`, {
    hint: near ? `did you mean ${near}?` : `${owner} --help`,
  });
};

export const lacksValue = (option: OptionDescription) =>
  fault("LK0003", `--${option.name} needs a value (${valueName(option)})`, {
    hint: `--${option.name}=${valueName(option)} where the value begins with a dash`,
  });

const tooMany = (command: Shape, words: readonly string[], word: string) =>
  fault("LK0008", `loop ${command.name} was given one word too many: "${word}"`, {
    hint: command.rest
      ? `loop ${command.name} ${behindDashes(command, words, word)}`
      : `loop ${command.name} --help`,
  });

/** The words with those that are too many, up to the next option, where the component's own stand. */
const behindDashes = ({ positionals }: Shape, words: readonly string[], word: string): string => {
  const at = Math.max(0, words.indexOf(word, positionals.length));
  const option = words.findIndex((other, index) => index > at && other.startsWith("-"));
  const end = option < 0 ? words.length : option;
  return [...words.slice(0, at), ...words.slice(end), "--", ...words.slice(at, end)].map(shellWord).join(" ");
};

const placePositionals = (
  { positionals }: Shape,
  words: readonly string[],
  values: Map<string, string[]>,
): void => {
  for (const [at, positional] of positionals.entries()) {
    const given = positional.repeated ? words.slice(at) : words.slice(at, at + 1);
    if (given.length > 0)
      values.set(
        positional.name,
        given.map((word) => checked(upper(positional.name), positional, word)),
      );
  }
};

const fillAndRequire = (command: Shape, values: Map<string, string[]>): void => {
  for (const option of command.options) {
    if (values.has(option.name)) continue;
    if (option.default !== undefined && option.kind !== "switch") values.set(option.name, [option.default]);
    else if (option.required) throw missing(command, `--${option.name}`, option.summary);
  }
  for (const positional of command.positionals)
    if (positional.required && !values.has(positional.name))
      throw missing(command, upper(positional.name), positional.summary);
};

const missing = (command: Shape, what: string, summary: string) =>
  fault("LK0003", `loop ${command.name} needs ${what}: ${summary}`, { hint: `loop ${command.name} --help` });

const checked = (
  what: string,
  { kind, choices }: Pick<OptionDescription | PositionalDescription, "kind" | "choices">,
  text: string,
): string => {
  if (kind === "integer" && !/^-?\d+$/.test(text))
    throw fault("LK0004", `${what} is a whole number, and "${text}" was written`);
  if (kind === "choice" && !choices?.includes(text))
    throw fault("LK0004", `${what} is one of ${(choices ?? []).join(", ")}, and "${text}" was written`);
  return text;
};

export const upper = (name: string): string => name.toUpperCase();

/** What help shows for an option's value. */
export const valueName = ({ value, choices, kind, name }: OptionDescription): string =>
  value ??
  (kind === "choice" && choices
    ? choices.join("|")
    : kind === "integer"
      ? "NUMBER"
      : kind === "path"
        ? "PATH"
        : upper(name));
