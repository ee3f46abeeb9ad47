import { guestTypings } from "../../contract/typings.ts";
import type { WitSources } from "../../contract/wit.ts";
import globals from "./guest/globals.d.ts.txt" with { type: "text" };

/** Where the typings lie, relative to the project's folder. */
const typingsFolder = "generated";

/**
 * What an editor and tsc need to check a guest against its world, by path relative to the project's folder: the
 * world's modules, the globals that the wrapper provides, and a check of the main file's exports.
 */
export const typingsOf = async (
  wit: WitSources,
  world: string | undefined,
  main: string,
): Promise<ReadonlyMap<string, string>> => {
  const typings = await guestTypings(wit, world, { main: `../${main}` });
  const files: [string, string][] = [["globals.d.ts", globals], ...typings];
  return new Map(files.map(([path, text]) => [`${typingsFolder}/${path}`, text]));
};
