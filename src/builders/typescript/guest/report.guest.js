// Guest code. Where an error came from, in the TypeScript source: the engine's stack names lines of the bundle,
// and the builder appends the bundle's source map, which is decoded only when something has gone wrong.

const framesMax = 20;
Error.stackTraceLimit = 50;

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/**
 * The segments of one line of the source map's `mappings`: [column, source, line, column], zero-based; first the
 * last one of the lines before, where a text goes on over several.
 */
const segmentsOf = (mappings, wanted) => {
  const found = [];
  let before;
  let [column, source, line, sourceColumn, at] = [0, 0, 0, 0, 0];
  for (let row = 0; row <= wanted && at <= mappings.length; row++) {
    column = 0;
    while (at < mappings.length && mappings[at] !== ";") {
      if (mappings[at] === ",") {
        at++;
        continue;
      }
      const values = [];
      while (at < mappings.length && mappings[at] !== "," && mappings[at] !== ";") {
        let [value, shift, digit] = [0, 0, 0];
        do {
          digit = digits.indexOf(mappings[at++]);
          value += (digit & 31) << shift;
          shift += 5;
        } while (digit & 32);
        values.push(value & 1 ? -(value >>> 1) : value >>> 1);
      }
      column += values[0];
      if (values.length >= 4) {
        source += values[1];
        line += values[2];
        sourceColumn += values[3];
      }
      const place = values.length >= 4 ? source : undefined;
      if (row === wanted) found.push([column, place, line, sourceColumn]);
      else before = [0, place, line, sourceColumn];
    }
    at++;
  }
  return before ? [before, ...found] : found;
};

/** "src/main.ts:3:9" for a place in the bundle (one-based), or undefined for what is none of the guest's. */
const placeOf = (line, column) => {
  const map = globalThis[Symbol.for("loop:positions")];
  if (!map) return undefined;
  const segments = segmentsOf(map.mappings, line - 1);
  let best;
  for (const segment of segments) if (segment[0] <= column - 1) best = segment;
  const source = best && map.sources[best[1]];
  return source ? `${source}:${best[2] + 1}:${best[3] + 1}` : undefined;
};

/** The lines of an error's stack that lie in the guest's source: "    at greet (src/main.ts:3:9)". */
export const stackOf = (error) => {
  const lines = [];
  for (const line of String(error?.stack ?? "").split("\n")) {
    // QuickJS writes "at greet (name:3:9)", StarlingMonkey "greet@name:3:9".
    const match =
      /^\s*at (?:(.*?) \()?[^()]*?:(\d+):(\d+)\)?$/.exec(line) ?? /^(.*?)@.*?:(\d+):(\d+)$/.exec(line);
    const place = match && placeOf(Number(match[2]), Number(match[3]));
    if (!place) continue;
    const name = match[1]?.replace(/[^\w$.<>]/g, "") || "<anonymous>";
    lines.push(`    at ${name} (${place})`);
    if (lines.length === framesMax) break;
  }
  return lines;
};
