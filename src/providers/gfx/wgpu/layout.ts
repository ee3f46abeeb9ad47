import * as enums from "./enums.ts";
import {
  at,
  bool,
  chain,
  type Field,
  f32,
  f64,
  i32,
  label,
  list,
  oneOf,
  optionalBool,
  pointer,
  struct,
  text,
  u16,
  u32,
  u64,
} from "./memory.ts";

// The structures of webgpu.h that calls read, as the Dawn has them whose digest library.ts knows. What is written where
// nothing is given is WebGPU's own default.

const all32 = 0xffff_ffff;
const all64 = 0xffff_ffff_ffff_ffffn;

const textureFormat = oneOf("format of textures", enums.textureFormats);
const viewDimension = oneOf("dimension of a view", enums.viewDimensions);
const aspect = oneOf("aspect of a texture", enums.aspects);
const compare = oneOf("comparison", enums.compares);
const addressMode = oneOf("address mode", enums.addressModes);
const filter = oneOf("filter", enums.filters);
const loadOp = oneOf("load operation", enums.loadOps);
const storeOp = oneOf("store operation", enums.storeOps);

/** WGPUCallbackInfo: called by wgpuInstanceProcessEvents. */
export const callbackInfo = struct(
  chain,
  ["mode", u32, 2],
  ["callback", pointer],
  ["id", pointer],
  ["unused", pointer],
);
const errorCallbackInfo = struct(chain, ["callback", pointer], ["id", pointer], ["unused", pointer]);

export const adapterOptions = struct(
  chain,
  ["featureLevel", u32, 2],
  ["powerPreference", oneOf("power preference", enums.powerPreferences)],
  ["forceFallbackAdapter", bool],
  ["backendType", u32],
  ["compatibleSurface", pointer],
);

/** Names of limits in the order of WGPULimits. */
const limitFields: readonly Field[] = `maxTextureDimension1D maxTextureDimension2D maxTextureDimension3D
  maxTextureArrayLayers maxBindGroups maxBindGroupsPlusVertexBuffers maxBindingsPerBindGroup
  maxDynamicUniformBuffersPerPipelineLayout maxDynamicStorageBuffersPerPipelineLayout maxSampledTexturesPerShaderStage
  maxSamplersPerShaderStage maxStorageBuffersPerShaderStage maxStorageTexturesPerShaderStage
  maxUniformBuffersPerShaderStage maxUniformBufferBindingSize/ maxStorageBufferBindingSize/
  minUniformBufferOffsetAlignment minStorageBufferOffsetAlignment maxVertexBuffers maxBufferSize/ maxVertexAttributes
  maxVertexBufferArrayStride maxInterStageShaderVariables maxColorAttachments maxColorAttachmentBytesPerSample
  maxComputeWorkgroupStorageSize maxComputeInvocationsPerWorkgroup maxComputeWorkgroupSizeX maxComputeWorkgroupSizeY
  maxComputeWorkgroupSizeZ maxComputeWorkgroupsPerDimension maxImmediateSize maxStorageBuffersInVertexStage
  maxStorageTexturesInVertexStage maxStorageBuffersInFragmentStage maxStorageTexturesInFragmentStage`
  .split(/\s+/)
  .map((name) => (name.endsWith("/") ? [name.slice(0, -1), u64, all64] : [name, u32, all32]));

export const limits = struct(chain, ...limitFields);

/** The limits, and which of them are 64 bits wide. */
export const limitNames: readonly (readonly [name: string, wide: boolean])[] = limitFields.map(
  ([name, kind]) => [name, kind === u64],
);

export const deviceDescriptor = struct(
  chain,
  label,
  ["requiredFeatures", list(oneOf("feature", enums.features))],
  ["requiredLimits", at(limits)],
  ["defaultQueue", struct(chain, label), {}],
  ["deviceLost", callbackInfo],
  ["uncapturedError", errorCallbackInfo],
);

export const bufferDescriptor = struct(
  chain,
  label,
  ["usage", u64],
  ["size", u64],
  ["mappedAtCreation", bool],
);

const extent = struct(["width", u32], ["height", u32, 1], ["depthOrArrayLayers", u32, 1]);

export { extent };

export const textureDescriptor = struct(
  chain,
  label,
  ["usage", u64],
  ["dimension", oneOf("dimension of a texture", enums.textureDimensions), "2d"],
  ["size", extent],
  ["format", textureFormat],
  ["mipLevelCount", u32, 1],
  ["sampleCount", u32, 1],
  ["viewFormats", list(textureFormat)],
);

export const viewDescriptor = struct(
  chain,
  label,
  ["format", textureFormat],
  ["dimension", viewDimension],
  ["baseMipLevel", u32, 0],
  ["mipLevelCount", u32, all32],
  ["baseArrayLayer", u32, 0],
  ["arrayLayerCount", u32, all32],
  ["aspect", aspect, "all"],
  ["usage", u64],
);

export const samplerDescriptor = struct(
  chain,
  label,
  ["addressModeU", addressMode],
  ["addressModeV", addressMode],
  ["addressModeW", addressMode],
  ["magFilter", filter],
  ["minFilter", filter],
  ["mipmapFilter", filter],
  ["lodMinClamp", f32, 0],
  ["lodMaxClamp", f32, 32],
  ["compare", compare],
  ["maxAnisotropy", u16, 1],
);

const layoutEntry = struct(
  chain,
  ["binding", u32],
  ["visibility", u64],
  ["bindingArraySize", u32],
  [
    "buffer",
    struct(
      chain,
      ["type", oneOf("binding of buffers", enums.bufferBindings), "uniform"],
      ["hasDynamicOffset", bool],
      ["minBindingSize", u64],
    ),
  ],
  ["sampler", struct(chain, ["type", oneOf("binding of samplers", enums.samplerBindings), "filtering"])],
  [
    "texture",
    struct(
      chain,
      ["sampleType", oneOf("type of samples", enums.sampleTypes), "float"],
      ["viewDimension", viewDimension, "2d"],
      ["multisampled", bool],
    ),
  ],
  [
    "storageTexture",
    struct(
      chain,
      ["access", oneOf("access to a texture", enums.storageAccesses), "write-only"],
      ["format", textureFormat],
      ["viewDimension", viewDimension, "2d"],
    ),
  ],
);
export const groupLayoutDescriptor = struct(chain, label, ["entries", list(layoutEntry)]);

const groupEntry = struct(
  chain,
  ["binding", u32],
  ["buffer", pointer],
  ["offset", u64, 0],
  ["size", u64, all64],
  ["sampler", pointer],
  ["textureView", pointer],
);
export const groupDescriptor = struct(chain, label, ["layout", pointer], ["entries", list(groupEntry)]);

export const pipelineLayoutDescriptor = struct(
  chain,
  label,
  ["bindGroupLayouts", list(pointer)],
  ["immediateSize", u32],
);

/** The text of a shader hangs on the descriptor's chain: WGPUShaderSourceWGSL. */
export const shaderDescriptor = struct(chain, label);
export const shaderText = struct(chain, ["sType", u32, 2], ["code", text]);

const constants = list(struct(chain, ["key", text], ["value", f64]));
const entryPoint: Field = ["entryPoint", text, null];

const vertexBuffer = struct(
  chain,
  ["stepMode", oneOf("step mode", enums.stepModes), "vertex"],
  ["arrayStride", u64],
  [
    "attributes",
    list(
      struct(
        chain,
        ["format", oneOf("format of vertices", enums.vertexFormats)],
        ["offset", u64],
        ["shaderLocation", u32],
      ),
    ),
  ],
);
const blendComponent = struct(
  ["operation", oneOf("blend operation", enums.blendOperations), "add"],
  ["srcFactor", oneOf("blend factor", enums.blendFactors), "one"],
  ["dstFactor", oneOf("blend factor", enums.blendFactors), "zero"],
);
const target = struct(
  chain,
  ["format", textureFormat],
  ["blend", at(struct(["color", blendComponent], ["alpha", blendComponent]))],
  ["writeMask", u64, 15],
);
const stencilOp = oneOf("stencil operation", enums.stencilOperations);
const stencilFace = struct(
  ["compare", compare, "always"],
  ["failOp", stencilOp, "keep"],
  ["depthFailOp", stencilOp, "keep"],
  ["passOp", stencilOp, "keep"],
);
const depthStencil = struct(
  chain,
  ["format", textureFormat],
  ["depthWriteEnabled", optionalBool, null],
  ["depthCompare", compare],
  ["stencilFront", stencilFace, {}],
  ["stencilBack", stencilFace, {}],
  ["stencilReadMask", u32, all32],
  ["stencilWriteMask", u32, all32],
  ["depthBias", i32, 0],
  ["depthBiasSlopeScale", f32, 0],
  ["depthBiasClamp", f32, 0],
);
const primitive = struct(
  chain,
  ["topology", oneOf("topology", enums.topologies), "triangle-list"],
  ["stripIndexFormat", oneOf("format of indices", enums.indexFormats)],
  ["frontFace", oneOf("front face", enums.frontFaces), "ccw"],
  ["cullMode", oneOf("cull mode", enums.cullModes), "none"],
  ["unclippedDepth", bool],
);
const multisample = struct(chain, ["count", u32, 1], ["mask", u32, all32], ["alphaToCoverageEnabled", bool]);

export const renderPipelineDescriptor = struct(
  chain,
  label,
  ["layout", pointer],
  [
    "vertex",
    struct(chain, ["module", pointer], entryPoint, ["constants", constants], ["buffers", list(vertexBuffer)]),
  ],
  ["primitive", primitive, {}],
  ["depthStencil", at(depthStencil)],
  ["multisample", multisample, {}],
  [
    "fragment",
    at(struct(chain, ["module", pointer], entryPoint, ["constants", constants], ["targets", list(target)])),
  ],
);

export const computePipelineDescriptor = struct(
  chain,
  label,
  ["layout", pointer],
  ["compute", struct(chain, ["module", pointer], entryPoint, ["constants", constants])],
);

export const bundleEncoderDescriptor = struct(
  chain,
  label,
  ["colorFormats", list(textureFormat)],
  ["depthStencilFormat", textureFormat],
  ["sampleCount", u32, 1],
  ["depthReadOnly", bool],
  ["stencilReadOnly", bool],
);

export const querySetDescriptor = struct(
  chain,
  label,
  ["type", oneOf("type of queries", enums.queryTypes)],
  ["count", u32],
);

/** What has a label alone: encoders, command buffers, bundles. */
export const labelled = struct(chain, label);

export const color = struct(["r", f64], ["g", f64], ["b", f64], ["a", f64]);
const timestampWrites = at(
  struct(
    chain,
    ["querySet", pointer],
    ["beginningOfPassWriteIndex", u32, all32],
    ["endOfPassWriteIndex", u32, all32],
  ),
);
const colorAttachment = struct(
  chain,
  ["view", pointer],
  ["depthSlice", u32, all32],
  ["resolveTarget", pointer],
  ["loadOp", loadOp],
  ["storeOp", storeOp],
  ["clearValue", color, { r: 0, g: 0, b: 0, a: 0 }],
);
const depthAttachment = struct(
  chain,
  ["view", pointer],
  ["depthLoadOp", loadOp],
  ["depthStoreOp", storeOp],
  ["depthClearValue", f32, Number.NaN],
  ["depthReadOnly", bool],
  ["stencilLoadOp", loadOp],
  ["stencilStoreOp", storeOp],
  ["stencilClearValue", u32, 0],
  ["stencilReadOnly", bool],
);
export const renderPassDescriptor = struct(
  chain,
  label,
  ["colorAttachments", list(colorAttachment)],
  ["depthStencilAttachment", at(depthAttachment)],
  ["occlusionQuerySet", pointer],
  ["timestampWrites", timestampWrites],
);
export const computePassDescriptor = struct(chain, label, ["timestampWrites", timestampWrites]);

export const bufferLayout = struct(
  ["offset", u64, 0],
  ["bytesPerRow", u32, all32],
  ["rowsPerImage", u32, all32],
);
export const copyBuffer = struct(
  ["offset", u64, 0],
  ["bytesPerRow", u32, all32],
  ["rowsPerImage", u32, all32],
  ["buffer", pointer],
);
export const copyTexture = struct(
  ["texture", pointer],
  ["mipLevel", u32, 0],
  ["origin", struct(["x", u32, 0], ["y", u32, 0], ["z", u32, 0]), {}],
  ["aspect", aspect, "all"],
);

/** Where a window is: WGPUSurfaceSourceXlibWindow. */
export const surfaceSource = struct(chain, ["sType", u32, 6], ["display", pointer], ["window", pointer]);
export const surfaceDescriptor = struct(chain, label);
export const surfaceConfiguration = struct(
  chain,
  ["device", pointer],
  ["format", textureFormat],
  ["usage", u64],
  ["width", u32],
  ["height", u32],
  ["viewFormats", list(textureFormat)],
  ["alphaMode", u32],
  ["presentMode", u32],
);
