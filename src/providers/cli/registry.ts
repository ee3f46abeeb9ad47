import { commandSlot, type OptionDescription } from "../../contract/description.ts";
import type { InterfaceImplementation } from "../../host/provider.ts";
import type { CliSettings } from "./index.ts";

/** `loop:cli/registry`: the commands from their static descriptions. */
export const registry = (settings: CliSettings): InterfaceImplementation => ({
  commands: async () =>
    (await settings.commands()).map(({ description }) => ({
      name: description.name,
      summary: description.summary,
      slot: commandSlot(description.name),
      options: description.options.map(optionInfo),
      positionals: description.positionals.map((positional) => ({
        name: positional.name,
        summary: positional.summary,
        kind: positional.kind,
        choices: [...(positional.choices ?? [])],
        required: positional.required ?? false,
        repeated: positional.repeated ?? false,
      })),
      rest: description.rest ?? false,
    })),
  options: () => settings.globalOptions.map(optionInfo),
});

const optionInfo = (option: OptionDescription) => ({
  name: option.name,
  short: option.short,
  summary: option.summary,
  // One that needs no value takes no word after it, which is all that completion wants to know.
  kind: option.bare === undefined ? option.kind : "switch",
  choices: [...(option.choices ?? [])],
  repeated: option.repeated ?? false,
});
