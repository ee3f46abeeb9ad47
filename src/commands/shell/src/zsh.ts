import type { CommandInfo, OptionInfo } from "loop:cli/registry@0.1.0";
import { harmless, type Place, places, plain, quoted, spellings } from "./tree.ts";

/** A zsh completion script: put on fpath as _loop, or sourced after compinit. */
export const zsh = (commands: CommandInfo[], globals: OptionInfo[]): string => {
  const all = places(commands, globals);
  return `#compdef loop
# zsh completion for loop; made by: loop completions zsh
_loop() {
  local command="" word
  integer i=2 count=0
  local -a choices
  while (( i < CURRENT )); do
    word=\${words[i]}
    case "$command:$word" in
      *:--) _files; return ;;
${valueOptions(all)}
      *:-*) ;;
      *)
        case "$command:$word" in
${all
  .filter(({ path }) => path !== "")
  .map(enters)
  .join("\n")}
          *) (( count += 1 )) ;;
        esac ;;
    esac
    (( i += 1 ))
  done
  case "$command:\${words[CURRENT-1]}" in
${all.flatMap(values).join("\n")}
  esac
  if [[ $PREFIX == -* ]]; then
    case "$command" in
${all.map(dashed).join("\n")}
    esac
    _describe -o option choices
    return
  fi
  case "$command" in
${all.map(follows).join("\n")}
  esac
}
if [[ "\${funcstack[1]}" == "_loop" ]]; then _loop "$@"; else compdef _loop loop; fi
`;
};

const valueOptions = (all: Place[]): string =>
  all
    .flatMap(({ path, options }) =>
      options
        .filter(({ kind }) => kind !== "switch")
        .flatMap((option) => spellings(option).map((word) => `${path}:${word}`)),
    )
    .map((pattern) => `      ${quoted(pattern)}) (( i += 1 )) ;;`)
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

const dashed = ({ path, options }: Place): string =>
  `      ${quoted(path)}) choices=(${options.flatMap((option) => spellings(option).map((word) => described(word, option.summary))).join(" ")}) ;;`;

const follows = ({ path, next, positionals }: Place): string => {
  const last = positionals.at(-1);
  const cases = positionals.map(
    (positional, at) => `${positional === last && positional.repeated ? "*" : at}) ${offer(positional)} ;;`,
  );
  const words = next.map(({ word, summary }) => described(word, summary)).join(" ");
  const plain = words
    ? `choices=(${words}); _describe command choices`
    : `case $count in ${cases.join(" ")} esac`;
  return `    ${quoted(path)}) ${plain} ;;`;
};

/** "word:summary", as _describe reads it. */
const described = (word: string, summary: string): string =>
  quoted(`${word}:${plain(summary).replaceAll("\\", "\\\\").replaceAll(":", "\\:")}`);

const offer = ({ kind, choices }: { kind: string; choices: string[] }): string =>
  kind === "path" ? "_files" : kind === "choice" ? `compadd -- ${harmless(choices).join(" ")}` : ":";
