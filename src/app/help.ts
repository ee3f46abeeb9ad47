import { plain } from "../base/plain.ts";
import type { CommandDescription, OptionDescription } from "../contract/description.ts";
import { globalOptions } from "./options.ts";
import { upper, valueName } from "./parse.ts";
import { paint } from "./style.ts";

// Help, from static descriptions alone: no component is loaded to print it.

/** One command as help lists it. */
export interface ListedCommand {
  readonly description: CommandDescription;
  /** The heading that it stands under. */
  readonly group: string;
  /** Where it comes from, where that is not the executable: "./deploy.wasm, loop.toml". */
  readonly from?: string;
}

export interface HelpStyle {
  readonly styled: boolean;
  readonly columns: number;
}

/** `loop --help`, or `loop slot --help` with the commands of that group alone. */
export const overview = (
  commands: readonly ListedCommand[],
  version: string,
  style: HelpStyle,
  group = "",
): string => {
  const { bold, dim } = paint(style.styled);
  const shown = commands.filter(
    ({ description }) => group === "" || description.name.startsWith(`${group} `),
  );
  const groups = [...new Set(shown.map((command) => command.group))];
  const width = nameWidth([
    ...shown.map(({ description }) => nameAndWords(description)),
    ...globalOptions.map(optionName),
  ]);
  const head =
    group === "" ? [`loop ${version}: hosts WebAssembly components; each of its commands is one`, ""] : [];
  return [
    ...head,
    `${bold("Usage")}  loop ${group === "" ? "COMMAND" : `${group} COMMAND`} [OPTION…]`,
    ...groups.flatMap((heading) => [
      "",
      bold(heading),
      ...rows(
        shown
          .filter((command) => command.group === heading)
          .map(({ description, from }) => [
            nameAndWords(description),
            plain(description.summary) + (from ? ` ${dim(`(${plain(from)})`)}` : ""),
          ]),
        style,
        width,
      ),
    ]),
    "",
    bold("Options"),
    ...optionRows(globalOptions, style, width),
    "",
    `loop COMMAND --help says more about one command`,
    "",
  ].join("\n");
};

/** `loop COMMAND --help`. */
export const commandHelp = ({ description, from }: ListedCommand, style: HelpStyle): string => {
  const { bold, dim } = paint(style.styled);
  const own = new Set(description.options.map(({ name }) => name));
  const globals = globalOptions.filter(
    ({ name }) => !own.has(name) && !["version", "licenses"].includes(name),
  );
  return [
    wrap(plain(description.summary), style.columns).join("\n") + (from ? ` ${dim(`(${plain(from)})`)}` : ""),
    "",
    `${bold("Usage")}  loop ${usage(description)}`,
    ...paragraphs(description.details, style),
    ...section(
      bold("Arguments"),
      rows(
        description.positionals.map(({ name, summary, choices }) => [
          upper(name),
          plain(choices ? `${summary}: ${choices.join(", ")}` : summary),
        ]),
        style,
      ),
    ),
    ...section(bold("Options"), optionRows(description.options, style)),
    ...section(
      bold("Examples"),
      description.examples.flatMap(({ summary, command }) => [
        `  ${plain(summary)}`,
        `    ${plain(command)}`,
      ]),
    ),
    ...section(bold("Options of every command"), optionRows(globals, style)),
    "",
  ].join("\n");
};

const section = (title: string, lines: readonly string[]): string[] =>
  lines.length > 0 ? ["", title, ...lines] : [];

const usage = (description: CommandDescription): string =>
  [
    nameAndWords(description),
    ...(description.options.length > 0 ? ["[OPTION…]"] : []),
    ...(description.rest ? ["[-- ARGUMENT…]"] : []),
  ].join(" ");

const nameAndWords = ({ name, positionals }: CommandDescription): string =>
  [
    name,
    ...positionals.map((positional) => {
      const word = upper(positional.name) + (positional.repeated ? "…" : "");
      return positional.required ? word : `[${word}]`;
    }),
  ].join(" ");

const optionName = (option: OptionDescription): string => {
  const name = plain(valueName(option));
  const value = option.kind === "switch" ? "" : option.bare === undefined ? ` ${name}` : `[=${name}]`;
  return `${option.short ? `-${option.short}, ` : "    "}--${option.name}${value}`;
};

const optionRows = (options: readonly OptionDescription[], style: HelpStyle, width?: number): string[] =>
  rows(
    options.map((option) => {
      const notes = [
        ...(option.default !== undefined && option.kind !== "switch" ? [`default ${option.default}`] : []),
        ...(option.repeated ? ["may be repeated"] : []),
        ...(option.required ? ["required"] : []),
      ];
      return [
        optionName(option),
        plain(option.summary) + (notes.length > 0 ? plain(` (${notes.join(", ")})`) : ""),
      ];
    }),
    style,
    width,
  );

/** Names wider than this stand on a line of their own. */
const nameWidthMax = 30;

/** Columns that a text needs beside its name; on a terminal with less it stands below. */
const textWidthMin = 30;
const indentBelow = 6;

const nameWidth = (names: readonly string[]): number =>
  Math.min(nameWidthMax, Math.max(0, ...names.map((name) => name.length)));

const rows = (
  pairs: readonly (readonly string[])[],
  { columns }: HelpStyle,
  width = nameWidth(pairs.map(([name]) => name!)),
): string[] => {
  const beside = columns - width - 4 >= textWidthMin;
  const left = beside ? width + 4 : indentBelow;
  return pairs.flatMap(([name = "", text = ""]) => {
    const lines = wrap(text, Math.max(1, columns - left));
    const first =
      name.length > width || !beside
        ? [`  ${name}`, `${" ".repeat(left)}${lines[0]}`]
        : [`  ${name.padEnd(width)}  ${lines[0]}`];
    return [...first, ...lines.slice(1).map((line) => " ".repeat(left) + line)];
  });
};

const paragraphs = (details: string | undefined, { columns }: HelpStyle): string[] =>
  details === undefined
    ? []
    : [
        "",
        ...details
          .trim()
          .split("\n")
          .flatMap((line) => wrap(plain(line), columns)),
      ];

const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
};
