import { decodeComponent } from "../../contract/binary/decode.ts";
import { readWishes } from "../../contract/capability.ts";
import { readCommands } from "../../contract/commands.ts";
import { unversioned } from "../../contract/model.ts";
import { matchInterface } from "../../contract/semver.ts";
import { worldOf } from "../../contract/world.ts";
import { linkerFor } from "../../host/linkers.ts";
import type { Provider } from "../../host/provider.ts";
import type { Locator } from "../../resolve/fetch.ts";
import { type GivenGrant, type GrantSource, settle } from "../../trust/settle.ts";
import type { VerifiedComponent } from "../../trust/verify.ts";
import { flagText, type GrantKind, kindOf } from "../../trust/written.ts";
import { producers } from "./producers.ts";
import { sizeParts } from "./size.ts";

/** `loop:pkg/inspector#report` of a component. Faults: those of decoding it. */
export const report = (
  component: VerifiedComponent,
  locator: Locator,
  providers: readonly Provider[],
  sources: readonly GrantSource[],
) => {
  const { bytes, digest, identifier, trust } = component;
  const { given } = settle(sources, process.env);
  const wishes = readWishes(identifier, bytes);
  const ast = decodeComponent(bytes);
  const world = worldOf(ast);
  const imports = [...world.imports.keys()];
  const linker = linkerFor(ast);
  return {
    identifier,
    place: locator.place,
    digest,
    trust,
    bytes: BigInt(bytes.length),
    imports,
    exports: [...world.exports.keys()],
    capabilities: capabilities(imports, providers).map((one) => {
      const each = eachOf(one);
      // What every component has is neither wished for nor granted.
      const asked = one.standing !== "default" || each !== undefined;
      return {
        ...one,
        each,
        reason: asked ? wishes.find(({ name }) => isOf(name, one))?.reason : undefined,
        granted: given
          .filter((grant) => asked && covers(grant, one))
          .map((grant) => ({ flag: flagText(grant), source: grant.source, place: grant.place })),
      };
    }),
    parts: sizeParts(ast).map(({ name, bytes }) => ({ name, bytes: BigInt(bytes) })),
    producers: producers(ast),
    linker: linker.name,
    linkerReason: linker.reason,
    commands: readCommands(identifier, bytes).map(({ name }) => name),
  };
};

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
  providers: readonly Provider[],
): readonly Capability[] => {
  const found = new Map<string, { name: string; interfaces: string[]; standing: Standing }>();
  for (const name of imports) {
    const standing = standingOf(name, providers);
    const plain = unversioned(name);
    const [owner = plain, inner] = plain.split("/");
    const key = `${owner} ${standing}`;
    const entry = found.get(key) ?? { name: owner, interfaces: [], standing };
    if (inner) entry.interfaces.push(inner);
    found.set(key, entry);
  }
  return [...found.values()];
};

const standingOf = (name: string, providers: readonly Provider[]): Standing => {
  for (const { interfaces, defaultGranted } of providers) {
    const offered = matchInterface(name, interfaces);
    if (offered === undefined) continue;
    return defaultGranted === "*" || defaultGranted.includes(unversioned(offered)) ? "default" : "grant";
  }
  return "absent";
};
