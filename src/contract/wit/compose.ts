import { excerpt } from "../excerpt.ts";
import { wordsEscaped } from "./names.ts";
import { type Block, type Extent, scan, tokensOf } from "./scan.ts";

/** WIT by path: one or more packages, each in one or more files. What lies in a `deps` folder is no main package. */
export type WitSources = ReadonlyMap<string, string>;

/** One file's part of a package. */
interface Piece {
  readonly path: string;
  /** The file's text with everything blanked that is not this part: lines and columns stay the file's own. */
  readonly text: string;
}

export interface WitPackage {
  readonly name: string;
  readonly pieces: readonly Piece[];
  readonly worlds: readonly string[];
  readonly interfaces: readonly string[];
  /** Not from a `deps` folder or the executable: what "the world" means when no package is named. */
  readonly main: boolean;
}

/** One text for wasm-tools: a package at the top, the others in braces. Lines can be traced to their files. */
export interface Composed {
  readonly text: string;
  /** A place in the text as "wit/world.wit:3:14", with the line and a caret. */
  place(offset: number): { where: string; lines: string } | undefined;
}

const dependency = /(?:^|\/)(?:deps|carried)\//;

/** Packages by name, in the order of their first file. A file that names none belongs to its folder's package. */
export const packagesOf = (sources: WitSources): Map<string, WitPackage> => {
  const found = new Map<string, { pieces: Piece[]; worlds: string[]; interfaces: string[]; main: boolean }>();
  const scanned = [...sources].map(([path, text]) => ({ path, text, blocks: scan(text) }));
  const folderPackage = new Map<string, string>();
  for (const { path, blocks } of scanned)
    if (blocks[0]!.package !== undefined) folderPackage.set(folderOf(path), blocks[0]!.package);
  const seenUses = new Set<string>();
  for (const { path, text, blocks } of scanned)
    for (const block of blocks) {
      const name = block.package ?? folderPackage.get(folderOf(path));
      if (name === undefined && block.worlds.length + block.interfaces.length + block.uses.length === 0)
        continue;
      const key = name ?? "";
      const entry = found.get(key) ?? { pieces: [], worlds: [], interfaces: [], main: false };
      found.set(key, entry);
      entry.pieces.push({ path, text: partText(text, block, blocks, repeatedUses(key, block, seenUses)) });
      entry.worlds.push(...block.worlds);
      entry.interfaces.push(...block.interfaces);
      entry.main ||= !dependency.test(path);
    }
  return new Map([...found].map(([name, entry]) => [name, { name, ...entry }]));
};

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/") + 1);

/** The same `use` in two files of a package would name a thing twice once they are one text. */
const repeatedUses = (name: string, block: Block, seen: Set<string>): Extent[] =>
  block.uses.filter(({ statement }) => {
    const key = `${name} ${statement}`;
    if (seen.has(key)) return true;
    seen.add(key);
    return false;
  });

const partText = (text: string, block: Block, blocks: readonly Block[], drop: readonly Extent[]): string => {
  const inner = blocks.filter((other) => other !== block && block === blocks[0]).map((other) => other.extent);
  const outside = [
    { start: 0, end: block.extent.start },
    { start: block.extent.end, end: text.length },
  ];
  return [...outside, ...inner, ...block.syntax, ...drop].reduce(blanked, text);
};

/** Spaces keep every later column where it was; line ends stay, and a comment that is cut is blanked whole. */
const blanked = (text: string, { start, end }: Extent): string =>
  text.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, " ") + text.slice(end);

/** The packages that `texts` lead to, directly or through others, in the order of all of them. */
const reachable = (packages: ReadonlyMap<string, WitPackage>, texts: readonly string[]): WitPackage[] => {
  const found = new Set<WitPackage>();
  const queue = [...texts];
  for (let text = queue.pop(); text !== undefined; text = queue.pop()) {
    const names = mentioned(text);
    for (const entry of packages.values()) {
      if (found.has(entry) || !names.has(entry.name.replace(/@.*$/, ""))) continue;
      found.add(entry);
      queue.push(...entry.pieces.map((piece) => piece.text));
    }
  }
  return [...packages.values()].filter((entry) => found.has(entry));
};

/** Packages that a text names, without versions: "wasi:cli" of `use wasi:cli/types@0.2.6.{…}`. */
const mentioned = (text: string): Set<string> => {
  const tokens = tokensOf(text).map((token) => token.text.replace(/^%/, ""));
  const names = new Set<string>();
  for (const [at, token] of tokens.entries())
    if (token === ":" && tokens[at + 2] === "/") names.add(`${tokens[at - 1]}:${tokens[at + 1]}`);
  return names;
};

/**
 * Puts packages together with `top` outermost; `prelude` replaces it by a text of our own. Packages that nothing
 * leads to stay out, so that a mistake in one of them stops nobody else.
 */
export const compose = (
  packages: ReadonlyMap<string, WitPackage>,
  top: string | undefined,
  prelude = "",
): Composed => {
  const lines: string[] = prelude === "" ? [] : prelude.split("\n");
  /** For each line of the text, the file and the line in it. */
  const origins: ({ path: string; line: number } | undefined)[] = lines.map(() => undefined);
  const add = (line: string, origin?: { path: string; line: number }) => {
    lines.push(line);
    origins.push(origin);
  };
  const addPieces = (pieces: readonly Piece[]) => {
    for (const { path, text } of pieces)
      for (const [index, line] of text.split("\n").entries()) add(line, { path, line: index + 1 });
  };
  const first = top === undefined ? undefined : packages.get(top);
  if (first) {
    add(`package ${wordsEscaped(first.name)};`);
    addPieces(first.pieces);
  }
  for (const other of reachable(packages, first ? first.pieces.map((piece) => piece.text) : [prelude])) {
    if (other === first) continue;
    add(`package ${wordsEscaped(other.name)} {`);
    addPieces(other.pieces);
    add("}");
  }
  const text = lines.join("\n");
  return {
    text,
    place(offset) {
      const { line, column, lines: shown } = excerpt(text, offset);
      const origin = origins[line - 1];
      return origin && { where: `${origin.path}:${origin.line}:${column}`, lines: shown };
    },
  };
};
