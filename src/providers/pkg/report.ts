import { decodeComponent } from "../../contract/binary/decode.ts";
import { readCommands } from "../../contract/commands.ts";
import { unversioned } from "../../contract/model.ts";
import { matchInterface } from "../../contract/semver.ts";
import { worldOf } from "../../contract/world.ts";
import { linkerFor } from "../../host/linkers.ts";
import type { Provider } from "../../host/provider.ts";
import type { Locator } from "../../resolve/fetch.ts";
import type { VerifiedComponent } from "../../trust/verify.ts";
import { producers } from "./producers.ts";
import { sizeParts } from "./size.ts";

/** `loop:pkg/inspector#report` of a component. Faults: those of decoding it. */
export const report = (component: VerifiedComponent, locator: Locator, providers: readonly Provider[]) => {
  const { bytes, digest, identifier } = component;
  const ast = decodeComponent(bytes);
  const world = worldOf(ast);
  const imports = [...world.imports.keys()];
  const linker = linkerFor(ast);
  return {
    identifier,
    place: locator.place,
    digest,
    bytes: BigInt(bytes.length),
    imports,
    exports: [...world.exports.keys()],
    capabilities: capabilities(imports, providers),
    parts: sizeParts(ast).map(({ name, bytes }) => ({ name, bytes: BigInt(bytes) })),
    producers: producers(ast),
    linker: linker.name,
    linkerReason: linker.reason,
    commands: readCommands(identifier, bytes).map(({ name }) => name),
  };
};

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
