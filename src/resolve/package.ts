import { type Fault, fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import type { FetchContext, Fetched, Fetcher } from "./fetch.ts";
import { isLocalHost, refused, send } from "./http.ts";
import type { Identifier } from "./identifier.ts";
import { LocalRegistry } from "./local.ts";
import { jsonOf } from "./oci/artifact.ts";
import { anywhere, pull } from "./oci/pull.ts";
import { parseReference, type Reference } from "./oci/reference.ts";
import { listTags } from "./oci/tags.ts";
import { isVersion, newestFirst, newestIn, parseRange, type Range } from "./range.ts";
import { metadataOf, type RegistryMetadata, readSettings, type Settings, settingsPath } from "./settings.ts";

/**
 * `NAMESPACE:NAME@RANGE`, as wkg resolves it: the registry of the package from wasm-pkg's config.toml, where it keeps
 * artifacts from its /.well-known/wasm-pkg/registry.json, versions from the tags there, the newest that fits.
 * Faults: LK0102, LK0118, LK0119, LK0121, those of pulling.
 */
export const packageFetcher: Fetcher = {
  scheme: "package",
  remote: true,
  async fetch(identifier: Identifier, context: FetchContext): Promise<Fetched> {
    const range = parseRange(rangeOf(identifier.text));
    const { manifest, package: locked } = context.pin ?? {};
    const local = await localRegistryOf(identifier.text, context);
    if (local)
      return fetchLocal(local, identifier, locked === undefined ? range : parseRange(rangeOf(locked)));
    const repository = await repositoryOf(identifier.text, context);
    if (manifest)
      return named(
        await pull({ ...repository, tag: undefined, digest: manifest }, identifier, context),
        locked,
      );
    const tag = await versionIn(repository, range, context);
    const fetched = await pull({ ...repository, tag }, identifier, context);
    return named(fetched, `${nameOf(identifier.text)}@${tag}`);
  },
};

/** With the name and version that was chosen, which its signature has to speak of. */
const named = ({ bytes, locator }: Fetched, name: string | undefined): Fetched => ({
  bytes,
  locator: { ...locator, package: name },
});

const nameOf = (text: string): string => text.replace(/@.*$/s, "");
const rangeOf = (text: string): string => (text.includes("@") ? text.slice(text.indexOf("@") + 1) : "*");

/** Where a package's artifacts are: its repository, with no tag chosen yet. */
export const repositoryOf = async (text: string, context: FetchContext): Promise<Reference> => {
  const name = nameOf(text);
  const settings = await readSettings(process.env);
  const { registry, namespacePrefix } = await metadataFor(name, settings, context);
  const path = `${registry}/${namespacePrefix}${name.replace(":", "/")}`;
  return { ...parseReference(path, text), tag: undefined, registry: settings.registryOf(name)?.name };
};

/** The folder that a package's registry is; undefined where it is none. Fault: LK0121. */
export const localRegistryOf = async (
  text: string,
  context: FetchContext,
): Promise<LocalRegistry | undefined> => {
  const settings = await readSettings(process.env);
  const named = settings.registryOf(nameOf(text));
  const root = named && settings.localRoot(named.name);
  return root === undefined ? undefined : new LocalRegistry(root, context);
};

const fetchLocal = (local: LocalRegistry, identifier: Identifier, range: Range): Fetched => {
  const name = nameOf(identifier.text);
  const versions = local.versions(name);
  // A range that names one version is that file, whatever else is there.
  const version = isVersion(range.text) ? range.text : newestIn(range, versions);
  if (version === undefined || !versions.includes(version)) throw noVersion(name, range, versions);
  return local.fetch(identifier, name, version);
};

const metadataFor = async (
  name: string,
  settings: Settings,
  context: FetchContext,
): Promise<RegistryMetadata> => {
  const named = settings.registryOf(name);
  if (!named)
    throw fault("LK0119", `No registry is named for ${name}`, {
      hint: `in ${settingsPath(process.env)}: default_registry = "HOST", or [namespace_registries] with ${name.replace(/:.*$/, "")} = "HOST"`,
    });
  if (named.metadata) return named.metadata;
  const host = named.name;
  if (!/^[A-Za-z0-9.[\]:-]+$/.test(host))
    throw fault("LK0121", `The registry of ${name} is "${host}", and a host was looked for`, {
      hint: `mend it in ${settingsPath(process.env)}`,
    });
  const scheme =
    settings.protocol(host) ?? (isLocalHost(new URL(`http://${host}`).hostname) ? "http" : "https");
  const answer = await send(`${scheme}://${host}/.well-known/wasm-pkg/registry.json`, {
    headers: { accept: "application/json" },
    allowHttp: context.allowHttp || settings.protocol(host) === "http",
    bounds: context.bounds,
    signal: context.signal,
    certificates: settings.certificates(host),
  });
  // A registry without metadata keeps its artifacts at its own address.
  if (answer.status === 404) {
    await answer.drop();
    return { registry: host, namespacePrefix: "" };
  }
  const what = `The metadata of the registry ${host}`;
  if (answer.status !== 200) {
    await answer.drop();
    throw refused(what, answer);
  }
  const found = metadataOf(jsonOf(await answer.bytes(limits.ociConfigBytesMax), what), host);
  if (found) return found;
  throw fault("LK0119", `The registry ${host} of ${name} names no OCI registry that keeps its packages`, {
    hint: `name one in ${settingsPath(process.env)}`,
  });
};

/** The tag of the newest version in a range. A range that names one version is that tag. Fault: LK0118. */
const versionIn = async (repository: Reference, range: Range, context: FetchContext): Promise<string> => {
  if (isVersion(range.text)) return tagOf(range.text, repository.text);
  const settings = await readSettings(process.env);
  const tags = await anywhere(repository, context, settings, (source) => listTags(source, repository.text));
  const found = newestIn(range, tags);
  if (found !== undefined) return found;
  throw noVersion(nameOf(repository.text), range, tags);
};

const noVersion = (name: string, range: Range, versions: readonly string[]): Fault => {
  const there = newestFirst(versions);
  const more = there.length > 8 ? ` and ${there.length - 8} more` : "";
  const what = there.length > 0 ? `there are ${there.slice(0, 8).join(", ")}${more}` : "it has none at all";
  return fault("LK0118", `${name} has no version in ${range.text}; ${what}`, {
    hint: there[0] && `${name}@${there[0]}`,
  });
};

/** A version as a tag, which has no "+". Fault: LK0102. */
export const tagOf = (version: string, text: string): string => {
  if (!version.includes("+")) return version;
  throw fault("LK0102", `${text} has build metadata, and a tag in a registry cannot have any`, {
    hint: `leave "${version.slice(version.indexOf("+"))}" out`,
  });
};
