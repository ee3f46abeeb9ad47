import { type Digest, digestOf } from "../../base/digest.ts";
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";

// The layout of a Wasm OCI artifact, as CNCF's runtime group wrote it down and wkg reads it: an image manifest, a
// configuration that says what the component imports and exports, and exactly one layer, the component.

export const manifestType = "application/vnd.oci.image.manifest.v1+json";
export const indexType = "application/vnd.oci.image.index.v1+json";
export const configType = "application/vnd.wasm.config.v0+json";
export const layerType = "application/wasm";
/** Layers of Wasm under names from before there was a layout. */
const olderLayerTypes = [
  "application/vnd.wasm.content.layer.v1+wasm",
  "application/vnd.module.wasm.content.layer.v1+wasm",
];

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly artifactType?: string;
}

export interface Manifest {
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly artifactType: string | undefined;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Index {
  readonly manifests: readonly (Descriptor & { readonly architecture?: string | undefined })[];
}

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const textsOf = (value: unknown): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(fieldsOf(value)).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );

const broken = (what: string, why: string) =>
  fault("LK0115", `${what} does not read: ${why}`, {
    hint: "whoever published it has to publish it anew",
  });

/** A JSON object out of bytes. Fault: LK0115. */
export const jsonOf = (bytes: Uint8Array, what: string): Fields => {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Said below: what a peer sent is not repeated.
  }
  throw broken(what, "it is no JSON object");
};

const descriptorOf = (value: unknown, what: string): Descriptor => {
  const { mediaType, digest, size, annotations, artifactType } = fieldsOf(value);
  if (typeof digest !== "string" || !/^sha256:[0-9a-f]{64}$/.test(digest))
    throw broken(what, "a digest in it is not sha256: and 64 hexadecimal digits");
  if (!Number.isSafeInteger(size) || (size as number) < 0) throw broken(what, "a size in it is none");
  if (typeof mediaType !== "string") throw broken(what, "a part of it has no media type");
  return {
    mediaType,
    digest: digest as Digest,
    size: size as number,
    ...(annotations !== undefined && { annotations: textsOf(annotations) }),
    ...(typeof artifactType === "string" && { artifactType }),
  };
};

/** Reads a manifest or an index. Faults: LK0115, LK0116. */
export const parseManifest = (bytes: Uint8Array, what: string): Manifest | Index => {
  const document = jsonOf(bytes, what);
  const { mediaType, config, layers, manifests, annotations, artifactType } = document;
  if (mediaType === indexType || (mediaType === undefined && Array.isArray(manifests)))
    return {
      manifests: listOf(manifests).map((one) => ({
        ...descriptorOf(one, what),
        architecture: fieldsOf(fieldsOf(one).platform).architecture as string | undefined,
      })),
    };
  if (mediaType !== undefined && mediaType !== manifestType)
    throw notWasm(what, `it is of type ${String(mediaType).slice(0, 100)}`);
  return {
    digest: digestOf(bytes),
    bytes,
    artifactType: typeof artifactType === "string" ? artifactType : undefined,
    config: descriptorOf(config, what),
    layers: listOf(layers).map((layer) => descriptorOf(layer, what)),
    annotations: textsOf(annotations),
  };
};

const notWasm = (what: string, why: string) =>
  fault("LK0116", `A Wasm artifact was looked for in ${what}, and ${why}`, {
    hint: "loop publish and wkg make such artifacts; images of containers are others",
  });

/** The one layer that is the component. Faults: LK0116, LK0204. */
export const wasmLayer = ({ layers }: Manifest, what: string): Descriptor => {
  const [layer, ...others] = layers;
  if (!layer || others.length > 0) throw notWasm(what, `it has ${layers.length} layers instead of one`);
  if (layer.mediaType !== layerType && !olderLayerTypes.includes(layer.mediaType))
    throw notWasm(what, `its layer is of type ${layer.mediaType.slice(0, 100)}`);
  if (layer.size > limits.componentBytesMax)
    throw fault("LK0204", `${what} has ${layer.size} bytes; the limit is ${limits.componentBytesMax}`, {
      hint: "nothing so large can be loaded; whoever published it has to make it smaller",
    });
  return layer;
};

/** Of an index, the manifest for Wasm: the one whose platform says so, or the only one. Fault: LK0116. */
export const chosenOf = ({ manifests }: Index, what: string): Descriptor => {
  const wasm = manifests.filter(({ architecture }) => architecture === "wasm");
  const [one, ...others] = wasm.length > 0 ? wasm : manifests;
  if (!one || others.length > 0)
    throw notWasm(what, `it is an index of ${manifests.length}, of which ${wasm.length} are for wasm`);
  return one;
};

/** What the configuration says of the component. */
export interface Asserted {
  readonly imports: readonly string[];
  readonly exports: readonly string[];
}

/**
 * What a configuration asserts; undefined where it says nothing of a component. Faults: LK0115, LK0120 where it
 * speaks of another layer.
 */
export const assertedIn = (bytes: Uint8Array, layer: Descriptor, what: string): Asserted | undefined => {
  const { layerDigests, component } = jsonOf(bytes, `The configuration of ${what}`);
  if (Array.isArray(layerDigests) && (layerDigests.length !== 1 || layerDigests[0] !== layer.digest))
    throw fault("LK0120", `The configuration of ${what} speaks of other layers than its manifest`, {
      hint: "whoever published it has to publish it anew",
    });
  if (component === undefined || component === null) return undefined;
  const { imports, exports } = fieldsOf(component);
  const texts = (list: unknown) => listOf(list).filter((name): name is string => typeof name === "string");
  return { imports: texts(imports), exports: texts(exports) };
};
