import { dlopen, type FFIFunction, FFIType } from "bun:ffi";

// The functions of webgpu.h that loop calls, with C's types. The names with a z are of the library's wrapper: the same
// functions, which take pointers where C passes structures by value. Thin: no state, no checks.

const { ptr, u32, u64, i32, f32 } = FFIType;
const nothing = FFIType.void;

/** Of many it is the object alone that they take: what gives it back, or ends it. */
const ending = { args: [ptr], returns: nothing } as const;
/** A thing and a description of another give the other. */
const making = { args: [ptr, ptr], returns: ptr } as const;
const asking = { args: [ptr, ptr], returns: u64 } as const;

const debugCalls = {
  PushDebugGroup: { args: [ptr, ptr], returns: nothing },
  PopDebugGroup: ending,
  InsertDebugMarker: { args: [ptr, ptr], returns: nothing },
  Release: ending,
} as const;
/** What compute passes have in common with those that draw. */
const bindingCalls = {
  ...debugCalls,
  SetPipeline: { args: [ptr, ptr], returns: nothing },
  SetBindGroup: { args: [ptr, u32, ptr, u64, ptr], returns: nothing },
} as const;
const drawingCalls = {
  ...bindingCalls,
  SetVertexBuffer: { args: [ptr, u32, ptr, u64, u64], returns: nothing },
  SetIndexBuffer: { args: [ptr, ptr, u32, u64, u64], returns: nothing },
  Draw: { args: [ptr, u32, u32, u32, u32], returns: nothing },
  DrawIndexed: { args: [ptr, u32, u32, u32, i32, u32], returns: nothing },
  DrawIndirect: { args: [ptr, ptr, u64], returns: nothing },
  DrawIndexedIndirect: { args: [ptr, ptr, u64], returns: nothing },
} as const;

type Of<P extends string, T> = { [K in keyof T & string as `zwgpu${P}${K}`]: T[K] };
const of = <P extends string, T extends object>(kind: P, calls: T) =>
  Object.fromEntries(Object.entries(calls).map(([name, call]) => [`zwgpu${kind}${name}`, call])) as Of<P, T>;

const functions = {
  zwgpuCreateInstance: { args: [ptr], returns: ptr },
  zwgpuInstanceProcessEvents: ending,
  zwgpuInstanceRequestAdapter: { args: [ptr, ptr, ptr], returns: u64 },
  zwgpuInstanceCreateSurface: making,

  zwgpuAdapterGetInfo: { args: [ptr, ptr], returns: u32 },
  zwgpuAdapterInfoFreeMembers: ending,
  wgpuAdapterHasFeature: { args: [ptr, u32], returns: u32 },
  zwgpuAdapterGetLimits: { args: [ptr, ptr], returns: u32 },
  zwgpuAdapterRequestDevice: { args: [ptr, ptr, ptr], returns: u64 },
  zwgpuAdapterRelease: ending,

  wgpuDeviceHasFeature: { args: [ptr, u32], returns: u32 },
  zwgpuDeviceGetLimits: { args: [ptr, ptr], returns: u32 },
  zwgpuDeviceGetQueue: { args: [ptr], returns: ptr },
  zwgpuDeviceCreateBuffer: making,
  zwgpuDeviceCreateTexture: making,
  zwgpuDeviceCreateSampler: making,
  zwgpuDeviceCreateShaderModule: making,
  zwgpuDeviceCreateBindGroupLayout: making,
  zwgpuDeviceCreateBindGroup: making,
  zwgpuDeviceCreatePipelineLayout: making,
  zwgpuDeviceCreateRenderPipeline: making,
  zwgpuDeviceCreateComputePipeline: making,
  zwgpuDeviceCreateRenderPipelineAsync: { args: [ptr, ptr, ptr], returns: u64 },
  zwgpuDeviceCreateComputePipelineAsync: { args: [ptr, ptr, ptr], returns: u64 },
  zwgpuDeviceCreateRenderBundleEncoder: making,
  zwgpuDeviceCreateCommandEncoder: making,
  zwgpuDeviceCreateQuerySet: making,
  zwgpuDevicePushErrorScope: { args: [ptr, u32], returns: nothing },
  zwgpuDevicePopErrorScope: asking,
  zwgpuDeviceTick: ending,
  zwgpuDeviceDestroy: ending,
  zwgpuDeviceRelease: ending,

  wgpuBufferGetMapState: { args: [ptr], returns: u32 },
  zwgpuBufferMapAsync: { args: [ptr, u64, u64, u64, ptr], returns: u64 },
  zwgpuBufferGetMappedRange: { args: [ptr, u64, u64], returns: ptr },
  zwgpuBufferGetConstMappedRange: { args: [ptr, u64, u64], returns: ptr },
  zwgpuBufferUnmap: ending,
  zwgpuBufferDestroy: ending,
  zwgpuBufferRelease: ending,

  zwgpuTextureCreateView: making,
  zwgpuTextureDestroy: ending,
  zwgpuTextureRelease: ending,
  zwgpuTextureViewRelease: ending,
  zwgpuSamplerRelease: ending,
  zwgpuShaderModuleGetCompilationInfo: asking,
  zwgpuShaderModuleRelease: ending,
  zwgpuBindGroupLayoutRelease: ending,
  zwgpuBindGroupRelease: ending,
  zwgpuPipelineLayoutRelease: ending,
  zwgpuRenderPipelineGetBindGroupLayout: { args: [ptr, u32], returns: ptr },
  zwgpuRenderPipelineRelease: ending,
  zwgpuComputePipelineGetBindGroupLayout: { args: [ptr, u32], returns: ptr },
  zwgpuComputePipelineRelease: ending,
  zwgpuQuerySetDestroy: ending,
  zwgpuQuerySetRelease: ending,

  zwgpuQueueSubmit: { args: [ptr, u64, ptr], returns: nothing },
  zwgpuQueueWriteBuffer: { args: [ptr, ptr, u64, ptr, u64], returns: nothing },
  zwgpuQueueWriteTexture: { args: [ptr, ptr, ptr, u64, ptr, ptr], returns: nothing },
  zwgpuQueueOnSubmittedWorkDone: asking,
  zwgpuQueueRelease: ending,

  zwgpuCommandEncoderBeginRenderPass: making,
  zwgpuCommandEncoderBeginComputePass: making,
  zwgpuCommandEncoderClearBuffer: { args: [ptr, ptr, u64, u64], returns: nothing },
  zwgpuCommandEncoderCopyBufferToBuffer: { args: [ptr, ptr, u64, ptr, u64, u64], returns: nothing },
  zwgpuCommandEncoderCopyBufferToTexture: { args: [ptr, ptr, ptr, ptr], returns: nothing },
  zwgpuCommandEncoderCopyTextureToBuffer: { args: [ptr, ptr, ptr, ptr], returns: nothing },
  zwgpuCommandEncoderCopyTextureToTexture: { args: [ptr, ptr, ptr, ptr], returns: nothing },
  zwgpuCommandEncoderResolveQuerySet: { args: [ptr, ptr, u32, u32, ptr, u64], returns: nothing },
  ...of("CommandEncoder", debugCalls),
  zwgpuCommandEncoderFinish: making,
  zwgpuCommandBufferRelease: ending,

  ...of("RenderPassEncoder", drawingCalls),
  zwgpuRenderPassEncoderSetViewport: { args: [ptr, f32, f32, f32, f32, f32, f32], returns: nothing },
  zwgpuRenderPassEncoderSetScissorRect: { args: [ptr, u32, u32, u32, u32], returns: nothing },
  zwgpuRenderPassEncoderSetBlendConstant: { args: [ptr, ptr], returns: nothing },
  zwgpuRenderPassEncoderSetStencilReference: { args: [ptr, u32], returns: nothing },
  zwgpuRenderPassEncoderBeginOcclusionQuery: { args: [ptr, u32], returns: nothing },
  zwgpuRenderPassEncoderEndOcclusionQuery: ending,
  zwgpuRenderPassEncoderExecuteBundles: { args: [ptr, u64, ptr], returns: nothing },
  zwgpuRenderPassEncoderEnd: ending,

  ...of("RenderBundleEncoder", drawingCalls),
  zwgpuRenderBundleEncoderFinish: making,
  zwgpuRenderBundleRelease: ending,

  ...of("ComputePassEncoder", bindingCalls),
  zwgpuComputePassEncoderDispatchWorkgroups: { args: [ptr, u32, u32, u32], returns: nothing },
  zwgpuComputePassEncoderDispatchWorkgroupsIndirect: { args: [ptr, ptr, u64], returns: nothing },
  zwgpuComputePassEncoderEnd: ending,

  wgpuSurfaceGetCapabilities: { args: [ptr, ptr, ptr], returns: u32 },
  zwgpuSurfaceCapabilitiesFreeMembers: ending,
  zwgpuSurfaceConfigure: { args: [ptr, ptr], returns: nothing },
  zwgpuSurfaceUnconfigure: ending,
  zwgpuSurfaceGetCurrentTexture: { args: [ptr, ptr], returns: nothing },
  zwgpuSurfacePresent: ending,
  zwgpuSurfaceRelease: ending,
} as const satisfies Record<string, FFIFunction>;

export type Wgpu = ReturnType<typeof dlopen<typeof functions>>["symbols"];

/** The library at a path. Throws where it is none, or lacks one of them. */
export const openLibrary = (path: string): Wgpu => dlopen(path, functions).symbols;

type Calls<K extends string, T> = { readonly [N in keyof T & string]: Wgpu[`zwgpu${K}${N}` & keyof Wgpu] };
export type DebugCalls = Calls<"CommandEncoder", typeof debugCalls>;
export type BindingCalls = Calls<"ComputePassEncoder", typeof bindingCalls>;
export type DrawingCalls = Calls<"RenderPassEncoder", typeof drawingCalls>;

/** The functions of one kind of encoder by the rest of their names. */
export const callsOf = <T>(wgpu: Wgpu, kind: string): T =>
  Object.fromEntries(
    Object.entries(wgpu)
      .filter(([name]) => name.startsWith(`zwgpu${kind}`))
      .map(([name, call]) => [name.slice(`zwgpu${kind}`.length), call]),
  ) as T;
