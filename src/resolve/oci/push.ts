import { type Digest, digestOf } from "../../base/digest.ts";
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { type HttpAnswer, refused } from "../http.ts";
import { type Descriptor, indexType, type Manifest, manifestType, parseManifest } from "./artifact.ts";
import { manifestBytes, type Source } from "./pull.ts";

const access = "pull,push" as const;

/** Puts a blob into a repository, unless it is there. Faults: LK0110, LK0111, LK0115, those of sending. */
export const pushBlob = async ({ registry, repository }: Source, bytes: Uint8Array): Promise<Digest> => {
  const digest = digestOf(bytes);
  const what = `A blob of ${bytes.length} bytes for ${registry.host}/${repository}`;
  const there = await registry.send(`/v2/${repository}/blobs/${digest}`, {
    method: "HEAD",
    repository,
    access,
  });
  await there.drop();
  if (there.status === 200) return digest;
  if (there.status !== 404) throw refused(what, there);
  const begun = await registry.send(`/v2/${repository}/blobs/uploads/`, {
    method: "POST",
    repository,
    access,
  });
  await begun.drop();
  if (begun.status !== 202) throw refused(what, begun);
  const location = begun.headers.get("location");
  if (location === null || !URL.canParse(location, begun.url))
    throw fault("LK0115", `${what} is taken, and ${registry.host} does not say where`);
  const url = new URL(location, begun.url);
  url.searchParams.set("digest", digest);
  const put = await registry.send(url.href, {
    method: "PUT",
    repository,
    access,
    headers: { "content-type": "application/octet-stream" },
    body: bytes,
  });
  await put.drop();
  if (put.status !== 201) throw refused(what, put);
  return digest;
};

/** Puts a manifest under a tag, or under its digest; answers what the registry said. */
export const pushManifest = async (
  { registry, repository }: Source,
  name: string,
  bytes: Uint8Array,
  type = manifestType,
): Promise<HttpAnswer> => {
  const what = `The manifest of ${registry.host}/${repository}:${name}`;
  if (bytes.length > limits.ociManifestBytesMax)
    throw fault("LK0204", `${what} has ${bytes.length} bytes; the limit is ${limits.ociManifestBytesMax}`);
  const answer = await registry.send(`/v2/${repository}/manifests/${name}`, {
    method: "PUT",
    repository,
    access,
    headers: { "content-type": type },
    body: bytes,
  });
  await answer.drop();
  if (answer.status !== 201) throw refused(what, answer);
  const said = answer.headers.get("docker-content-digest");
  if (said?.startsWith("sha256:") && said !== digestOf(bytes))
    throw fault("LK0105", `${what} was sent with digest ${digestOf(bytes)}, and the registry says ${said}`);
  return answer;
};

/** What refers to a manifest, as its registry lists it: by the referrers interface, or else under a tag. */
export const referrersOf = async (
  source: Source,
  subject: Digest,
  text: string,
): Promise<readonly Descriptor[]> => {
  const { registry, repository } = source;
  const answer = await registry.send(`/v2/${repository}/referrers/${subject}`, {
    repository,
    headers: { accept: indexType },
  });
  if (answer.status === 200) return manifestsIn(await answer.bytes(limits.ociListBytesMax), text);
  await answer.drop();
  // Registries from before distribution 1.1 keep the list under a tag that clients write.
  const tagged = await registry.send(`/v2/${repository}/manifests/${tagOfReferrers(subject)}`, {
    repository,
    headers: { accept: indexType },
  });
  if (tagged.status === 200) return manifestsIn(await tagged.bytes(limits.ociListBytesMax), text);
  await tagged.drop();
  if (tagged.status === 404) return [];
  throw refused(`What refers to ${text}`, tagged);
};

const manifestsIn = (bytes: Uint8Array, text: string): readonly Descriptor[] => {
  const found = parseManifest(bytes, `The list of what refers to ${text}`);
  return "manifests" in found ? found.manifests : [];
};

const tagOfReferrers = (subject: Digest): string => subject.replace(":", "-");

/** Puts a manifest that refers to another, and where the registry keeps no list of those, into the list by tag. */
export const pushReferrer = async (
  source: Source,
  subject: Digest,
  document: { readonly artifactType: string } & Readonly<Record<string, unknown>>,
  text: string,
): Promise<Digest> => {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = digestOf(bytes);
  const answer = await pushManifest(source, digest, bytes);
  if (answer.headers.get("oci-subject") === subject) return digest;
  const others = (await referrersOf(source, subject, text)).filter((one) => one.digest !== digest);
  const { artifactType } = document;
  const own = { mediaType: manifestType, digest, size: bytes.length, artifactType };
  const manifests = [...others, own].map(({ mediaType, digest: its, size, artifactType: type }) => ({
    mediaType,
    digest: its,
    size,
    ...(type !== undefined && { artifactType: type }),
  }));
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests }));
  await pushManifest(source, tagOfReferrers(subject), index, indexType);
  return digest;
};

/** The manifest that a tag names now; undefined where there is none. */
export const manifestAt = async (
  source: Source,
  tag: string,
  text: string,
): Promise<Manifest | undefined> => {
  const { registry, repository } = source;
  const there = await registry.send(`/v2/${repository}/manifests/${tag}`, {
    method: "HEAD",
    repository,
    access,
    headers: { accept: `${manifestType}, ${indexType}` },
  });
  await there.drop();
  if (there.status === 404) return undefined;
  if (there.status !== 200) throw refused(text, there);
  const found = parseManifest(await manifestBytes(source, tag, text), text);
  return "config" in found ? found : undefined;
};
