import type { CommandInfo, OptionInfo } from "loop:cli/registry@0.1.0";
import { entering, offeringValues, offeringWords, takingValues } from "./alike.ts";
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
${takingValues(all)
  .map((pattern) => `      ${pattern}) (( i += 1 )) ;;`)
  .join("\n")}
      *:-*) ;;
      *)
        case "$command:$word" in
${entering(all)}
          *) (( count += 1 )) ;;
        esac ;;
    esac
    (( i += 1 ))
  done
  case "$command:\${words[CURRENT-1]}" in
${offeringValues(all, offer)}
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

const dashed = ({ path, options }: Place): string =>
  `      ${quoted(path)}) choices=(${options.flatMap((option) => spellings(option).map((word) => described(word, option.summary))).join(" ")}) ;;`;

const follows = ({ path, next, positionals }: Place): string => {
  const words = next.map(({ word, summary }) => described(word, summary)).join(" ");
  const plain = words ? `choices=(${words}); _describe command choices` : offeringWords(positionals, offer);
  return `    ${quoted(path)}) ${plain} ;;`;
};

/** "word:summary", as _describe reads it. */
const described = (word: string, summary: string): string =>
  quoted(`${word}:${plain(summary).replaceAll("\\", "\\\\").replaceAll(":", "\\:")}`);

const offer = ({ kind, choices }: { kind: string; choices: string[] }): string =>
  kind === "path" ? "_files" : kind === "choice" ? `compadd -- ${harmless(choices).join(" ")}` : ":";
