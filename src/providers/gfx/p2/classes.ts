// The resources of wasi:webgpu@0.0.1: ours, where that interface has another spelling or another answer.
import type { Event } from "../../../host/provider.ts";
import type { GpuBindGroup } from "../binding.ts";
import * as buffer from "../buffer.ts";
import * as command from "../command.ts";
import * as device from "../device.ts";
import { ending } from "../error.ts";
import type { Flags } from "../names.ts";
import * as pass from "../pass.ts";
import * as pipeline from "../pipeline.ts";
import type { WireQuerySetDescriptor } from "../query.ts";
import * as queue from "../queue.ts";
import * as texture from "../texture.ts";
import type { AbstractBuffer, Context } from "./context.ts";
import {
  abortError,
  answeringAs,
  operationError,
  pipelineError,
  rangeError,
  refusal,
  typeError,
} from "./error.ts";
import {
  GpuAdapterInfo,
  GpuCompilationInfo,
  GpuDeviceLostInfo,
  GpuError,
  GpuSupportedFeatures,
  GpuSupportedLimits,
} from "./info.ts";

export { GpuBindGroup, GpuBindGroupLayout, GpuPipelineLayout, GpuSampler } from "../binding.ts";
export { GpuCommandBuffer } from "../command.ts";
export { GpuRenderBundle } from "../pass.ts";
export { GpuComputePipeline, GpuRenderPipeline } from "../pipeline.ts";
export { GpuQuerySet } from "../query.ts";
export { GpuTextureView } from "../texture.ts";

type Size = number | bigint | undefined;

export class GpuBuffer extends buffer.GpuBuffer {
  override size(): bigint {
    return BigInt(this.native.size);
  }

  override usage(): Flags {
    return this.native.usage;
  }

  override mapAsync(mode: number, offset?: Size, size?: Size): Promise<void> {
    return answeringAs(operationError, () => super.mapAsync(mode, offset, size));
  }

  getMappedRangeGetWithCopy(offset?: Size, size?: Size): Uint8Array {
    return answeringAs(rangeError, () => this.getMappedRange(offset, size));
  }

  getMappedRangeSetWithCopy(data: Uint8Array, offset?: Size, size?: Size): void {
    const bytes = size === undefined ? data : data.subarray(0, Number(size));
    answeringAs(rangeError, () => this.setMappedRange(offset, bytes));
  }

  override unmap(): void {
    answeringAs(abortError, () => super.unmap());
  }
}

export class GpuTexture extends texture.GpuTexture {
  static fromGraphicsBuffer(from: AbstractBuffer): GpuTexture {
    return from.texture() as GpuTexture;
  }

  override usage(): Flags {
    return this.native.usage;
  }
}

export class GpuShaderModule extends pipeline.GpuShaderModule {
  override async getCompilationInfo(): Promise<GpuCompilationInfo> {
    return new GpuCompilationInfo(await this.messages());
  }
}

/** Part of the list of offsets, as the interface has it. */
const offsetsOf = (all: Uint32Array | undefined, start: Size, length: Size): Uint32Array | undefined => {
  if (!all || (start === undefined && length === undefined)) return all;
  const from = Number(start ?? 0);
  const to = length === undefined ? all.length : from + Number(length);
  if (to > all.length) throw refusal(rangeError, "The range reaches beyond the offsets");
  return all.subarray(from, to);
};

export class GpuRenderPassEncoder extends pass.GpuRenderPassEncoder {
  override setBindGroup(
    index: number,
    group?: GpuBindGroup,
    all?: Uint32Array,
    start?: Size,
    length?: Size,
  ): void {
    super.setBindGroup(index, group, offsetsOf(all, start, length));
  }
}

export class GpuComputePassEncoder extends pass.GpuComputePassEncoder {
  override setBindGroup(
    index: number,
    group?: GpuBindGroup,
    all?: Uint32Array,
    start?: Size,
    length?: Size,
  ): void {
    super.setBindGroup(index, group, offsetsOf(all, start, length));
  }
}

export class GpuRenderBundleEncoder extends pass.GpuRenderBundleEncoder {
  override setBindGroup(
    index: number,
    group?: GpuBindGroup,
    all?: Uint32Array,
    start?: Size,
    length?: Size,
  ): void {
    super.setBindGroup(index, group, offsetsOf(all, start, length));
  }
}

export class GpuCommandEncoder extends command.GpuCommandEncoder {}

export class GpuQueue extends queue.GpuQueue {
  writeBufferWithCopy(to: GpuBuffer, offset: bigint, data: Uint8Array, from?: Size, size?: Size): void {
    const start = Number(from ?? 0);
    const part = data.subarray(start, size === undefined ? undefined : start + Number(size));
    answeringAs(operationError, () => this.writeBuffer(to, offset, part));
  }

  writeTextureWithCopy(
    to: command.WireCopyTexture,
    data: Uint8Array,
    layout: object,
    size: texture.WireExtent,
  ): void {
    ending(() => this.writeTexture(to, data, layout, size));
  }
}

export class GpuDevice extends device.GpuDevice {
  override features(): GpuSupportedFeatures {
    return new GpuSupportedFeatures(this.native.features);
  }

  override limits(): GpuSupportedLimits {
    return new GpuSupportedLimits(this.native.limits);
  }

  override adapterInfo(): GpuAdapterInfo {
    return new GpuAdapterInfo(this.info);
  }

  override createBuffer(descriptor: buffer.WireBufferDescriptor) {
    return ending(() => super.createBuffer(descriptor));
  }

  override createTexture(descriptor: texture.WireTextureDescriptor) {
    return ending(() => super.createTexture(descriptor));
  }

  override createQuerySet(descriptor: WireQuerySetDescriptor) {
    return answeringAs(typeError, () => super.createQuerySet(descriptor));
  }

  override createComputePipelineAsync(descriptor: object) {
    return answeringAs(pipelineError, () => super.createComputePipelineAsync(descriptor));
  }

  override createRenderPipelineAsync(descriptor: object) {
    return answeringAs(pipelineError, () => super.createRenderPipelineAsync(descriptor));
  }

  override async popErrorScope(): Promise<GpuError | undefined> {
    if (this.session.scopes.length === 0) throw refusal(operationError, "No error scope is open");
    const error = await this.session.popScope();
    return error && new GpuError(error);
  }

  /** Waits until it is lost. */
  override async lost(): Promise<GpuDeviceLostInfo> {
    const event = this.session.event("lost");
    if (!this.session.lost)
      await this.session.lifetime.until(new Promise<void>((wake) => void event.listen(wake)));
    return new GpuDeviceLostInfo(this.session.lost!);
  }

  /** Ready when an error came that no scope took. */
  uncaptured(): Event {
    return this.session.event("error");
  }

  connectGraphicsContext(context: Context): void {
    context.drawWith(this);
  }
}
