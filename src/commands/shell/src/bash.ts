import type { CommandInfo, OptionInfo } from "loop:cli/registry@0.1.0";
import { entering, offeringValues, offeringWords, takingValues } from "./alike.ts";
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
${takingValues(all).map(stepsOver).join("\n")}
      *:-* | *:=) ;;
      *)
        case "$command:$word" in
${entering(all)}
          *) ((count += 1)) ;;
        esac ;;
    esac
    ((i += 1))
  done
  case "$command:$prev" in
${offeringValues(all, offer)}
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
const stepsOver = (pattern: string): string =>
  `      ${pattern}) ((i += 1)); [[ \${COMP_WORDS[i]} == "=" ]] && ((i += 1)) ;;`;

const follows = ({ path, next, options, positionals }: Place): string => {
  const dashed = options.flatMap(spellings).join(" ");
  const words = next.map(({ word }) => word).join(" ");
  const plain = words ? `_loop_words ${quoted(words)}` : offeringWords(positionals, offer);
  return `    ${quoted(path)}) if [[ $cur == -* ]]; then _loop_words ${quoted(dashed)}; else ${plain}; fi ;;`;
};

const offer = ({ kind, choices }: { kind: string; choices: string[] }): string =>
  kind === "path"
    ? "_loop_files"
    : kind === "choice"
      ? `_loop_words ${quoted(harmless(choices).join(" "))}`
      : ":";
