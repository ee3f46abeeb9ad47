import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import type { FetchContext, Fetched, Fetcher } from "./fetch.ts";
import { isLocalHost, refused, send } from "./http.ts";
import type { Identifier } from "./identifier.ts";
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
    const repository = await repositoryOf(identifier.text, context);
    const { manifest, package: locked } = context.pin ?? {};
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
  return { ...parseReference(path, text), tag: undefined };
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
  const there = newestFirst(tags);
  throw fault(
    "LK0118",
    `${nameOf(repository.text)} has no version in ${range.text}; ${there.length > 0 ? `there are ${there.slice(0, 8).join(", ")}${there.length > 8 ? ` and ${there.length - 8} more` : ""}` : "it has none at all"}`,
    { hint: there[0] && `${nameOf(repository.text)}@${there[0]}` },
  );
};

/** A version as a tag, which has no "+". Fault: LK0102. */
export const tagOf = (version: string, text: string): string => {
  if (!version.includes("+")) return version;
  throw fault("LK0102", `${text} has build metadata, and a tag in a registry cannot have any`, {
    hint: `leave "${version.slice(version.indexOf("+"))}" out`,
  });
};
