import type { ComponentAst } from "../../contract/binary/ast.ts";
import { Reader } from "../../contract/binary/reader.ts";
import { customSections } from "../../contract/binary/sections.ts";

export interface Producer {
  /** "language", "processed-by" or "sdk". */
  readonly field: string;
  readonly name: string;
  readonly version: string;
}

/**
 * What the `producers` sections of a component and of everything in it say, each once. Format: tool-conventions,
 * ProducersSection.md. It is a courtesy of whoever built it: a malformed section is read as far as it goes.
 */
export const producers = (ast: ComponentAst): readonly Producer[] => {
  const found = new Map<string, Producer>();
  const note = (producer: Producer) => found.set(Object.values(producer).join("\0"), producer);
  for (const section of sectionsOf(ast)) readSection(section, note);
  return [...found.values()].sort(
    (a, b) => a.field.localeCompare(b.field, "en") || a.name.localeCompare(b.name, "en"),
  );
};

const sectionsOf = (ast: ComponentAst): Uint8Array[] => [
  ...ast.customs
    .filter(({ name }) => name === "producers")
    .map(({ payload }) => ast.bytes.subarray(payload.start, payload.end)),
  ...ast.definitions.flatMap((definition) => {
    if (definition.kind === "component") return sectionsOf(definition.component);
    if (definition.kind !== "core-module") return [];
    const module = ast.bytes.subarray(definition.range.start, definition.range.end);
    return [...(customSections(module).get("producers") ?? [])];
  }),
];

const readSection = (bytes: Uint8Array, note: (producer: Producer) => void): void => {
  const reader = new Reader(bytes, 0);
  try {
    reader.vector(() => {
      const field = reader.name();
      reader.vector(() => note({ field, name: reader.name(), version: reader.name() }));
    });
  } catch {
    return;
  }
};
