import type { CommandInfo, OptionInfo } from "loop:cli/registry@0.1.0";

/** What may follow one command path: "" is loop itself, "slot" a group, "slot list" a command. */
export interface Place {
  readonly path: string;
  readonly next: readonly { readonly word: string; readonly summary: string }[];
  readonly options: readonly OptionInfo[];
  readonly positionals: CommandInfo["positionals"];
}

/** Every path with what may follow it, the root first. A command's own option hides loop's of the same name. */
export const places = (commands: CommandInfo[], globals: OptionInfo[]): Place[] => {
  const paths = new Map<string, Place>();
  const place = (path: string): Place =>
    paths.get(path) ?? { path, next: [], options: globals, positionals: [] };
  for (const command of commands) {
    const words = command.name.split(" ");
    for (const [at, word] of words.entries()) {
      const parent = place(words.slice(0, at).join(" "));
      const summary = at === words.length - 1 ? command.summary : `${word} commands`;
      if (!parent.next.some((known) => known.word === word))
        paths.set(parent.path, { ...parent, next: [...parent.next, { word, summary }] });
    }
    const own = new Set(command.options.map(({ name }) => name));
    const options = [...command.options, ...globals.filter(({ name }) => !own.has(name))];
    paths.set(command.name, { ...place(command.name), options, positionals: command.positionals });
  }
  return [place(""), ...[...paths.values()].filter(({ path }) => path !== "")];
};

/** "--dir" and "-d". */
export const spellings = ({ name, short }: OptionInfo): string[] => [
  `--${name}`,
  ...(short ? [`-${short}`] : []),
];

/**
 * Choices that a shell may be shown: its word lists are expanded, so a description from a stranger must not be
 * able to put `$(…)` there.
 */
export const harmless = (choices: string[]): string[] =>
  choices.filter((choice) => /^[\w@%+=:,./-]+$/.test(choice));

/** Text in single quotes, as bash and zsh read it; control characters have no place in a script. */
export const quoted = (text: string): string => `'${plain(text).replaceAll("'", "'\\''")}'`;

export const plain = (text: string): string => text.replace(/\p{Cc}/gu, " ");
