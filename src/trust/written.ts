import { resolve } from "node:path";
import { fault } from "../base/fault.ts";
import type { GrantsTable } from "../base/manifest/tables.ts";
import { shellWord } from "../base/word.ts";
import type { CapabilityWish } from "../contract/capability.ts";

// Grants as a person writes them, in flags, in loop.toml and in memory: one vocabulary for all three.

export const grantKinds = ["dir", "net", "env", "run", "capability"] as const;
export type GrantKind = (typeof grantKinds)[number];

/** One grant in the form of its flag: `./data::/data:ro`, `api.example.com:443`, `HOME`, `git`, `loop:storage`. */
export interface WrittenGrant {
  readonly kind: GrantKind;
  readonly value: string;
}

/** Something refused for want of a grant. */
export interface Denial {
  /** What the guest asked for: "loop:storage/key-value#get", "api.example.com". */
  readonly wanted: string;
  /** What would have granted it; undefined where no grant can. */
  readonly grant: WrittenGrant | undefined;
  /** The command that helps where no grant does. */
  readonly hint?: string;
  /** Many components ask for it and do without: worth a word only where the run did not end well. */
  readonly mild?: boolean;
}

/** The keys of `[grants]` in loop.toml, each a list. */
export const tableKeys = {
  dir: "dirs",
  net: "net",
  env: "env",
  run: "run",
  capability: "capabilities",
} as const satisfies Record<GrantKind, string>;

const flagNames = {
  dir: "dir",
  net: "allow-net",
  env: "allow-env",
  run: "allow-run",
  capability: "allow",
} as const satisfies Record<GrantKind, string>;

/** The grants of a table, in the order of its keys in `grantKinds`. */
export const fromTable = (table: GrantsTable): WrittenGrant[] =>
  grantKinds.flatMap((kind) => (table[tableKeys[kind]] ?? []).map((value) => ({ kind, value })));

/** The flag that gives a grant: `--allow-net=api.example.com:443`. */
export const flagText = ({ kind, value }: WrittenGrant): string => {
  const word = shellWord(value);
  if (kind === "env" && value.includes("=")) return `--env ${word}`;
  return kind === "dir" ? `--dir ${word}` : `--${flagNames[kind]}=${word}`;
};

/** The lines of loop.toml that give the same: `[grants]`, `net = ["api.example.com:443"]`. */
export const tableText = (grants: readonly WrittenGrant[]): string[] => [
  "[grants]",
  ...grantKinds.flatMap((kind) => {
    const values = grants.filter((grant) => grant.kind === kind).map(({ value }) => value);
    return values.length > 0 ? [`${tableKeys[kind]} = ${JSON.stringify(values).replaceAll(",", ", ")}`] : [];
  }),
];

/** "the folder ./data", "the network: api.example.com:443", for questions and reports. */
export const grantWords = ({ kind, value }: WrittenGrant): string =>
  ({
    dir: `the folder ${value}`,
    net: value === "*" ? "the network, any host" : `the network: ${value}`,
    env: value === "*" ? "all environment variables" : `the environment variable ${value}`,
    run: value === "*" ? "starting any program" : `starting the program ${value}`,
    capability: value,
  })[kind];

/** Flags of `loop run` as the command hands them on; each value as it was written. */
export interface FlagGrants {
  readonly folders: readonly string[];
  /** NAME=VALUE, or NAME for a copy. */
  readonly env: readonly string[];
  /** Of `--allow-net`, `--allow-env`, `--allow-run` and `--allow`: several with commas between. */
  readonly network: readonly string[];
  readonly variables: readonly string[];
  readonly programs: readonly string[];
  readonly capabilities: readonly string[];
  readonly allowAll: boolean;
  readonly denyAll: boolean;
}

export const noFlags: FlagGrants = {
  folders: [],
  env: [],
  network: [],
  variables: [],
  programs: [],
  capabilities: [],
  allowAll: false,
  denyAll: false,
};

/** The grants that flags give. Faults: LK0702, LK0004 where all is both allowed and denied. */
export const fromFlags = (flags: FlagGrants): WrittenGrant[] => {
  if (flags.allowAll && flags.denyAll)
    throw fault("LK0004", "--allow-all and --deny-all were both written, and one of them was looked for");
  const each = (kind: GrantKind, values: readonly string[]): WrittenGrant[] =>
    values.flatMap((text) => parts(text, kind)).map((value) => ({ kind, value }));
  const named = each("env", flags.variables);
  const assigned = named.find(({ value }) => value.includes("="));
  if (assigned)
    throw fault("LK0702", `--allow-env names variables to copy, and "${assigned.value}" was written`, {
      hint: `--env ${assigned.value}`,
    });
  return [
    ...(flags.allowAll ? everything : []),
    ...flags.folders.map((value) => ({ kind: "dir", value }) as const),
    ...named,
    ...flags.env.map((value) => ({ kind: "env", value }) as const),
    ...each("net", flags.network),
    ...each("run", flags.programs),
    ...each("capability", flags.capabilities),
  ];
};

const parts = (text: string, kind: GrantKind): string[] => {
  const found = text.split(",").map((part) => part.trim());
  if (found.some((part) => part === ""))
    throw fault("LK0702", `--${flagNames[kind]}=${text} has an empty part`, {
      hint: `--${flagNames[kind]}=ONE,OTHER`,
    });
  return found;
};

/** The flags by which a grant is written as one text, and where `fromFlags` takes their values. */
const flagFields = {
  dir: "folders",
  env: "env",
  "allow-net": "network",
  "allow-env": "variables",
  "allow-run": "programs",
  allow: "capabilities",
  grant: "capabilities",
} as const satisfies Record<string, keyof FlagGrants>;

/** A grant as one text: an interface or package as it is, anything else as its flag, `--dir=./data::/data:ro`. */
export const grantText = ({ kind, value }: WrittenGrant): string => {
  if (kind === "capability") return value;
  return `--${kind === "env" && value.includes("=") ? "env" : flagNames[kind]}=${value}`;
};

/** What such a text grants: several where its flag takes several with commas. Faults: LK0702. */
export const grantsOfText = (text: string): WrittenGrant[] => {
  if (!text.startsWith("-")) return [{ kind: "capability", value: text }];
  const [, name = "", value = ""] = /^--([a-z-]+)(?:=|\s+)(.+)$/s.exec(text) ?? [];
  if (Object.hasOwn(flagFields, name))
    return fromFlags({ ...noFlags, [flagFields[name as keyof typeof flagFields]]: [value] });
  throw fault(
    "LK0702",
    `A filling is granted an interface, or a flag of loop run, and "${text}" was written`,
    {
      hint: `write one of ${Object.keys(flagFields)
        .map((flag) => `--${flag}`)
        .join(", ")}, with a value`,
    },
  );
};

/** Such texts so that they mean the same from every folder. Faults: LK0702. */
export const lastingTexts = (texts: readonly string[], folder: string): string[] => [
  ...new Set(lasting(texts.flatMap(grantsOfText), folder).map(grantText)),
];

/** An identifier and the flags behind it: `./x.wasm --dir ./data --allow-net=api.example.com`. */
export const identifierAndGrants = (
  text: string,
): { readonly identifier: string; readonly grants: string[] } => {
  const [identifier = "", ...grants] = text.split(beforeFlag);
  return { identifier, grants };
};

const beforeFlag = new RegExp(`\\s+(?=--(?:${Object.keys(flagFields).join("|")})(?:=|\\s))`);

/** What `--allow-all` says. Programs start for trusted components only, whatever is granted. */
const everything: readonly WrittenGrant[] = [
  { kind: "dir", value: "." },
  { kind: "dir", value: "/" },
  { kind: "env", value: "*" },
  { kind: "net", value: "*" },
  { kind: "net", value: "listen=*" },
  { kind: "run", value: "*" },
  { kind: "capability", value: "*" },
];

/** What a capability that was wished for needs to be granted: the wishes in the words of their kind, or itself. */
export const wishedGrants = (capability: string, wish: Pick<CapabilityWish, "want">): WrittenGrant[] => {
  const kind = kindOf(capability);
  if (kind === "capability") return [{ kind, value: capability }];
  return wish.want.map((value) => ({ kind, value }));
};

/** By what kind of grant a capability is reached; `capability` where it is granted by its own name. */
export const kindOf = (capability: string): GrantKind => {
  const plain = capability.replace(/@.*$/, "");
  if (plain.startsWith("wasi:filesystem")) return "dir";
  if (plain.startsWith("wasi:sockets") || plain.startsWith("wasi:http")) return "net";
  if (plain === "wasi:cli/environment") return "env";
  return plain.startsWith("loop:process") ? "run" : "capability";
};

/** Grants that mean the same from every folder: relative folders as absolute ones, under the name they had. */
export const lasting = (grants: readonly WrittenGrant[], folder: string): WrittenGrant[] =>
  grants.map((grant) => {
    if (grant.kind !== "dir") return grant;
    const readOnly = grant.value.endsWith(":ro");
    const [host = ".", guest = host] = grant.value.replace(/:ro$/, "").split("::");
    return { ...grant, value: `${resolve(folder, host)}::${guest}${readOnly ? ":ro" : ""}` };
  });
