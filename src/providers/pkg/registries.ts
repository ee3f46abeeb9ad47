import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { errno, Fault, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { type Manifest, readManifests } from "../../base/manifest/manifest.ts";
import { readWishes } from "../../contract/capability.ts";
import type { Interruptible, Locator } from "../../resolve/fetch.ts";
import { claimOf } from "../../resolve/oci/claim.ts";
import type { Resolver } from "../../resolve/resolver.ts";
import type { Judgement } from "../../trust/keyring.ts";
import type { VerifiedComponent } from "../../trust/verify.ts";
import { shownOn, type Task } from "./progress.ts";

export interface RegistriesServices {
  readonly resolver: Resolver;
  readonly interruptible: Interruptible;
  /** The path that every component takes to the host. */
  readonly load: (
    identifier: string,
  ) => Promise<{ readonly component: VerifiedComponent; readonly locator: Locator }>;
}

/** `loop:pkg/registries#publication`. */
export interface PublishRequest {
  readonly path: string;
  readonly target: string;
  readonly docs: string | undefined;
  readonly source: boolean;
  readonly force: boolean;
}

/** Publishes a component's file. Faults: LK0106 offline, those of loading and of publishing. */
export const publishFile = async (
  { resolver, interruptible, load }: RegistriesServices,
  request: PublishRequest,
  task: Task,
) => {
  const { path, target: text } = request;
  if (resolver.policy.offline)
    throw fault("LK0106", `${text} is to be published, and the network is not asked (--offline)`);
  const { component } = await load(path);
  if (component.adapted)
    throw fault("LK0202", `${path} is a core WebAssembly module, and components are published`, {
      hint: "build it as a component: loop new component NAME --lang c",
    });
  const manifest = projectOf(resolve(resolver.folder, path));
  const version = manifest?.component?.version;
  const { publish, targetOf } = await import("../../resolve/oci/publish.ts");
  const publication = await publicationOf(component.bytes, request, resolver.folder, manifest);
  const work = async (signal: AbortSignal) => {
    const context = { ...resolver.context(), onProgress: shownOn(task), signal };
    const target = await targetOf(text, version, context);
    const named = target.text.includes("@") || version === undefined ? target.tag : version;
    return publish(target, { ...publication, version: named }, context);
  };
  try {
    return await interruptible(work);
  } catch (error) {
    if (!(error instanceof Fault && error.code === "LK0005")) throw error;
    throw fault("LK0005", `Interrupted before ${text} was published whole`, {
      hint: `loop publish ${text}: what is there already is not sent again`,
      cause: error,
    });
  }
};

/** What is published beside the bytes. Faults: LK0504, LK0204, LK0007. */
const publicationOf = async (
  bytes: Uint8Array,
  { path, docs, source, force }: PublishRequest,
  folder: string,
  manifest: Manifest | undefined,
) => {
  if (source && !manifest)
    throw fault("LK0504", `The source of ${path} was asked for, and no loop.toml says where it is`, {
      hint: "publish the component in the build folder of its project",
    });
  const { sourceArchive } = await import("./source.ts");
  return {
    bytes,
    name: manifest?.component?.name ?? basename(path, ".wasm"),
    description: manifest?.component?.description,
    docs: docsOf(docs === undefined ? undefined : resolve(folder, docs), manifest),
    source: source && manifest ? sourceArchive(manifest.folder) : undefined,
    force,
    created: createdAt(),
  };
};

/** The project whose build folder a component lies in. Faults: LK05. */
const projectOf = (path: string): Manifest | undefined => {
  const folder = dirname(dirname(path));
  const [nearest] = basename(dirname(path)) === "build" ? readManifests(folder) : [];
  return nearest?.folder === folder && nearest.component ? nearest : undefined;
};

const docsOf = (path: string | undefined, manifest: Manifest | undefined): string | undefined => {
  const readme = manifest && join(manifest.folder, "README.md");
  const place = path ?? (readme && existsSync(readme) ? readme : undefined);
  if (place === undefined) return undefined;
  try {
    const bytes = readFileSync(place);
    if (bytes.length > limits.annotationBytesMax)
      throw fault("LK0204", `${place} has ${bytes.length} bytes; the limit is ${limits.annotationBytesMax}`, {
        hint: "--docs names a shorter text",
      });
    return bytes.toString("utf8");
  } catch (error) {
    if (errno(error))
      throw fault("LK0007", `Cannot read ${place}: ${(error as Error).message}`, { cause: error });
    throw error;
  }
};

/** Now, or what reproducible builds say (reproducible-builds.org, SOURCE_DATE_EPOCH). */
const createdAt = (): string => {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  const ms = epoch !== undefined && /^\d{1,11}$/.test(epoch) ? Number(epoch) * 1000 : Date.now();
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
};

/** What a component is, and what its registry says of it. Faults: those of loading and asking. */
export const about = async ({ resolver, interruptible, load }: RegistriesServices, text: string) => {
  const { component, locator } = await load(text);
  const { bytes, digest, trust, signatures } = component;
  const { imports, exports, wit, trust: needs } = claimOf(text, bytes);
  const { aboutArtifact } = await import("../../resolve/oci/about.ts");
  const said = resolver.policy.offline
    ? undefined
    : await interruptible((signal) => aboutArtifact(locator, { ...resolver.context(), signal }));
  return {
    identifier: text,
    place: locator.place,
    digest,
    manifest: locator.manifest,
    package: locator.package,
    bytes: BigInt(bytes.length),
    imports,
    exports,
    wants: readWishes(text, bytes).map(({ name, reason }) => [name, reason]),
    needs,
    trust,
    signers: signersOf(signatures),
    wit: wit ?? "",
    annotations: said?.annotations ?? [],
    docs: said?.docs,
    versions: said?.versions ?? [],
    source: said?.source,
  };
};

const signersOf = (judgement: Judgement | undefined) => [
  ...(judgement?.signers ?? []).map(({ key, name, standing }) => ({ key, name, standing })),
  ...(judgement?.unknown ?? []).map((id) => ({ key: id, name: "", standing: "unknown" })),
];
