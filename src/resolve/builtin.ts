import { digestOf } from "../base/digest.ts";
import { fault } from "../base/fault.ts";
import { carriedNow, carriedResource, resourceList } from "../base/resources.ts";
import { nearest } from "../base/suggest.ts";
import type { Fetched, Fetcher } from "./fetch.ts";
import type { Identifier } from "./identifier.ts";

const folder = "commands/";

/** What was read before it was asked for, by name; taken once. */
const ahead = new Map<string, Uint8Array>();

/** Reads a component that is probably wanted soon; it is fetched without reading it again. */
export const readAhead = (name: string): Uint8Array | undefined => {
  const bytes = carriedNow(`${folder}${name}.wasm`);
  if (bytes) ahead.set(name, bytes);
  return bytes;
};

const taken = async (name: string): Promise<Uint8Array | undefined> => {
  const bytes = ahead.get(name) ?? (await carriedResource(`${folder}${name}.wasm`));
  ahead.delete(name);
  return bytes;
};

/** Components that the executable carries, by name: `builtin:run`. Faults: LK0104. */
export const builtinFetcher: Fetcher = {
  scheme: "builtin",
  remote: false,
  async fetch(identifier: Identifier): Promise<Fetched> {
    const bytes = await taken(identifier.rest);
    if (!bytes) throw unknown(identifier);
    return {
      locator: {
        identifier: identifier.text,
        scheme: "builtin",
        place: identifier.text,
        digest: digestOf(bytes),
      },
      bytes,
    };
  },
};

const unknown = (identifier: Identifier) => {
  const names = resourceList(folder)
    .filter((path) => path.endsWith(".wasm"))
    .map((path) => path.slice(folder.length, -".wasm".length));
  const near = nearest(identifier.rest, names);
  return fault(
    "LK0104",
    `The executable carries no component "${identifier.rest}"; it carries: ${names.join(", ")}`,
    {
      hint: near && `did you mean builtin:${near}?`,
    },
  );
};
