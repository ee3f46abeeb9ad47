// Where WIT spells a name of WebGPU in another way: identifiers of WIT begin with letters, flags are records there.

/** A flags value as the linker gives it, or the bits themselves where an interface has them as a number. */
export type Flags = Readonly<Record<string, boolean>> | number;

/** Names of flags in the order of their bits. */
export const flagNames = {
  bufferUsage: [
    "mapRead",
    "mapWrite",
    "copySrc",
    "copyDst",
    "index",
    "vertex",
    "uniform",
    "storage",
    "indirect",
    "queryResolve",
  ],
  textureUsage: ["copySrc", "copyDst", "textureBinding", "storageBinding", "renderAttachment"],
  shaderStage: ["vertex", "fragment", "compute"],
  mapMode: ["read", "write"],
  colorWrite: ["red", "green", "blue", "alpha"],
} as const;

export type FlagKind = keyof typeof flagNames;

export const mapModes = { read: 1, write: 2 } as const;

export const bits = (kind: FlagKind, value: Flags): number => {
  if (typeof value === "number") return value;
  let all = 0;
  flagNames[kind].forEach((name, bit) => {
    if (value[name]) all |= 1 << bit;
  });
  return all;
};

export const flags = (kind: FlagKind, value: number): Record<string, boolean> =>
  Object.fromEntries(flagNames[kind].map((name, bit) => [name, (value & (1 << bit)) !== 0]));

/** "d2-array" → "2d-array": dimensions of textures and views. */
export const dimension = <T extends string>(name: string): T => name.replace(/^d(\d)/, "$1d") as T;
export const wireDimension = (name: string): string => name.replace(/^(\d)d/, "d$1");

/** "astc4x4-unorm" → "astc-4x4-unorm"; every other format is spelled alike. */
export const format = (name: string): GPUTextureFormat =>
  name.replace(/^astc(?=\d)/, "astc-") as GPUTextureFormat;
export const wireFormat = (name: string): string => name.replace(/^astc-/, "astc");

/** "unorm1010102" → "unorm10-10-10-2". */
export const vertexFormat = (name: string): string => (name === "unorm1010102" ? "unorm10-10-10-2" : name);

/** "texture-compression-bc-sliced3d" → "texture-compression-bc-sliced-3d". */
export const feature = (name: string): GPUFeatureName =>
  name.replace(/sliced3d$/, "sliced-3d") as GPUFeatureName;
const wireFeature = (name: string): string => name.replace(/sliced-3d$/, "sliced3d");

/** The features that our interface and the public one know. */
const features = new Set([
  "depth-clip-control",
  "depth32float-stencil8",
  "texture-compression-bc",
  "texture-compression-bc-sliced3d",
  "texture-compression-etc2",
  "texture-compression-astc",
  "texture-compression-astc-sliced3d",
  "timestamp-query",
  "indirect-first-instance",
  "shader-f16",
  "rg11b10ufloat-renderable",
  "bgra8unorm-storage",
  "float32-filterable",
  "float32-blendable",
  "clip-distances",
  "dual-source-blending",
  "subgroups",
]);

export const wireFeatures = (supported: ReadonlySet<string>): string[] =>
  [...supported].map(wireFeature).filter((name) => features.has(name));

/** Limits by their name in WIT's JavaScript; WebGPU's own differ in "1D", "2D", "3D". */
export const limitNames = [
  "maxTextureDimension1d",
  "maxTextureDimension2d",
  "maxTextureDimension3d",
  "maxTextureArrayLayers",
  "maxBindGroups",
  "maxBindGroupsPlusVertexBuffers",
  "maxBindingsPerBindGroup",
  "maxDynamicUniformBuffersPerPipelineLayout",
  "maxDynamicStorageBuffersPerPipelineLayout",
  "maxSampledTexturesPerShaderStage",
  "maxSamplersPerShaderStage",
  "maxStorageBuffersPerShaderStage",
  "maxStorageTexturesPerShaderStage",
  "maxUniformBuffersPerShaderStage",
  "maxUniformBufferBindingSize",
  "maxStorageBufferBindingSize",
  "minUniformBufferOffsetAlignment",
  "minStorageBufferOffsetAlignment",
  "maxVertexBuffers",
  "maxBufferSize",
  "maxVertexAttributes",
  "maxVertexBufferArrayStride",
  "maxInterStageShaderVariables",
  "maxColorAttachments",
  "maxColorAttachmentBytesPerSample",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

type LimitName = (typeof limitNames)[number];

/** Those that are 64 bits wide in WIT. */
const wide: ReadonlySet<LimitName> = new Set([
  "maxUniformBufferBindingSize",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
]);

export type WireLimits = Readonly<Record<LimitName, number | bigint>>;

const native = (name: string): string => name.replace(/(\d)d$/, "$1D");

export const wireLimits = (limits: GPUSupportedLimits): WireLimits => {
  const all = limits as unknown as Readonly<Record<string, number | undefined>>;
  return Object.fromEntries(
    limitNames.map((name) => {
      const value = all[native(name)] ?? 0;
      return [name, wide.has(name) ? BigInt(value) : Math.min(value, 0xffff_ffff)];
    }),
  ) as WireLimits;
};

/** "max-texture-dimension1d" or "maxTextureDimension1D" → "maxTextureDimension1D". */
export const limitName = (wire: string): string =>
  native(wire.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()));
