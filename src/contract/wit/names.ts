const words = `use type func u8 u16 u32 u64 s8 s16 s32 s64 f32 f64 char bool string resource own borrow record
  flags variant enum list map option result stream future error-context as from static interface tuple world
  import export package constructor include with async`;
const keywords: ReadonlySet<string> = new Set(words.split(/\s+/));

/** An identifier, with "%" where WIT would read a keyword. */
export const id = (name: string): string => (keywords.has(name) ? `%${name}` : name);

/** The same for all words of a name ("use:type/world@1.0.0"); the version is no word. */
export const wordsEscaped = (name: string): string => {
  const at = name.indexOf("@");
  const plain = at < 0 ? name : name.slice(0, at);
  return plain.replace(/[^:/]+/g, id) + name.slice(plain.length);
};
