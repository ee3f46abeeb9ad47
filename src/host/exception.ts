/** What a guest said on its standard error before it trapped. */
export interface GuestException {
  readonly message: string;
  /** "src/main.ts:3:9", where the guest's text names a place. */
  readonly place: string | undefined;
}

/** Lines of a message that are looked at for its end. */
const messageLinesMax = 20;

/**
 * Finds the last uncaught exception or panic in the end of a guest's standard error. Forms known: the TypeScript
 * builder's wrapper ("Uncaught TypeError: …" then "    at name (file:line:col)"), and Rust's panics ("thread
 * 'main' panicked at src/main.rs:2:5:" then the message).
 */
export const guestException = (stderr: string): GuestException | undefined => {
  const lines = stderr.split("\n");
  for (let at = lines.length - 1; at >= 0; at--) {
    const thrown = /^Uncaught (.+)$/.exec(lines[at]!);
    if (thrown) {
      const after = lines.slice(at + 1);
      return { message: joined(thrown[1]!, after), place: firstPlace(after) };
    }
    const panic = /panicked at (\S+?):?$/.exec(lines[at]!);
    if (panic) return { message: lines[at + 1] || "panic", place: panic[1] };
  }
  return undefined;
};

/** A message that opens an object on its first line has all of it, on one line. */
const joined = (first: string, after: readonly string[]): string => {
  if (!first.endsWith("{")) return first;
  const end = after.slice(0, messageLinesMax).findIndex((line) => /^\s*\}\s*$/.test(line));
  return end < 0 ? first : [first, ...after.slice(0, end + 1).map((line) => line.trim())].join(" ");
};

/** A message may have several lines; the places come after them. */
const firstPlace = (lines: readonly string[]): string | undefined => {
  for (const line of lines) {
    const place = /^\s+at (?:.* \()?([^()\s]+:\d+(?::\d+)?)\)?$/.exec(line)?.[1];
    if (place) return place;
  }
  return undefined;
};
