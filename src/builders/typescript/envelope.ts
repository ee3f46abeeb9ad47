import { Reader } from "../../contract/binary/reader.ts";
import { type Section, sectionsOf, withSections } from "./sections.ts";

// componentize-qjs with `stubWasi` answers every import of WASI with a trap, those that the world itself asks for
// included, and leaves the function that its build used as an export, `init`. So the world is componentized with
// its WASI packages under a name of the same length, and this gives the names back in the outermost component,
// whose import and export names they are; and `init` becomes an alias, which keeps every index as it was.

export const wasiNamespace = "wasi:";
export const hiddenNamespace = "wazi:";

/** How the engine sees a specifier while it is componentized. */
export const hidden = (specifier: string): string =>
  specifier.startsWith(wasiNamespace) ? hiddenNamespace + specifier.slice(wasiNamespace.length) : specifier;

const sectionId = { alias: 6, import: 10, export: 11 } as const;
const sort = { function: 1 } as const;
const strayExport = "init";

/**
 * The component with its WASI names given back and without the componentizer's own export, nor the function that
 * `hiding` names.
 */
export const unwrapEnvelope = (component: Uint8Array, hiding?: string): Uint8Array => {
  const stray = new Set([strayExport, hiding]);
  const aliases = new FunctionAliases();
  return withSections(
    component,
    sectionsOf(component).flatMap((section): Section[] => {
      if (section.id === sectionId.alias) {
        aliases.read(section.body);
        return [section];
      }
      if (section.id === sectionId.import) return [{ id: section.id, body: renamed(section.body) }];
      if (section.id === sectionId.export) return exportsOf(section, aliases, stray);
      return [section];
    }),
  );
};

/** Where each function that is an alias of an instance's export comes from, by the name it has there. */
class FunctionAliases {
  readonly #bodies = new Map<string, Uint8Array>();

  read(body: Uint8Array): void {
    const reader = new Reader(body);
    if (reader.u32() !== 1) return;
    const [what, target] = [reader.byte(), reader.byte()];
    if (what !== sort.function || target !== 0) return;
    reader.u32();
    this.#bodies.set(reader.name(), body);
  }

  of(name: string): Uint8Array | undefined {
    return this.#bodies.get(name);
  }
}

/** One export section with one item each is what the composer writes; a stray one becomes an alias again. */
const exportsOf = (
  section: Section,
  aliases: FunctionAliases,
  stray: ReadonlySet<string | undefined>,
): Section[] => {
  const body = renamed(section.body);
  const reader = new Reader(section.body);
  const count = reader.u32();
  reader.byte();
  const name = reader.name();
  const alias = count === 1 && stray.has(name) ? aliases.of(name) : undefined;
  return [alias ? { id: sectionId.alias, body: alias } : { id: section.id, body }];
};

/** The names have one length, so that the bytes can be written over; only whole names begin so. */
const renamed = (body: Uint8Array): Uint8Array => {
  const out = Uint8Array.from(body);
  const hidden = new TextEncoder().encode(hiddenNamespace);
  const given = new TextEncoder().encode(wasiNamespace);
  for (let at = 0; at + hidden.length <= out.length; at++)
    if (hidden.every((byte, offset) => out[at + offset] === byte)) out.set(given, at);
  return out;
};
