import type { OptionDescription } from "../contract/description.ts";
import { lacksValue } from "./parse.ts";

/**
 * Options that loop itself takes, with any command, before or after its name. Their names are loop's alone: a
 * command that describes one of the same name never sees it.
 */
export const globalOptions: readonly OptionDescription[] = [
  { name: "help", short: "h", summary: "Show help for loop or for a command", kind: "switch" },
  { name: "version", summary: "Show the version; with --verbose those of its parts too", kind: "switch" },
  {
    name: "licenses",
    summary: "Show the licences of everything that the executable carries",
    kind: "switch",
  },
  { name: "json", summary: "Write one JSON document to standard output", kind: "switch" },
  { name: "timings", summary: "Show on standard error where the time went", kind: "switch" },
  {
    name: "builtin",
    summary: "Use the shipped command, whatever the slots, loop.toml and memory say",
    kind: "switch",
  },
  {
    name: "slot",
    summary: "Fill a slot for this one time",
    kind: "text",
    value: "NAME=IDENTIFIER",
    repeated: true,
  },
  { name: "no-color", summary: "No colours, as with NO_COLOR in the environment", kind: "switch" },
];

/** What loop itself was told. */
export interface GlobalOptions {
  readonly help: boolean;
  readonly version: boolean;
  readonly licenses: boolean;
  readonly json: boolean;
  readonly timings: boolean;
  readonly builtin: boolean;
  readonly noColor: boolean;
  /** NAME=IDENTIFIER, each. */
  readonly slots: readonly string[];
}

export interface Split {
  readonly options: GlobalOptions;
  /** All other words: the command's name, its own options and what follows `--`. */
  readonly words: readonly string[];
}

/**
 * Takes loop's own options out of the words before `--`. No value of another option can be mistaken for one: a
 * value that begins with a dash is written `--name=value`. Faults: LK0003.
 */
export const splitArguments = (argv: readonly string[]): Split => {
  const given = new Set<string>();
  const slots: string[] = [];
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === "--") {
      words.push(...argv.slice(at));
      break;
    }
    const option = globalOptions.find(({ name, short }) => word === `--${name}` || word === `-${short}`);
    if (option?.kind === "switch") given.add(option.name);
    else if (word.startsWith("--slot=")) slots.push(word.slice("--slot=".length));
    else if (option) slots.push(valueAfter(option, argv, ++at));
    else words.push(word);
  }
  return {
    options: {
      help: given.has("help"),
      version: given.has("version"),
      licenses: given.has("licenses"),
      json: given.has("json"),
      timings: given.has("timings"),
      builtin: given.has("builtin"),
      noColor: given.has("no-color"),
      slots,
    },
    words,
  };
};

const valueAfter = (option: OptionDescription, argv: readonly string[], at: number): string => {
  const value = argv[at];
  if (value === undefined || value.startsWith("-")) throw lacksValue(option);
  return value;
};
