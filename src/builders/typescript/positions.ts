import { Fault, fault } from "../../base/fault.ts";
import type { Bundle, Positions } from "./bundle.ts";

/** Where a place in the bundle (one-based) lies in the sources: "src/main.ts:3:9". */
export const sourcePlace = (
  { sources, mappings }: Positions,
  line: number,
  column: number,
): string | undefined => {
  let [source, sourceLine, sourceColumn] = [0, 0, 0];
  let best: string | undefined;
  for (const [row, text] of mappings.split(";").entries()) {
    let at = 0;
    for (const segment of text.split(",")) {
      const values = vlq(segment);
      at += values[0] ?? 0;
      if (values.length < 4) continue;
      source += values[1]!;
      sourceLine += values[2]!;
      sourceColumn += values[3]!;
      if (row === line - 1 && (at <= column - 1 || best === undefined)) {
        const name = sources[source];
        best = name ? `${name}:${sourceLine + 1}:${sourceColumn + 1}` : undefined;
      }
    }
    if (row === line - 1) return best;
  }
  return undefined;
};

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const vlq = (text: string): number[] => {
  const values: number[] = [];
  let [value, shift] = [0, 0];
  for (const letter of text) {
    const digit = digits.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    values.push(value & 1 ? -(value >>> 1) : value >>> 1);
    [value, shift] = [0, 0];
  }
  return values;
};

/** What an engine says when the module does not load, as a fault that names the place in the TypeScript source. */
export const moduleFault = (error: unknown, bundle: Bundle, main: string): unknown => {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  const text = error.message.replace(/^Failed to (evaluate|declare|finish)[^:]*: /, "");
  const thrown = /(?:Failed to [^:]*: )*(?:Error: )?([^\n]*)/.exec(text)?.[1] ?? text;
  const places = [...text.matchAll(/(?:at (.*?) \(|^(.*?)@)[^\n()]*?:(\d+):(\d+)\)?/gm)].flatMap((match) => {
    const place = sourcePlace(bundle.positions, Number(match[3]), Number(match[4]));
    return place ? [place] : [];
  });
  return fault("LK0602", `${places[0] ?? main}: ${thrown.trim()}`, { cause: error });
};
