import type { CommandInfo, OptionInfo } from "loop:cli/registry@0.1.0";
import { harmless, type Place, places, plain } from "./tree.ts";

/** A fish completion script. */
export const fish = (commands: CommandInfo[], globals: OptionInfo[]): string => {
  const all = places(commands, globals);
  const taking = all.flatMap(({ path, options }) =>
    options
      .filter(({ kind }) => kind !== "switch")
      .flatMap(({ name, short }) => [`${path}:--${name}`, ...(short ? [`${path}:-${short}`] : [])]),
  );
  return `# fish completion for loop; made by: loop completions fish
# Whether the words before the cursor name the command "$argv[1]" and, where a number follows, hold so many
# further words ("2" exactly two, "2+" two or more).
function __loop_at
    set -l command ""
    set -l count 0
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        switch "$command:$word"
            case '*:--'
                return 1
            case ${taking.map(quoted).join(" ")}
                set skip 1
            case '*:-*'
${all
  .filter(({ path }) => path !== "")
  .map(enters)
  .join("\n")}
            case '*'
                set count (math $count + 1)
        end
    end
    test "$command" = "$argv[1]"; or return 1
    switch "$argv[2]"
        case ''
            return 0
        case '*+'
            test $count -ge (string trim -r -c + -- $argv[2])
        case '*'
            test $count = "$argv[2]"
    end
end
# What follows -- are a component's own arguments.
function __loop_rest
    contains -- -- (commandline -opc)
end
complete -c loop -f
complete -c loop -n __loop_rest -F
${all.flatMap(lines).join("\n")}
`;
};

const enters = ({ path }: Place): string => {
  const words = path.split(" ");
  return `            case ${quoted(`${words.slice(0, -1).join(" ")}:${words.at(-1)}`)}\n                set command ${quoted(path)}`;
};

const lines = ({ path, next, options, positionals }: Place): string[] => [
  ...next.map(({ word, summary }) => line(path, "0", `-a ${quoted(word)} -d ${quoted(summary)}`)),
  ...options.map((option) => line(path, "", `${named(option)} -d ${quoted(option.summary)}`)),
  ...positionals.map((positional, at) =>
    line(path, positional.repeated ? `${at}+` : `${at}`, offer(positional) || "-f"),
  ),
];

const line = (path: string, count: string, rest: string): string =>
  `complete -c loop -n ${quoted(`__loop_at ${inner(path)} ${inner(count)}`)} ${rest}`;

const named = (option: OptionInfo): string =>
  [
    `-l ${option.name}`,
    ...(option.short ? [`-s ${option.short}`] : []),
    ...(option.kind === "switch" ? [] : [`-r ${offer(option)}`.trim()]),
  ].join(" ");

const offer = ({ kind, choices }: { kind: string; choices: string[] }): string =>
  kind === "path" ? "-F" : kind === "choice" ? `-a ${quoted(harmless(choices).join(" "))}` : "";

const inner = (text: string): string => `"${text}"`;

/** Text in single quotes, as fish reads it. */
const quoted = (text: string): string => `'${plain(text).replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
