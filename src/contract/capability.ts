import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import type { CapabilitiesTable } from "../base/manifest/tables.ts";
import { customSections } from "./binary/sections.ts";

/** The custom section in which a component says what it wants its capabilities for. */
export const capabilitiesSection = "loop:capabilities";
const format = 1;

/** What a component says of one capability that it wants. It is a wish: it grants nothing. */
export interface CapabilityWish {
  /** "wasi:http", "loop:storage", "wasi:cli/environment". */
  readonly name: string;
  /** What for, in its author's words. */
  readonly reason: string;
  /** Which folders, hosts, variables or programs, in the words of their flags. */
  readonly want: readonly string[];
}

export const wishesOf = (table: CapabilitiesTable): CapabilityWish[] =>
  Object.entries(table).map(([name, said]) =>
    typeof said === "string"
      ? { name, reason: said, want: [] }
      : { name, reason: said.reason, want: said.want ?? [] },
  );

/** The content of the section for these wishes. */
export const capabilitiesText = (wishes: readonly CapabilityWish[]): string =>
  JSON.stringify({ format, capabilities: wishes });

/** What a component says that it wants; nothing where it says nothing. Faults: LK0203, LK0204. */
export const readWishes = (identifier: string, bytes: Uint8Array): readonly CapabilityWish[] => {
  const [section] = customSections(bytes).get(capabilitiesSection) ?? [];
  if (!section) return [];
  if (section.length > limits.capabilitiesSectionBytesMax)
    throw fault(
      "LK0204",
      `${identifier} gives reasons in ${section.length} bytes; the limit is ${limits.capabilitiesSectionBytesMax}`,
    );
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(section));
  } catch (error) {
    throw malformed(identifier, error instanceof Error ? error.message : String(error));
  }
  const { format: written, capabilities } = (document ?? {}) as Record<string, unknown>;
  if (written !== format || !Array.isArray(capabilities) || !capabilities.every(isWish))
    throw malformed(identifier, `a list of wishes in format ${format} was looked for`);
  return capabilities.map(({ name, reason, want }) => ({ name, reason, want: [...want] }));
};

const isWish = (value: unknown): value is CapabilityWish => {
  const { name, reason, want } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof name === "string" &&
    typeof reason === "string" &&
    Array.isArray(want) &&
    want.every((one) => typeof one === "string")
  );
};

const malformed = (identifier: string, why: string) =>
  fault("LK0203", `${identifier} gives reasons for its capabilities in a section that does not read: ${why}`);
