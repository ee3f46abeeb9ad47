import { resourceText } from "../base/resources.ts";
import { type CommandDescription, commandSlot } from "../contract/description.ts";
import type { Provider } from "../host/provider.ts";
import { declareSlot, type SlotDeclaration } from "../slots/declaration.ts";
import { capabilitySlots } from "./capabilities.ts";
import { fetcherSlots } from "./fetching.ts";
import { builderMembers, commandMembers } from "./members.ts";

// The shipped commands, from one file that the build writes out of the components' own descriptions: listing
// them, and finding the one that is called, reads no component.

export const commandContract = "loop:cli/command@0.1.0";
export const developmentContract = "loop:devserver/workspace@0.1.0";
/** What a component in its slot may export besides, and loop answers otherwise. */
export const loaderContract = "loop:devserver/loader@0.1.0";
export const commandsContract = "loop:devserver/commands@0.1.0";
/** Who says what there is to develop. */
export const developmentSlot = "devserver";
export const builderContract = "loop:build/builder@0.1.0";

/** `commands.json`: the commands that each shipped component describes, by the component's name. */
export type Catalog = Readonly<Record<string, readonly CommandDescription[]>>;

export interface ShippedCommand {
  readonly description: CommandDescription;
  /** "builtin:run". */
  readonly identifier: string;
  /** The heading under which help lists it. */
  readonly group: string;
}

/** The shipped commands by name, in the order in which help lists them. */
export const shippedCommands = async (): Promise<ReadonlyMap<string, ShippedCommand>> => {
  const catalog: Catalog = JSON.parse(await resourceText("commands.json"));
  return new Map(
    commandMembers.flatMap(({ component, group }) =>
      (catalog[component] ?? []).map((description): [string, ShippedCommand] => [
        description.name,
        { description, identifier: `builtin:${component}`, group },
      ]),
    ),
  );
};

/** loop's own slots: one for each shipped command, builder and capability, and the families that plugins add to. */
export const ownSlots = (
  shipped: ReadonlyMap<string, ShippedCommand>,
  providers: readonly Provider[],
): SlotDeclaration[] => [
  ...[...shipped].map(([name, { description, identifier }]) =>
    declareSlot({
      name: commandSlot(name),
      summary: description.summary,
      contract: commandContract,
      defaults: [{ identifier, grants: description.capabilities }],
    }),
  ),
  declareSlot({ name: "command:*", summary: "Further commands of loop", contract: commandContract }),
  ...builderMembers.map(({ language, identifier, summary }) =>
    declareSlot({
      name: `builder:${language}`,
      summary,
      contract: builderContract,
      defaults: [{ identifier, grants: [] }],
    }),
  ),
  declareSlot({
    name: developmentSlot,
    summary: "Says what there is to develop in a workspace, and what uses what",
    contract: developmentContract,
    defaults: [{ identifier: "builtin:devserver", grants: [] }],
  }),
  declareSlot({ name: "builder:*", summary: "Builders of further languages", contract: builderContract }),
  ...fetcherSlots(),
  ...capabilitySlots(providers),
];
