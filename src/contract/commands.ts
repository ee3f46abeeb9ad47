import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { check, type Schema } from "../base/manifest/check.ts";
import { completeCommand, type WrittenCommand } from "../base/manifest/command.ts";
import schema from "../base/manifest/schema.json";
import { customSections } from "./binary/sections.ts";
import { type CommandDescription, commandsFormat, commandsSection } from "./description.ts";

/** A section is checked by the same rules as the `[[commands]]` tables that it is made from. */
const sectionSchema: Schema = {
  type: "object",
  required: ["format", "commands"],
  properties: {
    format: { type: "integer", enum: [commandsFormat] },
    commands: (schema as Schema).properties!["commands"]!,
  },
  definitions: (schema as Schema).definitions!,
};

/**
 * The commands that a component describes, from its `loop:commands` custom section; none where it has none.
 * Nothing is instantiated or decoded but the section. Faults: LK0203 not what the format says, LK0204 too large.
 */
export const readCommands = (identifier: string, bytes: Uint8Array): readonly CommandDescription[] => {
  const [section] = customSections(bytes).get(commandsSection) ?? [];
  return section ? parseCommands(identifier, section) : [];
};

/** Reads the content of a `loop:commands` section. Faults as `readCommands`. */
export const parseCommands = (identifier: string, bytes: Uint8Array): readonly CommandDescription[] => {
  if (bytes.length > limits.commandsSectionBytesMax)
    throw fault(
      "LK0204",
      `${identifier} describes its commands in ${bytes.length} bytes; the limit is ${limits.commandsSectionBytesMax}`,
    );
  const section = parseJson(identifier, bytes);
  const [problem] = check(section, sectionSchema);
  if (problem) throw malformed(identifier, `${problem.path.join(".") || "the whole"} is ${problem.kind}`);
  return (section as { commands: WrittenCommand[] }).commands.map(completeCommand);
};

const parseJson = (identifier: string, bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw malformed(identifier, error instanceof Error ? error.message : String(error));
  }
};

const malformed = (identifier: string, why: string) =>
  fault("LK0203", `${identifier} describes its commands in a section that does not read: ${why}`);
