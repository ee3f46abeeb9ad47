/** What the wrapper imports for the program: always the place where uncaught exceptions are reported. */
const always = ["wasi:cli/stderr"];

/** Globals that a component has only through WASI, by the word that a program uses them with. */
const byUse: readonly (readonly [RegExp, string])[] = [
  [/\bconsole\b/, "wasi:cli/stdout"],
  [/\bDate\b/, "wasi:clocks/wall-clock"],
  [/\bperformance\b|\bconsole\.time/, "wasi:clocks/monotonic-clock"],
  [/\bcrypto\b|\bMath\.random\b/, "wasi:random/random"],
];

/**
 * The interfaces that the wrapper needs for a program's text. A word in a string or a comment counts too: an
 * import too many is harmless, one too few is a trap.
 */
export const neededImports = (program: string): string[] => [
  ...always,
  ...byUse.filter(([word]) => word.test(program)).map(([, name]) => name),
];
