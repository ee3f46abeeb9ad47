// What bash and zsh spell alike: the cases by which a word is known for a command, an option or an option's value.
import type { CommandInfo } from "loop:cli/registry@0.1.0";
import { type Place, quoted, spellings } from "./tree.ts";

/** Something that has values: an option, or a word without a name. */
type Valued = { kind: string; choices: string[] };
type Offer = (valued: Valued) => string;

/** "PATH:--option", quoted, for every option that takes a value in its next word. */
export const takingValues = (all: Place[]): string[] =>
  all.flatMap(({ path, options }) =>
    options
      .filter(({ kind }) => kind !== "switch")
      .flatMap((option) => spellings(option).map((word) => quoted(`${path}:${word}`))),
  );

/** One case a command: the word that enters it from the path before. */
export const entering = (all: Place[]): string =>
  all
    .filter(({ path }) => path !== "")
    .map(({ path }) => {
      const words = path.split(" ");
      return `          ${quoted(`${words.slice(0, -1).join(" ")}:${words.at(-1)}`)}) command=${quoted(path)} ;;`;
    })
    .join("\n");

/** One case an option: what its value may be. */
export const offeringValues = (all: Place[], offer: Offer): string =>
  all
    .flatMap(({ path, options }) =>
      options
        .filter(({ kind }) => kind !== "switch")
        .map((option) => {
          const patterns = spellings(option).map((word) => quoted(`${path}:${word}`));
          return `    ${patterns.join(" | ")}) ${offer(option)}; return ;;`;
        }),
    )
    .join("\n");

/** What the word may be that stands after so many others. */
export const offeringWords = (positionals: CommandInfo["positionals"], offer: Offer): string => {
  const last = positionals.at(-1);
  const cases = positionals.map(
    (positional, at) => `${positional === last && positional.repeated ? "*" : at}) ${offer(positional)} ;;`,
  );
  return `case $count in ${cases.join(" ")} esac`;
};
