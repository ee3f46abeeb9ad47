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
  /** The folder that a registry is, where it is one: wasm-pkg's `local` backend. */
  localRoot(name: string): string | undefined;
  // What follows is said of a registry by its name or by the host of its artifacts; the first that says something counts.
  credential(...names: readonly string[]): Credential | undefined;
  /** "http" or "https" where the settings force one. */
  protocol(...names: readonly string[]): "http" | "https" | undefined;
  certificates(...names: readonly string[]): Certificates | undefined;
}

/** By what a registry's server is recognised, beyond what everybody trusts. */
export interface Certificates {
  /** Further roots, PEM. */
  readonly roots: readonly string[];
  /** Whatever it shows is taken. */
  readonly any: boolean;
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
  const oci = (name: string): Table => tableOf(tableOf(own(document.registry, name)).oci);
  const first = <T>(names: readonly string[], said: (name: string) => T | undefined): T | undefined =>
    names.map(said).find((value) => value !== undefined);
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
    localRoot: (name) => localRootIn(tableOf(own(document.registry, name)), name, path),
    credential: (...names) => first(names, (name) => credentialIn(oci(name), name, path)),
    protocol: (...names) => first(names, (name) => protocolIn(oci(name), name, path)),
    certificates: (...names) => first(names, (name) => certificatesIn(oci(name), name, path)),
  };
};

/** A registry is a folder where `default` says so, or where that is all that is said of it. */
const localRootIn = (
  { default: chosen, type = chosen, ...backends }: Table,
  name: string,
  path: string,
): string | undefined => {
  const [only, ...others] = Object.keys(backends);
  if ((type ?? (others.length === 0 ? only : undefined)) !== "local") return undefined;
  const { root } = tableOf(backends.local);
  if (typeof root === "string" && root !== "") return root;
  throw unreadable(path, `the local registry ${name} has no "root"`);
};

const credentialIn = ({ auth }: Table, name: string, path: string): Credential | undefined => {
  if (auth === undefined) return undefined;
  if (typeof auth === "string") return basicOf(auth, path);
  const { username, password } = tableOf(auth);
  if (typeof username === "string" && typeof password === "string")
    return { kind: "basic", username, password };
  throw unreadable(path, `the "auth" of ${name} is no user and password`);
};

const protocolIn = ({ protocol }: Table, name: string, path: string): "http" | "https" | undefined => {
  if (protocol === undefined || protocol === "http" || protocol === "https") return protocol;
  throw unreadable(path, `the "protocol" of ${name} is neither http nor https`);
};

const certificatesIn = (
  { extra_root_certificates: roots, accept_invalid_certificates: any = false }: Table,
  name: string,
  path: string,
): Certificates | undefined => {
  if (typeof any !== "boolean")
    throw unreadable(path, `the "accept_invalid_certificates" of ${name} is neither true nor false`);
  if (roots === undefined) return any ? { roots: [], any } : undefined;
  const pems = Array.isArray(roots) ? roots.map((root) => pemOf(tableOf(root))) : [undefined];
  if (pems.includes(undefined))
    throw unreadable(path, `the "extra_root_certificates" of ${name} are no list of { encoding, data }`);
  return { roots: pems.filter((pem) => pem !== undefined), any };
};

/** A certificate of the settings in PEM; undefined where it is none. */
const pemOf = ({ encoding, data }: Table): string | undefined => {
  if (typeof data !== "string") return undefined;
  if (encoding === "pem") return /-----BEGIN CERTIFICATE-----/.test(data) ? data : undefined;
  if (encoding !== "der") return undefined;
  const lines = Buffer.from(data).toString("base64").replace(/.{64}/g, "$&\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
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
