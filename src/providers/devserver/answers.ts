import { isAbsolute } from "node:path";
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { isCommandName } from "../../base/manifest/command.ts";
import { plainLine } from "../../base/plain.ts";
import type { Graph, Member } from "./graph.ts";
import type { Origin, Provided } from "./loader.ts";
import type { Registered } from "./registry.ts";

// What the component in the slot answers, held to what is taken: it chooses names, paths and identifiers, and every
// one of them is bounded before anybody goes by it. Faults: LK0451.

export const checkedGraph = ({ members, application }: Graph): Graph => {
  bounded("members", members, limits.devMembersMax);
  for (const member of members) checkMember(member);
  if (application !== undefined && !members.some(({ name }) => name === application))
    throw refused(`it names the application ${shown(application)}, which is no member`);
  return { members, application };
};

const checkMember = ({ name, folder, component, uses, watched }: Member): void => {
  worded("a member", name);
  bounded(`uses of ${shown(name)}`, uses, limits.devEdgesMax);
  bounded(`watched paths of ${shown(name)}`, watched, limits.devEdgesMax);
  for (const path of [folder, component, ...watched]) placed(path);
};

export const checkedOrigin = (origin: Origin): Origin => {
  if (origin.tag === "made") named(origin.val);
  return origin;
};

/** What may stand before capabilities: components, in slots of capabilities alone. */
export const checkedProviders = (provided: readonly Provided[]): readonly Provided[] => {
  bounded("providers", provided, limits.devProvidersMax);
  for (const { slot, identifier } of provided) {
    worded("a slot", slot);
    named(identifier);
    if (!/^provider:[a-z][a-z0-9-]*:[a-z][a-z0-9-]*(\/[a-z][a-z0-9-]*)?$/.test(slot))
      throw refused(`it names a provider for ${shown(slot)}; provider:NAMESPACE:PACKAGE was looked for`);
  }
  return provided;
};

export const checkedCommands = (registered: readonly Registered[]): readonly Registered[] => {
  bounded("commands", registered, limits.devCommandsMax);
  for (const { name, summary, component } of registered) {
    if (!isCommandName(name))
      throw refused(`it has a command ${shown(name)}; lower-case words were looked for, such as "deploy"`);
    bounded(`characters of what it says of ${name}`, summary, limits.devTextLengthMax);
    named(component);
  }
  return registered;
};

const bounded = (what: string, answer: { readonly length: number }, max: number): void => {
  if (answer.length > max) throw refused(`it answers ${answer.length} ${what}; the limit is ${max}`);
};

/** A name that is shown beside lines and in them. */
const worded = (what: string, name: string): void => {
  if (name === "" || plainLine(name, limits.nameLengthMax) !== name)
    throw refused(`it calls ${what} ${shown(name)}, which is no name`);
};

const placed = (path: string): void => {
  bounded("characters in a path", path, limits.devTextLengthMax);
  if (!isAbsolute(path) || path.includes("\0"))
    throw refused(`it names the path ${shown(path)}; an absolute one was looked for`);
};

/** An identifier of a component; where a path leads from is nobody's to guess, and programs are not for it to start. */
const named = (identifier: string): void => {
  bounded("characters in an identifier", identifier, limits.devTextLengthMax);
  if (identifier.startsWith("sidecar:"))
    throw refused(`it names the program ${shown(identifier)}; a component was looked for`);
  if (!isAbsolute(identifier) && !/^[a-z][a-z0-9+.-]*:/.test(identifier))
    throw refused(
      `it names the component ${shown(identifier)}; an absolute path or another identifier was looked for`,
    );
};

const shown = (text: string): string => JSON.stringify(plainLine(text, limits.shownLengthMax));

const refused = (why: string) =>
  fault("LK0451", `What fills the slot devserver cannot be used: ${why}`, {
    hint: "loop slot explain devserver",
  });
