import { Fault, fault } from "../../base/fault.ts";
import type { Bundle } from "./bundle.ts";

// Source maps (ECMA-426) as far as they are needed: the places of the bundle in the guest's own sources. The
// guest carries one too (report.guest.js reads it), and every byte of it is four in the component's memory, so
// it is written anew without the wrapper's places and with one place a line for what comes from npm.

/** A source map as the guest carries it; `mappings` as in the standard, names left out. */
export interface Positions {
  /** Relative to the project's folder. */
  readonly sources: readonly string[];
  readonly mappings: string;
}

/** Row and column in the bundle, and the place they come from; no source where it is the wrapper's. All from 0. */
interface Segment {
  readonly row: number;
  readonly column: number;
  readonly source: number | undefined;
  readonly line: number;
  readonly sourceColumn: number;
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function* segmentsOf(mappings: string): Generator<Segment> {
  let [source, line, sourceColumn] = [0, 0, 0];
  for (const [row, text] of mappings.split(";").entries()) {
    let column = 0;
    for (const segment of text === "" ? [] : text.split(",")) {
      const values = decode(segment);
      column += values[0]!;
      if (values.length >= 4) {
        source += values[1]!;
        line += values[2]!;
        sourceColumn += values[3]!;
      }
      yield { row, column, source: values.length >= 4 ? source : undefined, line, sourceColumn };
    }
  }
}

const decode = (text: string): number[] => {
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

const encode = (value: number): string => {
  let rest = value < 0 ? (-value << 1) | 1 : value << 1;
  let text = "";
  do {
    const digit = rest & 31;
    rest >>>= 5;
    text += digits[rest > 0 ? digit | 32 : digit];
  } while (rest > 0);
  return text;
};

/** `names` are the sources' names, undefined for the wrapper's own files. */
export const positionsOf = (mappings: string, names: readonly (string | undefined)[]): Positions => {
  const sources: string[] = [];
  const indices = new Map<number, number>();
  const rows: string[][] = [];
  const last = { row: 0, column: 0, source: 0, line: 0, sourceColumn: 0 };
  let previous: Segment | undefined;
  for (const segment of segmentsOf(mappings)) {
    const name = segment.source === undefined ? undefined : names[segment.source];
    const same =
      name === undefined
        ? previous === undefined
        : previous?.source === segment.source &&
          previous?.line === segment.line &&
          name.includes("node_modules/");
    if (same && previous?.row !== segment.row && name !== undefined) previous = undefined;
    else if (same) continue;
    while (rows.length <= segment.row) rows.push([]);
    if (last.row !== segment.row) [last.row, last.column] = [segment.row, 0];
    const parts = [segment.column - last.column];
    last.column = segment.column;
    previous = name === undefined ? undefined : segment;
    if (name !== undefined) {
      let index = indices.get(segment.source!);
      if (index === undefined) {
        index = sources.push(name) - 1;
        indices.set(segment.source!, index);
      }
      parts.push(index - last.source, segment.line - last.line, segment.sourceColumn - last.sourceColumn);
      [last.source, last.line, last.sourceColumn] = [index, segment.line, segment.sourceColumn];
    }
    rows[segment.row]!.push(parts.map(encode).join(""));
  }
  return { sources, mappings: rows.map((row) => row.join(",")).join(";") };
};

/** Where a place in the bundle (from one) lies in the sources: "src/main.ts:3:9". */
export const sourcePlace = (
  { sources, mappings }: Positions,
  line: number,
  column: number,
): string | undefined => {
  let best: Segment | undefined;
  for (const segment of segmentsOf(mappings)) {
    if (segment.row > line - 1) break;
    if (segment.row === line - 1 && segment.column <= column - 1) best = segment;
  }
  const name = best?.source === undefined ? undefined : sources[best.source];
  return best && name && `${name}:${best.line + 1}:${best.sourceColumn + 1}`;
};

/** What an engine says when the module does not load, as a fault that names the place in the TypeScript source. */
export const moduleFault = (error: unknown, bundle: Bundle, main: string): unknown => {
  if (error instanceof Fault || !(error instanceof Error)) return error;
  const text = error.message;
  const trap = /wasm trap: (.*)/.exec(text)?.[1];
  // QuickJS: "…: Failed to finish JavaScript module evaluation: RangeError: why", then the stack.
  const first = (text.split("\n")[0] ?? "").replace(/^.*Failed to [^:]*: /, "").replace(/^(: |Error: )+/, "");
  const thrown = trap ? `The engine stopped while the module was loaded: ${trap}` : first;
  const frames = /(?:at (?:.*? \()?|@)[^\n()]*?:(\d+):(\d+)\)?/g;
  const place = [...text.matchAll(frames)]
    .map((match) => sourcePlace(bundle.positions, Number(match[1]), Number(match[2])))
    .find((found) => found !== undefined);
  return fault("LK0602", `${place ? `${place}: ` : thrown.includes(main) ? "" : `${main}: `}${thrown}`, {
    cause: error,
  });
};
