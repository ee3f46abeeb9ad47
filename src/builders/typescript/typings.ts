import type { WitSources } from "../../contract/wit.ts";

/** Where the typings lie, relative to the project's folder. */
export const typingsFolder = "generated";

/** The world's typings as files of the project. */
export const typingsOf = async (
  _wit: WitSources,
  _world: string,
  _main: string,
): Promise<ReadonlyMap<string, string>> => new Map();
