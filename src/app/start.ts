// From argv to an exit code. Owns the order of things: loop's own options, then the command's slot, then its
// words, then its component; refuses to print errors (`main` does); called by `main` alone.

import pkg from "../../package.json" with { type: "json" };
import { Fault, fault } from "../base/fault.ts";
import { cannotWrite } from "../base/files.ts";
import { nearest } from "../base/suggest.ts";
import { timed, timings } from "../base/timings.ts";
import type { Registered } from "../providers/devserver/registry.ts";
import { ahead } from "./ahead.ts";
import { shippedCommands } from "./catalog.ts";
import { commandNames, listCommands } from "./commands.ts";
import { dispatch } from "./dispatch.ts";
import { commandHelp, type ListedCommand, overview } from "./help.ts";
import { globalOptions, splitArguments } from "./options.ts";
import { parseWords } from "./parse.ts";
import { Program } from "./program.ts";
import { timingsText } from "./report.ts";
import { ownStdio } from "./stdio.ts";

/** Runs loop with the words after its name; answers the exit code. Faults are the caller's to print; LK0006. */
export const start = async (argv: readonly string[]): Promise<number> => {
  const { options, words } = timed("arguments", () => splitArguments(argv));
  const stdio = ownStdio();
  const program = new Program(options, await timed("catalog", shippedCommands), stdio);
  let failed: unknown;
  try {
    if (options.version || options.licenses) return await about(program, words);
    const asksHelp = options.help || words.length === 0 || words[0] === "help";
    if (asksHelp) return await help(program, words[0] === "help" ? words.slice(1) : words);
    ahead(words, program.shipped);
    const { name, registered } = await chosenCommand(program, words);
    const exitCode = await dispatch(program, name, words.slice(name.split(" ").length), registered);
    // Nobody may take half an output for a whole one because the guest did not look at what its writes answered.
    if (exitCode === 0 && stdio.lost()) throw cannotWrite("standard output", stdio.lost());
    return exitCode;
  } catch (error) {
    failed = error;
    throw error;
  } finally {
    await program.finish(failed);
    if (options.timings) await program.say(timingsText(timings(), performance.now()));
  }
};

interface ChosenCommand {
  readonly name: string;
  /** Where it is one of the workspace's own. */
  readonly registered?: Registered | undefined;
}

/**
 * The command that the words name; the workspace's own are asked for where it is no other. Where the loop.toml that
 * might have it does not read, that is the fault.
 */
const chosenCommand = async (program: Program, words: readonly string[]): Promise<ChosenCommand> => {
  const names = commandNames(program.shipped, program.choosingCommands);
  try {
    return { name: commandOf(words, names) };
  } catch (error) {
    program.choosing;
    // A slip in an option is no command.
    if (words[0]!.startsWith("-")) throw error;
    const registered = await program.registered();
    const name = commandOf(words, [...names, ...registered.map((one) => one.name)]);
    return { name, registered: registered.find((one) => one.name === name) };
  }
};

/** `--version --verbose`, `--licenses`. */
const about = async (program: Program, words: readonly string[]): Promise<number> => {
  const { options } = program;
  parseWords({ name: "", options: [...globalOptions, verbose], positionals: [] }, words);
  const { licensesText, versionText } = await import("./about.ts");
  const text = options.licenses
    ? await licensesText(options.json)
    : await versionText(words.length > 0, options.json);
  await program.write(text);
  return 0;
};

const verbose = {
  name: "verbose",
  summary: "With --version: the versions of its parts",
  kind: "switch",
} as const;

/** `loop --help`, `loop slot --help`, `loop run --help`. No component is loaded for what is known without. */
const help = async (program: Program, words: readonly string[]): Promise<number> => {
  const leading = words.filter((word) => !word.startsWith("-"));
  const { commands, unasked } = await helpCommands(program, leading);
  const names = commands.map(({ description }) => description.name);
  const isGroup = leading.length === 1 && names.some((name) => name.startsWith(`${leading[0]} `));
  if (program.options.json) {
    await program.write(`${JSON.stringify(asDocument(commands), null, 2)}\n`);
    return 0;
  }
  const exact = names.includes(leading[0] ?? "");
  if (leading.length === 0 || (isGroup && !exact)) {
    await program.write(overview(commands, pkg.version, program, leading[0]));
    if (unasked !== undefined)
      await program.write(`\nWhat ${unasked} registers besides is not listed: help starts no component\n`);
    return 0;
  }
  const name = commandOf(leading, names);
  await program.write(commandHelp(commands.find(({ description }) => description.name === name)!, program));
  return 0;
};

interface HelpCommands {
  readonly commands: ListedCommand[];
  /** The component that might know more of them. */
  readonly unasked?: string;
}

/**
 * Help has to work where nothing else does: what cannot be read is said, and the shipped commands are shown. It starts
 * nothing, a stranger's component least of all, unless it is asked about a word that nobody else knows.
 */
const helpCommands = async (program: Program, leading: readonly string[]): Promise<HelpCommands> => {
  try {
    const still = await program.stillCommands();
    if (still.unasked === undefined || leading.length === 0 || knows(still.commands, leading)) return still;
    return { commands: await program.commands() };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    await program.say(`loop: ${error.message}; these are the shipped commands\n`);
    return { commands: await listCommands(program.shipped, undefined, program.resolver.still) };
  }
};

/** Whether words name a command, or begin the names of a group. */
const knows = (commands: readonly ListedCommand[], words: readonly string[]): boolean =>
  commands.some(
    ({ description: { name } }) =>
      `${words.join(" ")} `.startsWith(`${name} `) || name.startsWith(`${words[0]} `),
  );

const asDocument = (commands: readonly ListedCommand[]) => ({
  version: pkg.version,
  commands: commands.map(({ description, group, from }) => ({
    ...description,
    group,
    from: from ?? "built-in",
  })),
  options: globalOptions,
});

/** The longest command name that the words begin with. Faults: LK0001, LK0002. */
export const commandOf = (words: readonly string[], names: readonly string[]): string => {
  const first = words[0]!;
  if (first.startsWith("-")) parseWords({ name: "", options: globalOptions, positionals: [] }, [first]);
  const end = words.findIndex((word) => word.startsWith("-"));
  const leading = end < 0 ? words : words.slice(0, end);
  for (let count = leading.length; count > 0; count--) {
    const name = leading.slice(0, count).join(" ");
    if (names.includes(name)) return name;
  }
  throw unknownCommand(leading, names);
};

const unknownCommand = (leading: readonly string[], names: readonly string[]) => {
  const [first = "--", second] = leading;
  const group = names
    .filter((name) => name.startsWith(`${first} `))
    .map((name) => name.slice(first.length + 1));
  if (group.length > 0) {
    const near = second && nearest(second, group);
    const found = second === undefined ? "nothing was written after it" : `"${second}" was written`;
    return fault("LK0001", `loop ${first} is one of ${group.join(", ")}, and ${found}`, {
      hint: near ? `loop ${first} ${near}` : `loop ${first} --help`,
    });
  }
  if (/[./:]/.test(first))
    return fault("LK0001", `There is no command "${first}"`, { hint: `loop run ${first}` });
  const near = nearest(first, [...new Set(names.flatMap((name) => [name, name.split(" ")[0]!]))]);
  return fault("LK0001", `There is no command "${first}"; there are: ${firstWords(names).join(", ")}`, {
    hint: near ? `loop ${near}` : "loop --help",
  });
};

const firstWords = (names: readonly string[]): string[] => [
  ...new Set(names.map((name) => name.split(" ")[0]!)),
];
