import type { Digest } from "../../base/digest.ts";
import type { FetchContext, Locator } from "../fetch.ts";
import { localRegistryOf, repositoryOf } from "../package.ts";
import { newestFirst } from "../range.ts";
import { readSettings } from "../settings.ts";
import { annotationKeys } from "./claim.ts";
import { sourceType } from "./publish.ts";
import { anywhere, imageManifest } from "./pull.ts";
import { referrersOf } from "./push.ts";
import { parseReference } from "./reference.ts";
import { listTags } from "./tags.ts";

/** What a registry says of a component beside its bytes. What can be computed from the bytes was compared with them. */
export interface RegistryAbout {
  /** The publisher's word alone: title, version, description and the like, without loop's own keys. */
  readonly annotations: ReadonlyArray<readonly [string, string]>;
  readonly docs: string | undefined;
  /** Other versions there, the newest first. */
  readonly versions: readonly string[];
  /** The artifact with its source, where one refers to it. */
  readonly source: string | undefined;
}

/** Asks the registry that a component was pulled from. Faults: those of asking. */
export const aboutArtifact = async (
  { identifier, scheme, manifest }: Pick<Locator, "identifier" | "scheme" | "manifest">,
  context: FetchContext,
): Promise<RegistryAbout | undefined> => {
  const local = scheme === "package" ? await localRegistryOf(identifier, context) : undefined;
  if (local) {
    const versions = newestFirst(local.versions(identifier.replace(/@.*$/s, "")));
    return { annotations: [], docs: undefined, versions, source: undefined };
  }
  if (manifest === undefined || (scheme !== "oci" && scheme !== "package")) return undefined;
  const reference =
    scheme === "package"
      ? await repositoryOf(identifier, context)
      : parseReference(identifier.slice("oci://".length), identifier);
  const settings = await readSettings(process.env);
  return anywhere(reference, context, settings, async (source) => {
    const [{ annotations }, tags, referrers] = await Promise.all([
      imageManifest(source, manifest satisfies Digest, identifier),
      listTags(source, identifier),
      referrersOf(source, manifest, identifier),
    ]);
    const own = new Set<string>(Object.values(annotationKeys));
    const code = referrers.find(({ artifactType }) => artifactType === sourceType);
    return {
      annotations: Object.entries(annotations).filter(([key]) => !own.has(key)),
      docs: annotations[annotationKeys.docs],
      versions: newestFirst(tags),
      source: code && `oci://${reference.host}/${reference.repository}@${code.digest}`,
    };
  });
};
