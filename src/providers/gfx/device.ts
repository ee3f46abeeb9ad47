import { isFallback } from "./adapter.ts";
import {
  createBindGroup,
  createBindGroupLayout,
  createPipelineLayout,
  createSampler,
  type GpuBindGroup,
  type GpuBindGroupLayout,
  type GpuPipelineLayout,
  type GpuSampler,
  type WireBindGroupDescriptor,
} from "./binding.ts";
import { createBuffer, type GpuBuffer, type WireBufferDescriptor } from "./buffer.ts";
import { createCommandEncoder, type GpuCommandEncoder } from "./command.ts";
import { plain } from "./descriptor.ts";
import type { WireError } from "./error.ts";
import { type WireLimits, wireFeatures, wireLimits } from "./names.ts";
import { Commands, type GpuRenderBundleEncoder } from "./pass.ts";
import {
  createComputePipeline,
  createComputePipelineAsync,
  createRenderPipeline,
  createRenderPipelineAsync,
  createShaderModule,
  type GpuComputePipeline,
  type GpuRenderPipeline,
  type GpuShaderModule,
  type WireShaderModuleDescriptor,
} from "./pipeline.ts";
import { createQuerySet, type GpuQuerySet, type WireQuerySetDescriptor } from "./query.ts";
import type { GpuQueue } from "./queue.ts";
import { Held, type Session, type WireLost } from "./session.ts";
import { createTexture, type GpuTexture, type WireTextureDescriptor } from "./texture.ts";

// gpu-device: where everything is made.

export interface WireAdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
}

export const adapterInfo = (adapter: GPUAdapter): WireAdapterInfo => {
  const { vendor, architecture, device, description } = adapter.info;
  return { vendor, architecture, device, description, isFallbackAdapter: isFallback(adapter) };
};

export class GpuDevice extends Held<GPUDevice> {
  readonly info: WireAdapterInfo;

  constructor(session: Session, info: WireAdapterInfo) {
    super(session, session.native);
    session.enter();
    this.info = info;
  }

  features(): unknown {
    return wireFeatures(this.native.features);
  }

  limits(): unknown {
    return wireLimits(this.native.limits) satisfies WireLimits;
  }

  adapterInfo(): unknown {
    return this.info;
  }

  queue(): GpuQueue {
    const native = this.session.make("gpu-device.queue", () => this.native.queue);
    return new this.session.classes.GpuQueue(this.session, native);
  }

  destroy(): void {
    this.session.destroy();
  }

  createBuffer(descriptor: WireBufferDescriptor): GpuBuffer {
    return createBuffer(this.session, descriptor);
  }

  createTexture(descriptor: WireTextureDescriptor): GpuTexture {
    return createTexture(this.session, descriptor);
  }

  createSampler(descriptor?: object): GpuSampler {
    return createSampler(this.session, descriptor);
  }

  createBindGroupLayout(descriptor: object): GpuBindGroupLayout {
    return createBindGroupLayout(this.session, descriptor);
  }

  createPipelineLayout(descriptor: object): GpuPipelineLayout {
    return createPipelineLayout(this.session, descriptor);
  }

  createBindGroup(descriptor: WireBindGroupDescriptor): GpuBindGroup {
    return createBindGroup(this.session, descriptor);
  }

  createShaderModule(descriptor: WireShaderModuleDescriptor): GpuShaderModule {
    return createShaderModule(this.session, descriptor);
  }

  createComputePipeline(descriptor: object): GpuComputePipeline {
    return createComputePipeline(this.session, descriptor);
  }

  createRenderPipeline(descriptor: object): GpuRenderPipeline {
    return createRenderPipeline(this.session, descriptor);
  }

  createComputePipelineAsync(descriptor: object): Promise<GpuComputePipeline> {
    return createComputePipelineAsync(this.session, descriptor);
  }

  createRenderPipelineAsync(descriptor: object): Promise<GpuRenderPipeline> {
    return createRenderPipelineAsync(this.session, descriptor);
  }

  createCommandEncoder(descriptor?: object): GpuCommandEncoder {
    return createCommandEncoder(this.session, descriptor);
  }

  createRenderBundleEncoder(descriptor: object): GpuRenderBundleEncoder {
    const native = this.session.make("gpu-device.create-render-bundle-encoder", () =>
      this.native.createRenderBundleEncoder(plain(descriptor)),
    );
    return new this.session.classes.GpuRenderBundleEncoder(this.session, native, new Commands());
  }

  createQuerySet(descriptor: WireQuerySetDescriptor): GpuQuerySet {
    return createQuerySet(this.session, descriptor);
  }

  pushErrorScope(filter: GPUErrorFilter): void {
    this.session.pushScope(filter);
  }

  popErrorScope(): Promise<unknown> {
    return this.session.popScope();
  }

  uncapturedError(): WireError | undefined {
    return this.session.takeError();
  }

  lost(): unknown {
    return this.session.lost satisfies WireLost | undefined;
  }
}
