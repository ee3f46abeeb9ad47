// The resources of loop:gfx/webgpu by their names there, in one place for whoever gives them to a component.
export {
  GpuBindGroup,
  GpuBindGroupLayout,
  GpuPipelineLayout,
  GpuSampler,
} from "./binding.ts";
export { GpuBuffer } from "./buffer.ts";
export { GpuCommandBuffer, GpuCommandEncoder } from "./command.ts";
export { GpuDevice } from "./device.ts";
export {
  GpuComputePassEncoder,
  GpuRenderBundle,
  GpuRenderBundleEncoder,
  GpuRenderPassEncoder,
} from "./pass.ts";
export { GpuComputePipeline, GpuRenderPipeline, GpuShaderModule } from "./pipeline.ts";
export { GpuQuerySet } from "./query.ts";
export { GpuQueue } from "./queue.ts";
export { GpuTexture, GpuTextureView } from "./texture.ts";
