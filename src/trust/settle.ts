import { fault } from "../base/fault.ts";
import { parseFolder } from "./folder.ts";
import type { FolderGrant, Grants } from "./grants.ts";
import { type NetworkGrant, parseNetwork } from "./network.ts";
import { grantsOfText, type WrittenGrant } from "./written.ts";

/** Who may grant something, in the order of precedence. */
export const grantSources = ["flag", "loop.toml", "remembered", "asked"] as const;
export type GrantSourceName = (typeof grantSources)[number];

/** What one source grants. */
export interface GrantSource {
  readonly name: GrantSourceName;
  /** The file or command that says it: "/home/a/x/loop.toml:7", "--allow-net=…". */
  readonly place: string;
  /** Absolute; relative folders are relative to it. */
  readonly folder: string;
  readonly grants: readonly WrittenGrant[];
}

/** A grant with who gave it. */
export interface GivenGrant extends WrittenGrant {
  readonly source: GrantSourceName;
  readonly place: string;
}

export interface Settled {
  readonly grants: Grants;
  /** In the order of precedence, each kind and value once. */
  readonly given: readonly GivenGrant[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The grants of one instance, from sources in the order of precedence. What they grant adds up; where two show a
 * folder under one name, or give one variable a value, the higher source's stands. The only place where an
 * instance's grants come from text. Faults: LK0702, LK0004, LK0204.
 */
export const settle = (sources: readonly GrantSource[], environment: Environment): Settled => {
  const given = new Map<string, GivenGrant>();
  const folders = new Map<string, FolderGrant>();
  const env = new Map<string, string>();
  const network: NetworkGrant[] = [];
  const runs = new Set<string>();
  const capabilities = new Set<string>();
  for (const { name, place, folder, grants } of sources) {
    const own = { folders: new Map<string, FolderGrant>(), env: new Map<string, string>() };
    for (const grant of grants) {
      const { kind, value } = grant;
      const key = `${kind} ${value}`;
      if (!given.has(key)) given.set(key, { ...grant, source: name, place });
      if (kind === "dir") {
        const parsed = parseFolder(value, folder);
        own.folders.set(parsed.guest, parsed);
      } else if (kind === "env")
        for (const [one, text] of variables(value, environment)) own.env.set(one, text);
      else if (kind === "net") network.push(...parseNetwork(value));
      else if (kind === "run") runs.add(program(value));
      else capabilities.add(capability(value));
    }
    for (const [guest, shown] of own.folders) if (!folders.has(guest)) folders.set(guest, shown);
    for (const [one, text] of own.env) if (!env.has(one)) env.set(one, text);
  }
  return {
    grants: { folders: [...folders.values()], env: [...env], network, runs: [...runs], capabilities },
    given: [...given.values()],
  };
};

/** The grants of the filling of a slot, from the texts that came with it, whose folders are absolute. */
export const settleTexts = (texts: readonly string[], environment: Environment): Grants =>
  settle([{ name: "flag", place: "the slot", folder: "/", grants: texts.flatMap(grantsOfText) }], environment)
    .grants;

/** `NAME=VALUE`, `NAME` for a copy of the host's variable, `*` for all; one that the host lacks is left out. */
const variables = (text: string, environment: Environment): (readonly [string, string])[] => {
  if (text === "*")
    return Object.entries(environment).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    );
  const at = text.indexOf("=");
  const name = at < 0 ? text : text.slice(0, at);
  if (name === "")
    throw fault(
      "LK0004",
      `An environment variable is given as NAME=VALUE or NAME, and "${text}" was written`,
      { hint: "--env NAME=VALUE" },
    );
  if (at >= 0) return [[name, text.slice(at + 1)]];
  const value = environment[name];
  return value === undefined ? [] : [[name, value]];
};

const program = (text: string): string => {
  if (text === "*" || text.startsWith("/") || /^[A-Za-z]:[\\/]/.test(text) || /^[^/\\\0]+$/.test(text))
    return text;
  throw fault(
    "LK0702",
    `A program is granted by its bare name or its absolute path, and "${text}" was written`,
    { hint: "--allow-run=git" },
  );
};

const capability = (text: string): string => {
  const plain = text.replace(/@.*$/, "");
  if (plain === "*" || /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*(\/[a-z][a-z0-9-]*)?$/.test(plain)) return plain;
  throw fault("LK0702", `A capability is granted as a WIT package or interface, and "${text}" was written`, {
    hint: "--allow=loop:storage",
  });
};
