import type { Code } from "../../base/codes.ts";
import { type Digest, digestOf } from "../../base/digest.ts";
import { Fault, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { FetchContext, Fetched, Fetcher } from "../fetch.ts";
import { refused } from "../http.ts";
import type { Identifier } from "../identifier.ts";
import { readSettings, type Settings } from "../settings.ts";
import { Store } from "../store/store.ts";
import {
  type Asserted,
  assertedIn,
  chosenOf,
  configType,
  type Descriptor,
  indexType,
  type Manifest,
  manifestType,
  parseManifest,
  wasmLayer,
} from "./artifact.ts";
import { downloadBlob } from "./blob.ts";
import { requireTruth } from "./claim.ts";
import { parseReference, placeOf, type Reference } from "./reference.ts";
import { Registry } from "./registry.ts";

/** `oci://HOST[:PORT]/REPOSITORY[:TAG][@sha256:…]`. Faults: LK0102, LK0105, LK0109 to LK0122. */
export const ociFetcher: Fetcher = {
  scheme: "oci",
  remote: true,
  async fetch(identifier: Identifier, context: FetchContext): Promise<Fetched> {
    return pull(parseReference(identifier.rest, identifier.text), identifier, context);
  },
};

/** Brings a component from its registry, or from the first of its mirrors that has it. */
export const pull = async (
  reference: Reference,
  { text, scheme }: Identifier,
  context: FetchContext,
): Promise<Fetched> => {
  const settings = await readSettings(process.env);
  const { manifest, bytes, layer, fresh } = await anywhere(reference, context, settings, (source) =>
    pullFrom(source, reference, context),
  );
  const place = placeOf(reference, manifest.digest);
  const locator = { identifier: text, scheme, place, digest: layer.digest, manifest: manifest.digest };
  return { bytes, locator, fresh };
};

/** A registry, and the repository in it. */
export interface Source {
  readonly registry: Registry;
  readonly repository: string;
}

export const registryOf = (
  { host, registry }: Pick<Reference, "host" | "registry">,
  context: FetchContext,
  settings: Settings,
): Registry =>
  new Registry({
    host,
    names: registry === undefined || registry === host ? [host] : [registry, host],
    settings,
    environment: process.env,
    allowHttp: context.allowHttp,
    bounds: context.bounds,
    signal: context.signal,
  });

/** What a mirror may fail with and the next be asked. Bytes that are wrong are not among it: they say nothing good. */
const passing: ReadonlySet<Code> = new Set([
  "LK0109",
  "LK0110",
  "LK0111",
  "LK0112",
  "LK0113",
  "LK0114",
  "LK0115",
]);

/** Tries a reference's mirrors in their order and then its own host; the last fault stands. */
export const anywhere = async <T>(
  reference: Reference,
  context: FetchContext,
  settings: Settings,
  work: (source: Source) => Promise<T>,
): Promise<T> => {
  const { host, repository, text } = reference;
  for (const mirror of context.mirrorsOf?.(host) ?? []) {
    const { host: its, repository: path } = parseReference(
      `${mirror.replace(/\/$/, "")}/${repository}`,
      text,
    );
    try {
      return await work({ registry: registryOf({ host: its }, context, settings), repository: path });
    } catch (error) {
      if (!(error instanceof Fault && passing.has(error.code))) throw error;
    }
  }
  return work({ registry: registryOf(reference, context, settings), repository });
};

interface Pulled {
  readonly manifest: Manifest;
  readonly layer: Descriptor;
  readonly bytes: Uint8Array;
  readonly fresh: boolean;
}

const pullFrom = async (source: Source, reference: Reference, context: FetchContext): Promise<Pulled> => {
  const { text } = reference;
  const wanted = context.pin?.manifest ?? reference.digest;
  const manifest = await imageManifest(source, wanted ?? reference.tag!, text);
  const layer = wasmLayer(manifest, text);
  if (context.pin && context.pin.digest !== layer.digest)
    throw fault(
      "LK0105",
      `${text} is locked to ${context.pin.digest}, and its manifest names ${layer.digest}`,
      {
        hint: `where the change is meant: loop fetch --update ${text}`,
      },
    );
  const store = context.store ?? new Store();
  const stored = store.read(layer.digest);
  const [bytes, asserted] = await Promise.all([
    stored ??
      downloadBlob({
        ...source,
        layer,
        store,
        what: `The component of ${text}`,
        onProgress: (done) => context.onProgress?.(text, done, layer.size),
      }),
    configOf(source, manifest, layer, text),
  ]);
  try {
    requireTruth(text, bytes, asserted, manifest.annotations);
  } catch (error) {
    if (!stored) store.remove(layer.digest);
    throw error;
  }
  return { manifest, layer, bytes, fresh: !stored };
};

/** The image manifest that a tag or digest names, through an index if need be. Faults: LK0105, LK0112, LK0115, LK0116. */
export const imageManifest = async (source: Source, name: string, text: string): Promise<Manifest> => {
  const found = parseManifest(await manifestBytes(source, name, text), text);
  if ("config" in found) return found;
  const inner = parseManifest(await manifestBytes(source, chosenOf(found, text).digest, text), text);
  if ("config" in inner) return inner;
  throw fault("LK0116", `A Wasm artifact was looked for in ${text}, and it is an index of indexes`, {
    hint: "name one of its manifests: @sha256:DIGEST",
  });
};

/** The bytes of a manifest or index; those that a digest names have that digest. */
export const manifestBytes = async (
  { registry, repository }: Source,
  name: string,
  text: string,
): Promise<Uint8Array> => {
  const answer = await registry.send(`/v2/${repository}/manifests/${name}`, {
    repository,
    headers: { accept: `${manifestType}, ${indexType}` },
  });
  if (answer.status !== 200) {
    await answer.drop();
    throw refused(text, answer, answer.status === 404 ? "check the repository and its tag" : undefined);
  }
  const bytes = await answer.bytes(limits.ociManifestBytesMax);
  const digest = digestOf(bytes);
  const said = answer.headers.get("docker-content-digest");
  const wanted = name.startsWith("sha256:") ? name : said?.startsWith("sha256:") ? said : digest;
  if (wanted !== digest)
    throw fault(
      "LK0105",
      `The manifest of ${text} should have digest ${wanted}, and what came has ${digest}`,
      {
        hint: "try again; where it stays so, tell whoever runs the registry",
      },
    );
  return bytes;
};

/** What the artifact's configuration says of the component; undefined where it is of another type. */
const configOf = async (
  source: Source,
  { config }: Manifest,
  layer: Descriptor,
  text: string,
): Promise<Asserted | undefined> =>
  config.mediaType === configType
    ? assertedIn(await smallBlob(source, config, `The configuration of ${text}`), layer, text)
    : undefined;

/** A small blob, whole, with the digest that its descriptor says. Faults: LK0105, LK0115, LK0204. */
export const smallBlob = async (
  { registry, repository }: Source,
  { digest, size }: Descriptor,
  what: string,
): Promise<Uint8Array> => {
  const bytesMax = limits.ociConfigBytesMax;
  if (size > bytesMax)
    throw fault("LK0204", `${what} has ${size} bytes; the limit is ${bytesMax}`, {
      hint: "whoever published it has to publish it anew",
    });
  const answer = await registry.send(`/v2/${repository}/blobs/${digest}`, { repository });
  if (answer.status !== 200) {
    await answer.drop();
    throw refused(what, answer);
  }
  const bytes = await answer.bytes(bytesMax);
  const found: Digest = digestOf(bytes);
  if (found !== digest)
    throw fault("LK0105", `${what} should have digest ${digest}, and what came has ${found}`, {
      hint: "try again; where it stays so, tell whoever runs the registry",
    });
  return bytes;
};
