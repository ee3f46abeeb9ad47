import type { CommandInfo, OptionInfo } from "loop:cli/registry@0.1.0";
import { harmless, type Place, places, quoted, spellings } from "./tree.ts";

/** A bash completion script. It needs bash 4 and no bash-completion package. */
export const bash = (commands: CommandInfo[], globals: OptionInfo[]): string => {
  const all = places(commands, globals);
  return `# bash completion for loop; made by: loop completions bash
_loop() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command="" count=0 i=1 word
  # bash takes --name=value apart at the equals sign.
  if [[ $cur == "=" ]]; then cur=""; elif [[ $prev == "=" ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  while ((i < COMP_CWORD)); do
    word=\${COMP_WORDS[i]}
    case "$command:$word" in
      *:--) _loop_files; return ;;
${valueOptions(all)}
      *:-* | *:=) ;;
      *)
        case "$command:$word" in
${all
  .filter(({ path }) => path !== "")
  .map(enters)
  .join("\n")}
          *) ((count += 1)) ;;
        esac ;;
    esac
    ((i += 1))
  done
  case "$command:$prev" in
${all.flatMap(values).join("\n")}
  esac
  case "$command" in
${all.map(follows).join("\n")}
  esac
}
_loop_words() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_loop_files() { compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); }
complete -F _loop loop
`;
};

/** Steps over the value of an option that takes one. */
const valueOptions = (all: Place[]): string =>
  all
    .flatMap(({ path, options }) =>
      options
        .filter(({ kind }) => kind !== "switch")
        .flatMap((option) => spellings(option).map((word) => `${path}:${word}`)),
    )
    .map((pattern) => `      ${quoted(pattern)}) ((i += 1)); [[ \${COMP_WORDS[i]} == "=" ]] && ((i += 1)) ;;`)
    .join("\n");

const enters = ({ path }: Place): string => {
  const words = path.split(" ");
  return `          ${quoted(`${words.slice(0, -1).join(" ")}:${words.at(-1)}`)}) command=${quoted(path)} ;;`;
};

const values = ({ path, options }: Place): string[] =>
  options
    .filter(({ kind }) => kind !== "switch")
    .map((option) => {
      const patterns = spellings(option).map((word) => quoted(`${path}:${word}`));
      return `    ${patterns.join(" | ")}) ${offer(option)}; return ;;`;
    });

const follows = ({ path, next, options, positionals }: Place): string => {
  const dashed = options.flatMap(spellings).join(" ");
  const words = next.map(({ word }) => word).join(" ");
  const last = positionals.at(-1);
  const cases = positionals.map(
    (positional, at) => `${positional === last && positional.repeated ? "*" : at}) ${offer(positional)} ;;`,
  );
  const plain = words ? `_loop_words ${quoted(words)}` : `case $count in ${cases.join(" ")} esac`;
  return `    ${quoted(path)}) if [[ $cur == -* ]]; then _loop_words ${quoted(dashed)}; else ${plain}; fi ;;`;
};

const offer = ({ kind, choices }: { kind: string; choices: string[] }): string =>
  kind === "path"
    ? "_loop_files"
    : kind === "choice"
      ? `_loop_words ${quoted(harmless(choices).join(" "))}`
      : ":";
