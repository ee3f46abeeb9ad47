// WIT text → World and back. Owns putting packages together, choosing the world, and printing a world in full.
// Refuses to parse WIT itself: wasm-tools does (a quarter of a second to load), so this is for building,
// checking and inspecting, never for running. Called by builders, slots and `loop inspect`.
import { Fault, fault } from "../base/fault.ts";
import { nearest } from "../base/suggest.ts";
import { customSections } from "./binary/sections.ts";
import type { World } from "./model.ts";
import { unversioned } from "./model.ts";
import { matchInterface } from "./semver.ts";
import { wasmTools } from "./tools.ts";
import { type Composed, compose, packagesOf, type WitPackage, type WitSources } from "./wit/compose.ts";
import { located } from "./wit/locate.ts";
import { wordsEscaped } from "./wit/names.ts";
import { readWorld } from "./world.ts";

export type { WitSources } from "./wit/compose.ts";
export { printWorld } from "./wit/print.ts";

/** A world chosen from sources: one text that wasm-tools and jco take, and the world's full name in it. */
export interface ChosenWorld {
  readonly composed: Composed;
  /** "ns:pkg/world@1.0.0". */
  readonly world: string;
}

/**
 * The world of the sources that `name` means: "ns:pkg/world@1.0.0", a bare name in the main packages, or nothing
 * where those have only one world. The name of an interface means a world that exports just that. LK0210.
 */
export const chooseWorld = (sources: WitSources, name?: string): ChosenWorld => {
  const packages = packagesOf(sources);
  if (packages.size === 0) throw fault("LK0209", "WIT was looked for, and no package is there");
  if (packages.has("")) throw fault("LK0209", `${packages.get("")!.pieces[0]!.path} names no package`);
  const worlds = namesIn(packages, "worlds");
  if (name?.includes("/")) {
    const world = exactOrCompatible(name, worlds.map(spell));
    if (world) return { composed: compose(packages, packageOf(world)), world };
    const inside = exactOrCompatible(name, namesIn(packages, "interfaces").map(spell));
    if (inside) return contractOf(packages, inside);
    throw noWorld(name, worlds);
  }
  const main = worlds.filter(({ main }) => main);
  const own = main.length > 0 ? main : worlds;
  const named = name === undefined ? own : own.filter((entry) => entry.name === name);
  if (named.length !== 1) throw noWorld(name, own);
  const world = spell(named[0]!);
  return { composed: compose(packages, packageOf(world)), world };
};

/** The world as the content of a `component-type` section: a component that `readWorld` reads. LK0209, LK0210. */
export const encodeWorld = async (sources: WitSources, name?: string): Promise<Uint8Array> => {
  const { composed, world } = chooseWorld(sources, name);
  const tools = await wasmTools();
  const embed = (text: string) => tools.componentEmbed({ wit: text, world: wordsEscaped(world) });
  try {
    return customSections(await embed(composed.text)).get("component-type")![0]!;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "LK0209") throw error;
    throw await located(error, composed, (text) =>
      embed(text).then(
        () => undefined,
        (reason: Error) => reason.message,
      ),
    );
  }
};

/** LK0209 with file, line and column where WIT is wrong, LK0210. */
export const worldFromWit = async (sources: WitSources, name?: string): Promise<World> =>
  readWorld(await encodeWorld(sources, name));

interface NamedItem {
  readonly package: string;
  readonly name: string;
  readonly main: boolean;
}

const namesIn = (packages: ReadonlyMap<string, WitPackage>, what: "worlds" | "interfaces"): NamedItem[] =>
  [...packages.values()].flatMap((entry) =>
    entry[what].map((name) => ({ package: entry.name, name, main: entry.main })),
  );

/** "ns:pkg@1.0.0" and "world" → "ns:pkg/world@1.0.0". */
const spell = ({ package: name, name: item }: NamedItem): string => {
  const at = name.indexOf("@");
  return at < 0 ? `${name}/${item}` : `${name.slice(0, at)}/${item}${name.slice(at)}`;
};

/** "ns:pkg/world@1.0.0" → "ns:pkg@1.0.0". */
const packageOf = (item: string): string => item.replace(/\/[^@]*/, "");

/** Without a version any single one will do; with one, a compatible one. */
const exactOrCompatible = (wanted: string, known: readonly string[]): string | undefined => {
  const match = matchInterface(wanted, known);
  if (match !== undefined || wanted.includes("@")) return match;
  const same = known.filter((item) => unversioned(item) === wanted);
  return same.length === 1 ? same[0] : undefined;
};

const contractPackage = "loop:contract";

const contractOf = (packages: ReadonlyMap<string, WitPackage>, name: string): ChosenWorld => {
  const prelude = `package ${contractPackage};\nworld contract {\n  export ${wordsEscaped(name)};\n}`;
  return { composed: compose(packages, undefined, prelude), world: `${contractPackage}/contract` };
};

const noWorld = (name: string | undefined, worlds: readonly NamedItem[]): Fault => {
  const all = worlds.map(spell);
  const there = all.length === 0 ? "the WIT has none" : `the WIT has ${all.join(", ")}`;
  if (name === undefined)
    return fault("LK0210", `One world was looked for, and ${there}`, {
      hint:
        all.length > 0
          ? `Name one: world = "${worlds[0]!.name}" in the [build] table of loop.toml`
          : undefined,
    });
  const near = nearest(name, [...worlds.map((entry) => entry.name), ...all]);
  return fault("LK0210", `No world ${name}; ${there}`, { hint: near && `Write ${near}` });
};
