import { dirname } from "node:path";
import { type Digest, digestOf } from "../../base/digest.ts";
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { shellWord } from "../../base/word.ts";
import type { FetchContext } from "../fetch.ts";
import { parseIdentifier } from "../identifier.ts";
import { localRegistryOf, repositoryOf, tagOf } from "../package.ts";
import { isVersion } from "../range.ts";
import { readSettings } from "../settings.ts";
import { configType, layerType, manifestType } from "./artifact.ts";
import { annotationKeys, claimAnnotations, claimOf } from "./claim.ts";
import { registryOf, type Source } from "./pull.ts";
import { manifestAt, pushBlob, pushManifest, pushReferrer } from "./push.ts";
import { parseReference, placeOf, type Reference } from "./reference.ts";

export const sourceType = "application/vnd.loop-kit.source.v1.tar+gzip";
const emptyType = "application/vnd.oci.empty.v1+json";

export interface Publication {
  /** The component's bytes, already verified. */
  readonly bytes: Uint8Array;
  /** Its name, for a file name. */
  readonly name: string;
  readonly version: string | undefined;
  readonly description: string | undefined;
  /** Its documentation, a Markdown text. */
  readonly docs: string | undefined;
  /** A tar.gz of its source. */
  readonly source: Uint8Array | undefined;
  /** Takes the place of other bytes under the same tag. */
  readonly force: boolean;
  /** When it was made, ISO 8601. */
  readonly created: string;
}

export interface Published {
  readonly place: string;
  readonly tag: string;
  readonly digest: Digest;
  readonly manifest: Digest;
  readonly source: Digest | undefined;
  /** These very bytes were there already. */
  readonly existed: boolean;
}

/**
 * Where a component is to be published: `oci://HOST/REPOSITORY:TAG`, or `NAMESPACE:NAME@VERSION`, whose registry the
 * person's settings name. Without a tag or version it is `version`. Faults: LK0102, LK0119, LK0121.
 */
export const targetOf = async (
  text: string,
  version: string | undefined,
  context: FetchContext,
): Promise<Reference & { readonly tag: string }> => {
  const { scheme, rest } = parseIdentifier(text);
  if (scheme === "oci") {
    const reference = parseReference(rest, text);
    if (reference.digest)
      throw fault("LK0102", `${text} names a digest, and what is published gets a tag`, {
        hint: `oci://${reference.host}/${reference.repository}:${version ?? "VERSION"}`,
      });
    const bare = !rest.slice(rest.lastIndexOf("/")).includes(":");
    const tag = bare && version !== undefined ? tagOf(version, text) : reference.tag!;
    return { ...reference, tag };
  }
  if (scheme !== "package")
    throw fault(
      "LK0102",
      `Components are published to oci://HOST/REPOSITORY:TAG or as NAMESPACE:NAME@VERSION, and "${text}" was written`,
    );
  const written = text.includes("@") ? text.slice(text.indexOf("@") + 1) : version;
  if (written === undefined || !isVersion(written))
    throw fault(
      "LK0102",
      `${text} is to be published, and ${written === undefined ? "has no version" : `"${written}" is no version`}`,
      {
        hint: `${text.replace(/@.*/, "")}@0.1.0, or a version in the [component] of its loop.toml`,
      },
    );
  const local = await localRegistryOf(text, context);
  if (local) {
    const path = local.path(text.replace(/@.*/, ""), written);
    throw fault("LK0102", `The registry of ${text} is a folder, which needs no publishing`, {
      hint: `mkdir -p ${shellWord(dirname(path))} && cp build/NAME.wasm ${shellWord(path)}`,
    });
  }
  return { ...(await repositoryOf(text, context)), tag: tagOf(written, text) };
};

/** Publishes a component. Faults: LK0110 to LK0115, LK0124 other bytes are there, LK02. */
export const publish = async (
  target: Reference & { readonly tag: string },
  publication: Publication,
  context: FetchContext,
): Promise<Published> => {
  const settings = await readSettings(process.env);
  const source: Source = {
    registry: registryOf(target, context, settings),
    repository: target.repository,
  };
  const digest = digestOf(publication.bytes);
  const before = await manifestAt(source, target.tag, target.text);
  if (before?.layers[0]?.digest === digest && !publication.force && publication.source === undefined) {
    const place = placeOf(target, before.digest);
    return { place, tag: target.tag, digest, manifest: before.digest, source: undefined, existed: true };
  }
  if (before && before.layers[0]?.digest !== digest && !publication.force)
    throw fault(
      "LK0124",
      `${target.text} is published already, with other bytes (${before.layers[0]?.digest ?? "none"})`,
      {
        hint: "publish another version, or replace it with --force: what others locked stays what it was",
      },
    );
  const steps = publication.source === undefined ? 2 : 4;
  const progress = (step: number) => context.onProgress?.(target.text, step, steps);
  const manifest = await manifestOf(source, publication, digest, target.text);
  progress(1);
  await pushManifest(source, target.tag, manifest);
  progress(2);
  const subject = digestOf(manifest);
  const sourceDigest =
    publication.source && (await pushSource(source, subject, manifest.length, publication, target.text));
  return {
    place: placeOf(target, subject),
    tag: target.tag,
    digest,
    manifest: subject,
    source: sourceDigest,
    existed: false,
  };
};

/** Puts configuration and component there, and answers the manifest that names them. */
const manifestOf = async (
  source: Source,
  publication: Publication,
  digest: Digest,
  text: string,
): Promise<Uint8Array> => {
  const { bytes, name, version, description, docs, created } = publication;
  const claim = claimOf(text, bytes);
  const config = Buffer.from(
    JSON.stringify({
      created,
      architecture: "wasm",
      os: "wasip2",
      layerDigests: [digest],
      component: { exports: claim.exports, imports: claim.imports },
    }),
  );
  await Promise.all([pushBlob(source, bytes), pushBlob(source, config)]);
  if (docs !== undefined && docs.length > limits.annotationBytesMax)
    throw fault(
      "LK0204",
      `The documentation has ${docs.length} characters; the limit is ${limits.annotationBytesMax}`,
    );
  const annotations = {
    "org.opencontainers.image.created": created,
    "org.opencontainers.image.title": name,
    ...(version !== undefined && { "org.opencontainers.image.version": version }),
    ...(description !== undefined && { "org.opencontainers.image.description": description }),
    ...(docs !== undefined && { [annotationKeys.docs]: docs }),
    ...claimAnnotations(claim),
  };
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: configType, digest: digestOf(config), size: config.length },
      layers: [
        {
          mediaType: layerType,
          digest,
          size: bytes.length,
          annotations: { "org.opencontainers.image.title": `${name}.wasm` },
        },
      ],
      annotations,
    }),
  );
};

/** The source as an artifact of its own, which refers to the component's. */
const pushSource = async (
  source: Source,
  subject: Digest,
  subjectBytes: number,
  { source: archive = new Uint8Array(), name, created }: Publication,
  text: string,
): Promise<Digest> => {
  const empty = Buffer.from("{}");
  await Promise.all([pushBlob(source, archive), pushBlob(source, empty)]);
  return pushReferrer(
    source,
    subject,
    {
      schemaVersion: 2,
      mediaType: manifestType,
      artifactType: sourceType,
      config: { mediaType: emptyType, digest: digestOf(empty), size: empty.length },
      layers: [
        {
          mediaType: sourceType,
          digest: digestOf(archive),
          size: archive.length,
          annotations: { "org.opencontainers.image.title": `${name}.tar.gz` },
        },
      ],
      subject: { mediaType: manifestType, digest: subject, size: subjectBytes },
      annotations: { "org.opencontainers.image.created": created },
    },
    text,
  );
};
