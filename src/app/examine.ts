import { resourceList, resourceText } from "../base/resources.ts";
import { projectWit } from "../builders/wit.ts";
import { readCommands } from "../contract/commands.ts";
import { describeDifference, differences } from "../contract/compare.ts";
import type { Interface, World } from "../contract/model.ts";
import { resourceOwners, streamedResource } from "../contract/resource.ts";
import { matchInterface } from "../contract/semver.ts";
import { type WitSources, worldFromWit } from "../contract/wit.ts";
import { readWorld } from "../contract/world.ts";
import type { SlotDeclaration } from "../slots/declaration.ts";
import type { Examination } from "../slots/registry.ts";
import type { VerifiedComponent } from "../trust/verify.ts";
import { capabilityContract } from "./capabilities.ts";
import { commandContract, commandsContract, developmentContract, loaderContract } from "./catalog.ts";
import { commandName, misdescribed } from "./commands.ts";
import { isSidecar, type Linking, loadComponent } from "./link.ts";
import { isCapabilitySlot } from "./servers.ts";

/** Looks into a component that is to fill a slot: what differs from the contract, and how it describes itself. */
export const examine = async (
  identifier: string,
  slot: SlotDeclaration,
  linking: Pick<Linking, "resolver" | "folder" | "decisions">,
): Promise<Examination> => {
  if (isSidecar(identifier)) return examineProgram(identifier, slot, linking);
  const { component } = await loadComponent(identifier, linking);
  const found = await misfits(slot, readWorld(component.bytes));
  const command = slot.contract === commandContract ? commandOf(slot, component) : undefined;
  return {
    digest: component.digest,
    trust: component.trust,
    differences: [...found, ...(found.length === 0 && command?.trouble ? [command.trouble] : [])],
    ...(command?.description && { description: command.description }),
  };
};

/** A program tells what it serves when it is started, which only whoever uses the slot does. */
const examineProgram = async (
  identifier: string,
  slot: SlotDeclaration,
  { folder, decisions }: Pick<Linking, "folder" | "decisions">,
): Promise<Examination> => {
  const { loadSidecar, requireTrusted } = await import("./sidecars.ts");
  const { component, file } = loadSidecar(identifier, folder, decisions());
  requireTrusted(component, slot.name, file);
  const fits = slot.scope !== "" || isCapabilitySlot(slot.name);
  return {
    digest: component.digest,
    trust: component.trust,
    differences: fits ? [] : ["a program fills slots of applications and of capabilities, and no other"],
  };
};

/** What keeps a component from fitting a slot, a sentence each. */
export const misfits = async (slot: SlotDeclaration, offered: World): Promise<string[]> => {
  const wanted = isCapabilitySlot(slot.name)
    ? capabilityContract(slot.name, offered)
    : [slot.contract, ...besides(slot, offered)].map((contract) => `  export ${contract};\n`).join("");
  if (wanted === undefined) return [`it exports no interface of ${slot.contract}`];
  const found = differences(await contractWorld(slot, wanted), offered).map(describeDifference);
  const streamed = slot.scope === "" ? undefined : streamedResource(madeWith(slot, offered));
  return streamed === undefined ? found : [...found, streamed];
};

/** What it exports of the contract, and of the interfaces whose resources that is about. */
const madeWith = ({ contract }: SlotDeclaration, { exports }: World): Interface[] => {
  const exported = (name: string) => exports.get(matchInterface(name, exports.keys()) ?? "");
  const own = exported(contract);
  if (own?.kind !== "interface") return [];
  const owners = [...resourceOwners(own.interface)].map(exported);
  const others = owners.flatMap((one) => (one?.kind === "interface" ? [one.interface] : []));
  return [...new Set([own.interface, ...others])];
};

/** What it need not export, and does: then it has to be right. */
const besides = ({ contract }: SlotDeclaration, { exports }: World): string[] =>
  contract === developmentContract
    ? [loaderContract, commandsContract].filter((name) => matchInterface(name, exports.keys()) !== undefined)
    : [];

/** A command has to describe itself under the name that its slot gives it. */
const commandOf = (slot: SlotDeclaration, { identifier, bytes }: VerifiedComponent) => {
  const name = commandName(slot.name);
  const commands = readCommands(identifier, bytes);
  const found = commands.find((command) => command.name === name);
  return found
    ? { description: JSON.stringify(found) }
    : { trouble: misdescribed(name, identifier, commands) };
};

/** A world that exports what the contract asks for and nothing else. */
const contractWorld = async (slot: SlotDeclaration, wanted: string): Promise<World> => {
  const world = `package loop:contract;\n\nworld contract {\n${wanted}}\n`;
  return worldFromWit(new Map([...(await witOf(slot)), ["contract.wit", world]]), "loop:contract/contract");
};

/** The WIT in which the contract stands: loop's own packages, or those of the application that has the slot. */
const witOf = async ({ scope }: SlotDeclaration): Promise<WitSources> => {
  if (scope !== "") return projectWit(scope.slice(0, scope.lastIndexOf("#")));
  const paths = resourceList("wit/").filter((path) => path.endsWith(".wit"));
  return new Map(await Promise.all(paths.map(async (path) => [path, await resourceText(path)] as const)));
};
