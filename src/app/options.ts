import { fault } from "../base/fault.ts";
import type { OptionDescription } from "../contract/description.ts";
import { type LinkerName, linkerNames } from "../host/linkers.ts";
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
  {
    name: "linker",
    summary: "Link with this linker, for comparison; without it the component chooses",
    kind: "choice",
    value: "NAME",
    choices: linkerNames,
  },
  {
    name: "offline",
    summary: "Ask nothing of the network; use what loop.lock names and the store holds",
    kind: "switch",
  },
  { name: "locked", summary: "Let nothing be added to loop.lock or changed in it", kind: "switch" },
  { name: "allow-http", summary: "Speak plain http to hosts beyond this machine", kind: "switch" },
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
  readonly offline: boolean;
  readonly locked: boolean;
  readonly allowHttp: boolean;
  /** NAME=IDENTIFIER, each. */
  readonly slots: readonly string[];
  /** The linker that was asked for. */
  readonly linker: LinkerName | undefined;
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
  const valued = new Map<string, string[]>();
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === "--") {
      words.push(...argv.slice(at));
      break;
    }
    const [head, inline] = word.startsWith("--") ? apart(word) : [word, undefined];
    const option = globalOptions.find(({ name, short }) => head === `--${name}` || head === `-${short}`);
    if (!option || (option.kind === "switch" && inline !== undefined)) words.push(word);
    else if (option.kind === "switch") given.add(option.name);
    else {
      const values = valued.get(option.name) ?? [];
      valued.set(option.name, [...values, inline ?? valueAfter(option, argv, ++at)]);
    }
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
      offline: given.has("offline"),
      locked: given.has("locked"),
      allowHttp: given.has("allow-http"),
      slots: valued.get("slot") ?? [],
      linker: linkerOf(valued.get("linker")),
    },
    words,
  };
};

/** "--slot=a=b" → "--slot", "a=b". */
const apart = (word: string): [string, string | undefined] => {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
};

const linkerOf = (values: readonly string[] | undefined): LinkerName | undefined => {
  const name = values?.at(-1);
  if (name === undefined) return undefined;
  if (linkerNames.includes(name as LinkerName)) return name as LinkerName;
  throw fault("LK0004", `--linker is one of ${linkerNames.join(", ")}, and "${name}" was written`);
};

const valueAfter = (option: OptionDescription, argv: readonly string[], at: number): string => {
  const value = argv[at];
  if (value === undefined || value.startsWith("-")) throw lacksValue(option);
  return value;
};
