import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { errno, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { basicOf, type Credential } from "./oci/credential.ts";

// What this person says of registries in wasm-pkg's config.toml, which wkg and other tools read as well
// (bytecodealliance/wasm-pkg-tools, docs/configuration.md).

/** How packages of a registry are found in OCI. */
export interface RegistryMetadata {
  /** The host that has the artifacts. */
  readonly registry: string;
  /** Before `namespace/name`: "webassembly/". */
  readonly namespacePrefix: string;
}

/** A registry as the settings name it: a host to ask, or one whose metadata is written there. */
export interface NamedRegistry {
  readonly name: string;
  readonly metadata?: RegistryMetadata | undefined;
}

export interface Settings {
  /** The registry of a package ("acme:tool"), the most exact first; undefined where none is named. */
  registryOf(packageName: string): NamedRegistry | undefined;
  credential(host: string): Credential | undefined;
  /** "http" or "https" where the settings force one. */
  protocol(host: string): "http" | "https" | undefined;
}

/** Where packages of these namespaces are, unless the person says otherwise; as wkg has it. */
const fallbacks: Readonly<Record<string, string>> = { wasi: "wasi.dev", ba: "bytecodealliance.org" };

export const settingsPath = (environment: Readonly<Record<string, string | undefined>>): string => {
  const base = environment.XDG_CONFIG_HOME;
  const folder = base && isAbsolute(base) ? base : join(environment.HOME || homedir(), ".config");
  return join(folder, "wasm-pkg", "config.toml");
};

/** Reads the settings; empty ones where there is no file. Fault: LK0121. */
export const readSettings = async (
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Settings> => {
  const path = settingsPath(environment);
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (!["ENOENT", "ENOTDIR"].includes(errno(error) ?? "")) throw unreadable(path, (error as Error).message);
  }
  return parseSettings(text, path);
};

const unreadable = (path: string, why: string) =>
  fault("LK0121", `${path} does not read: ${why}`, { hint: "wkg config --edit, or mend it by hand" });

type Table = Readonly<Record<string, unknown>>;
const tableOf = (value: unknown): Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};

/** What a table itself has under a key: a namespace may be called "constructor". */
const own = (value: unknown, key: string): unknown => {
  const table = tableOf(value);
  return Object.hasOwn(table, key) ? table[key] : undefined;
};

/** Fault: LK0121. */
export const parseSettings = async (text: string, path: string): Promise<Settings> => {
  const document = await documentOf(text, path);
  const named = (value: unknown, key: string): NamedRegistry | undefined => {
    if (value === undefined) return undefined;
    if (typeof value === "string") return { name: value };
    const { registry, metadata } = tableOf(value);
    if (typeof registry === "string") return { name: registry, metadata: metadataOf(metadata, registry) };
    throw unreadable(path, `"${key}" is no registry`);
  };
  const oci = (host: string): Table => tableOf(tableOf(own(document.registry, host)).oci);
  return {
    registryOf: (packageName) => {
      const namespace = packageName.slice(0, packageName.indexOf(":"));
      return (
        named(own(document.package_registry_overrides, packageName), packageName) ??
        named(own(document.namespace_registries, namespace), namespace) ??
        named(document.default_registry, "default_registry") ??
        (Object.hasOwn(fallbacks, namespace) ? { name: fallbacks[namespace]! } : undefined)
      );
    },
    credential: (host) => {
      const { auth } = oci(host);
      if (auth === undefined) return undefined;
      if (typeof auth === "string") return basicOf(auth, path);
      const { username, password } = tableOf(auth);
      if (typeof username === "string" && typeof password === "string")
        return { kind: "basic", username, password };
      throw unreadable(path, `the "auth" of ${host} is no user and password`);
    },
    protocol: (host) => {
      const { protocol } = oci(host);
      if (protocol === undefined || protocol === "http" || protocol === "https") return protocol;
      throw unreadable(path, `the "protocol" of ${host} is neither http nor https`);
    },
  };
};

const documentOf = async (text: string, path: string): Promise<Table> => {
  if (text === "") return {};
  if (text.length > limits.manifestBytesMax)
    throw fault("LK0204", `${path} has ${text.length} characters; the limit is ${limits.manifestBytesMax}`);
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text, { unsafeKeyBehaviour: "throw", maxDepth: 16 });
  } catch (error) {
    // The parser quotes the line, and passwords stand in some.
    if (error instanceof TomlError) throw unreadable(path, `line ${error.line} is no TOML`);
    throw error;
  }
};

/**
 * A registry's metadata, as it stands in config.toml or at /.well-known/wasm-pkg/registry.json, in the present and in
 * the older form. Undefined where it names no OCI registry that could be used.
 */
export const metadataOf = (value: unknown, otherwise: string): RegistryMetadata | undefined => {
  const { preferredProtocol, oci, ociRegistry, ociNamespacePrefix } = tableOf(value);
  if (preferredProtocol !== undefined && preferredProtocol !== "oci") return undefined;
  const { registry = ociRegistry, namespacePrefix = ociNamespacePrefix } = tableOf(oci);
  if (oci === undefined && ociRegistry === undefined) return undefined;
  return {
    registry: typeof registry === "string" ? registry : otherwise,
    namespacePrefix: typeof namespacePrefix === "string" ? namespacePrefix : "",
  };
};
