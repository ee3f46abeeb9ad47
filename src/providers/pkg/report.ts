import { readWishes } from "../../contract/capability.ts";
import { readCommands } from "../../contract/commands.ts";
import { unversioned, type World } from "../../contract/model.ts";
import { decoded } from "../../host/decoded.ts";
import { linkerFor } from "../../host/linkers.ts";
import type { Absence, Provider } from "../../host/provider.ts";
import type { Locator } from "../../resolve/fetch.ts";
import { type GivenGrant, type GrantSource, settle } from "../../trust/settle.ts";
import type { VerifiedComponent } from "../../trust/verify.ts";
import { flagText, type GrantKind, kindOf } from "../../trust/written.ts";
import { type Part, partsOf } from "./inside.ts";
import { producers } from "./producers.ts";
import { sizeParts } from "./size.ts";

/** Who serves imports (versioned, all of one package), as the composition root knows it. */
export interface Serving {
  /** In the order in which they are tried. */
  readonly servers: readonly {
    readonly identifier: string;
    readonly provider: Provider | undefined;
    readonly standing: string;
    readonly interfaces: readonly string[];
    readonly absence: Absence | undefined;
    readonly slot: string;
    readonly source: string;
    readonly place: string;
  }[];
  /** Interfaces, unversioned, that nobody shall serve, and who says so. */
  readonly closed: ReadonlyMap<string, string>;
  readonly trouble: string | undefined;
}

/** What a report says besides the bytes: what holds for the component here. */
export interface Here {
  readonly sources: readonly GrantSource[];
  /** Of each package that is imported. */
  readonly serving: ReadonlyMap<string, Serving>;
}

/** `loop:pkg/inspector#report` of a component. Faults: those of decoding it. */
export const report = (component: VerifiedComponent, locator: Locator, { sources, serving }: Here) => {
  const { bytes, digest, identifier, trust } = component;
  const { given } = settle(sources, process.env);
  const wishes = readWishes(identifier, bytes);
  const known = decoded(component);
  const { ast, world } = known;
  const imports = [...world.imports.keys()];
  const linker = linkerFor(known);
  const inside = partsOf(ast);
  return {
    identifier,
    place: locator.place,
    digest,
    trust,
    signatures: signaturesOf(component),
    signedAs: component.signatures?.package,
    adapted: component.adapted,
    bytes: BigInt(bytes.length),
    imports,
    exports: [...world.exports.keys()],
    capabilities: capabilities(imports, serving).map((one) => {
      const each = eachOf(one);
      // What every component has is neither wished for nor granted.
      const asked = one.standing !== "default" || each !== undefined;
      const wished = asked ? wishes.filter(({ name }) => isOf(name, one)) : [];
      const granted = given
        .filter((grant) => asked && covers(grant, one))
        .map((grant) => ({ flag: flagText(grant), source: grant.source, place: grant.place }));
      return {
        ...one,
        ...outcomeOf(one, serving.get(one.name), granted.length > 0),
        servers: serversFor(one, serving.get(one.name)),
        users: usersOf(one, inside),
        each,
        reason: wished[0]?.reason,
        wants: wished.flatMap(({ want }) => want),
        granted,
      };
    }),
    inside: inside.map(({ name, imports }) => ({
      name,
      imports: imports.map(({ name, from }): [string, string] => [name, from.name]),
    })),
    parts: sizeParts(ast).map(({ name, bytes }) => ({ name, bytes: BigInt(bytes) })),
    producers: producers(ast),
    linker: linker.name,
    linkerReason: linker.reason,
    commands: readCommands(identifier, bytes).map(({ name }) => name),
  };
};

/** The packages that a component imports of, each with its imports. */
export const importedPackages = (world: World): ReadonlyMap<string, readonly string[]> => {
  const found = new Map<string, string[]>();
  for (const name of world.imports.keys()) {
    const owner = packageOf(name);
    found.set(owner, [...(found.get(owner) ?? []), name]);
  }
  return found;
};

const packageOf = (name: string): string => unversioned(name).split("/")[0]!;

const interfacesOf = ({ name, interfaces }: Capability): string[] =>
  interfaces.length > 0 ? interfaces.map((inner) => `${name}/${inner}`) : [name];

const usersOf = (capability: Capability, inside: readonly Part[]): string[] => {
  const own = interfacesOf(capability);
  const users = inside
    .filter(({ imports }) => imports.some(({ from: { outer } }) => outer && own.includes(unversioned(outer))))
    .map(({ name }) => name);
  // Whoever only hands it on to a part of its own is not named besides that one.
  return users.filter((name) => !users.some((other) => other.startsWith(`${name} / `)));
};

/** Of those who serve a package, who has a part in these interfaces, or would have if it could. */
const serversFor = (capability: Capability, serving: Serving | undefined) => {
  const own = interfacesOf(capability);
  return (serving?.servers ?? [])
    .filter(
      ({ interfaces, provider }) =>
        own.some((name) => interfaces.includes(name)) ||
        (provider && own.some((name) => provider.interfaces.map(unversioned).includes(name))),
    )
    .map(({ identifier, standing, interfaces, absence, slot, source, place }) => ({
      identifier,
      standing,
      interfaces: interfaces.filter((name) => own.includes(name)),
      because: absence?.because,
      slot,
      source,
      place,
    }));
};

/** What comes of a capability here, and why it is not served where it is not. */
const outcomeOf = (
  capability: Capability,
  serving: Serving | undefined,
  isGranted: boolean,
): { readonly outcome: string; readonly because: string | undefined } => {
  if (serving?.trouble !== undefined) return { outcome: "faulty", because: serving.trouble };
  if (capability.standing === "grant" && !isGranted)
    return { outcome: "denied", because: "it was not granted" };
  if (capability.standing !== "absent") return { outcome: "served", because: undefined };
  const closed = interfacesOf(capability).flatMap((name) => serving?.closed.get(name) ?? []);
  const cannot = serversFor(capability, serving).flatMap(({ identifier, because }) =>
    because === undefined ? [] : [`${identifier} ${because}`],
  );
  const reasons = [...cannot, ...closed];
  if (reasons.length > 0) return { outcome: "absent", because: [...new Set(reasons)].join("; ") };
  // WASI that nobody offers is there, and its calls are denied: many libraries import more than they use.
  return {
    outcome: capability.name.startsWith("wasi:") ? "denied" : "absent",
    because: "no provider offers it",
  };
};

const signaturesOf = ({ signatures }: VerifiedComponent) => [
  ...(signatures?.signers ?? []).map(({ key, name, standing }) => ({ key: key as string, name, standing })),
  ...(signatures?.unknown ?? []).map((id) => ({ key: id, name: "", standing: "unknown" as const })),
];

/** Whether a name ("wasi:http", "wasi:cli/environment") is a capability's package or one of its interfaces. */
const isOf = (name: string, { name: owner, interfaces }: Capability): boolean =>
  name === owner || interfaces.some((inner) => name === `${owner}/${inner}`);

const kindsOf = ({ name, interfaces }: Capability): GrantKind[] =>
  [name, ...interfaces.map((inner) => `${name}/${inner}`)].map(kindOf);

const covers = ({ kind, value }: GivenGrant, capability: Capability): boolean =>
  kind === "capability" ? value === "*" || isOf(value, capability) : kindsOf(capability).includes(kind);

const eachNames = { dir: "folder", net: "host", env: "variable", run: "program", capability: undefined };

const eachOf = (capability: Capability): string | undefined =>
  kindsOf(capability)
    .map((kind) => eachNames[kind])
    .find((name) => name !== undefined);

export type Standing = "default" | "grant" | "absent";

export interface Capability {
  /** The package ("wasi:filesystem"), or the import itself where it is in none. */
  readonly name: string;
  readonly interfaces: readonly string[];
  readonly standing: Standing;
}

/** Imports by package, each with how a component comes to it; a package whose interfaces differ stands twice. */
export const capabilities = (
  imports: readonly string[],
  serving: ReadonlyMap<string, Serving>,
): readonly Capability[] => {
  const found = new Map<string, { name: string; interfaces: string[]; standing: Standing }>();
  for (const name of imports) {
    const plain = unversioned(name);
    const [owner = plain, inner] = plain.split("/");
    const standing = standingOf(plain, serving.get(owner));
    const key = `${owner} ${standing}`;
    const entry = found.get(key) ?? { name: owner, interfaces: [], standing };
    if (inner) entry.interfaces.push(inner);
    found.set(key, entry);
  }
  return [...found.values()];
};

const standingOf = (name: string, serving: Serving | undefined): Standing => {
  const server = serving?.servers.find(
    ({ standing, interfaces }) =>
      (standing === "serves" || standing === "before") && interfaces.includes(name),
  );
  if (!server) return "absent";
  // What a component serves, everyone may call: what it does is under its own grants.
  const { defaultGranted } = server.provider ?? { defaultGranted: "*" as const };
  if (server.provider?.functions?.includes(name)) return "default";
  return defaultGranted === "*" || defaultGranted.includes(name) ? "default" : "grant";
};
