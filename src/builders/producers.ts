import pkg from "../../package.json" with { type: "json" };
import { appendCustomSection, leb } from "../contract/binary/sections.ts";

/**
 * The component with a `producers` section that names loop and the builder. Format: tool-conventions,
 * ProducersSection.md (a vector of fields, each a name and a vector of name and version).
 */
export const withProducer = (component: Uint8Array, builder: string): Uint8Array => {
  const fields = vector([
    [...text("processed-by"), ...vector([[...text("loop-kit"), ...text(`${pkg.version} (${builder})`)]])],
  ]);
  return appendCustomSection(component, "producers", Uint8Array.from(fields));
};

const vector = (items: readonly (readonly number[])[]): number[] => [...leb(items.length), ...items.flat()];

const text = (value: string): number[] => {
  const bytes = new TextEncoder().encode(value);
  return [...leb(bytes.length), ...bytes];
};
