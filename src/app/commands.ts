import { relative } from "node:path";
import { Fault } from "../base/fault.ts";
import { shellWord } from "../base/word.ts";
import { readCommands } from "../contract/commands.ts";
import type { CommandDescription } from "../contract/description.ts";
import { commandSlot } from "../contract/description.ts";
import type { Registered } from "../providers/devserver/registry.ts";
import type { Resolver } from "../resolve/resolver.ts";
import type { Filling } from "../slots/declaration.ts";
import type { Decision } from "../slots/precedence.ts";
import type { Slots } from "../slots/registry.ts";
import type { ShippedCommand } from "./catalog.ts";
import type { ListedCommand } from "./help.ts";

// The commands that there are here and now: the shipped ones, and what slots replaced or added.

const family = "command:";
const addedGroup = "Added";
const workspaceGroup = "This workspace";

/** "command:slot.list" → "slot list". */
export const commandName = (slot: string): string => slot.slice(family.length).replaceAll(".", " ");

/** Names of all commands that can be called. */
export const commandNames = (
  shipped: ReadonlyMap<string, ShippedCommand>,
  slots: Slots | undefined,
): string[] => [
  ...new Set([
    ...shipped.keys(),
    ...addedDecisions(shipped, slots).map(({ slot }) => commandName(slot.name)),
  ]),
];

const addedDecisions = (shipped: ReadonlyMap<string, ShippedCommand>, slots: Slots | undefined): Decision[] =>
  (slots?.list() ?? []).filter(
    ({ slot, fillings }) =>
      slot.name.startsWith(family) && !shipped.has(commandName(slot.name)) && fillings.length > 0,
  );

/**
 * All commands as help lists them. A filling from elsewhere is described by what was remembered of it, else by
 * its own bytes, of which only the section with the description is read.
 */
export const listCommands = async (
  shipped: ReadonlyMap<string, ShippedCommand>,
  slots: Slots | undefined,
  resolver: Resolver,
  registered: readonly Registered[] = [],
): Promise<ListedCommand[]> => {
  const own = [...shipped.values()].map((command) =>
    slots ? listShipped(command, slots.explain(commandSlot(command.description.name)), resolver) : command,
  );
  const added = addedDecisions(shipped, slots).map((decision) =>
    listFilled(decision, addedGroup, undefined, resolver),
  );
  const known = new Set(commandNames(shipped, slots));
  const others = registered.filter(({ name }) => !known.has(name));
  return Promise.all([...own, ...added, ...others.map((command) => listRegistered(command, resolver))]);
};

/** One of the workspace's own: as its component describes it, or, where that is not made yet, as it was registered. */
const listRegistered = async (
  { name, summary, component }: Registered,
  resolver: Resolver,
): Promise<ListedCommand> => {
  const from = `${shortIdentifier(component, resolver.folder)}, dev server`;
  const unknown = { name, summary, options: [], positionals: [], examples: [], capabilities: [] };
  try {
    const description = await describe({ identifier: component, grants: [] }, name, resolver);
    return { description, group: workspaceGroup, from };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { description: unknown, group: workspaceGroup, from };
  }
};

const listShipped = (command: ShippedCommand, decision: Decision, resolver: Resolver) =>
  decision.fillings[0]?.identifier === command.identifier
    ? command
    : listFilled(decision, command.group, command.description, resolver);

const listFilled = async (
  decision: Decision,
  group: string,
  replaced: CommandDescription | undefined,
  resolver: Resolver,
): Promise<ListedCommand> => {
  const name = commandName(decision.slot.name);
  const [filling] = decision.fillings;
  const unknown = (summary: string): CommandDescription => ({
    ...(replaced ?? { options: [], positionals: [], examples: [], capabilities: [] }),
    name,
    summary,
  });
  if (!filling)
    return { description: unknown("Nothing fills this command's slot"), group, from: decision.source };
  const from = `${shortIdentifier(filling.identifier, resolver.folder)}, ${decision.source}`;
  try {
    if (decision.fault) throw decision.fault;
    return { description: await describe(filling, name, resolver), group, from };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { description: unknown(`Not usable: ${error.message}`), group, from };
  }
};

/** Faults: LK0402 where the component describes no such command, and those of fetching and reading it. */
const describe = async (filling: Filling, name: string, resolver: Resolver): Promise<CommandDescription> => {
  if (filling.description !== undefined) return JSON.parse(filling.description);
  const { bytes } = await resolver.fetch(filling.identifier);
  return describedAs(name, filling.identifier, bytes);
};

/** The description of one command in a component's own section. Faults: LK0402, LK0203, LK0204. */
export const describedAs = (name: string, identifier: string, bytes: Uint8Array): CommandDescription => {
  const commands = readCommands(identifier, bytes);
  const found = commands.find((command) => command.name === name);
  if (found) return found;
  throw new Fault("LK0402", misdescribed(name, identifier, commands), {
    hint: `loop inspect ${shellWord(identifier)}`,
  });
};

export const misdescribed = (
  name: string,
  identifier: string,
  commands: readonly CommandDescription[],
): string =>
  commands.length === 0
    ? `${identifier} describes no command, and "${name}" was looked for: its loop.toml has no [[commands]]`
    : `${identifier} describes ${commands.map((command) => `"${command.name}"`).join(", ")}, and "${name}" was looked for`;

/** A path below the folder as a person would write it; any other identifier as it is. */
export const shortIdentifier = (identifier: string, folder: string): string => {
  if (!identifier.startsWith("/")) return identifier;
  const path = relative(folder, identifier);
  return path.startsWith("..") ? identifier : `./${path}`;
};

/** What the fillings of a command's slot say that they need and were not granted. */
export const lackingOf = ({ fillings }: Decision): string[] =>
  fillings.flatMap(({ description, grants }) => {
    const needs: readonly string[] = description === undefined ? [] : JSON.parse(description).capabilities;
    return needs.filter((need) => !grants.includes(need) && !grants.includes(need.replace(/\/.*$/, "")));
  });
