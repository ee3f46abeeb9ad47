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
  kind: option.kind,
  choices: [...(option.choices ?? [])],
  repeated: option.repeated ?? false,
});
