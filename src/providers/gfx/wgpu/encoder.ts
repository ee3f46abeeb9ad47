import { type Buffer, whole } from "./buffer.ts";
import { indexFormats } from "./enums.ts";
import { type BindingCalls, callsOf, type DebugCalls, type DrawingCalls } from "./functions.ts";
import {
  color,
  computePassDescriptor,
  copyBuffer,
  copyTexture,
  extent,
  labelled,
  renderPassDescriptor,
} from "./layout.ts";
import { during, lay, layPointers, numberOf, pointerTo, text, wide } from "./memory.ts";
import { type Library, type Made, Native } from "./native.ts";

// Encoders: what a device is to do, call by call. Of a finished encoder Dawn itself says that it is finished.

/** What all of them have. */
abstract class Encoding<C extends DebugCalls> extends Native {
  protected readonly library: Library;
  protected readonly calls: C;

  constructor(library: Library, kind: string, pointer: Made, label: string | undefined) {
    const calls = callsFor<C>(library, kind);
    super(pointer, calls.Release, label);
    this.library = library;
    this.calls = calls;
  }

  pushDebugGroup(name: string): void {
    during(() => this.calls.PushDebugGroup(this.pointer, lay(text, name)));
  }

  popDebugGroup(): void {
    this.calls.PopDebugGroup(this.pointer);
  }

  insertDebugMarker(name: string): void {
    during(() => this.calls.InsertDebugMarker(this.pointer, lay(text, name)));
  }
}

const known = new WeakMap<Library, Map<string, unknown>>();

/** Found once: encoders are made in every frame. */
const callsFor = <C>(library: Library, kind: string): C => {
  const kinds = known.get(library) ?? new Map<string, unknown>();
  known.set(library, kinds);
  const calls = kinds.get(kind) ?? callsOf<C>(library.wgpu, kind);
  kinds.set(kind, calls);
  return calls as C;
};

abstract class Binding<C extends BindingCalls> extends Encoding<C> {
  setPipeline(pipeline: Native): void {
    this.calls.SetPipeline(this.pointer, pointerTo(pipeline));
  }

  setBindGroup(index: number, group: Native | null, offsets?: readonly number[]): void {
    const pointer = group && pointerTo(group);
    const count = offsets?.length ?? 0;
    const packed = count === 0 ? null : Uint32Array.from(offsets!);
    this.calls.SetBindGroup(this.pointer, index, pointer, count, packed);
  }
}

abstract class Drawing extends Binding<DrawingCalls> {
  setVertexBuffer(slot: number, buffer: Buffer | null, offset = 0, size?: number): void {
    const bytes = size === undefined ? whole : wide(size);
    this.calls.SetVertexBuffer(this.pointer, slot, buffer && pointerTo(buffer), wide(offset), bytes);
  }

  setIndexBuffer(buffer: Buffer, format: string, offset = 0, size?: number): void {
    const bytes = size === undefined ? whole : wide(size);
    const number = numberOf("format of indices", indexFormats, format);
    this.calls.SetIndexBuffer(this.pointer, pointerTo(buffer), number, wide(offset), bytes);
  }

  draw(vertices: number, instances = 1, firstVertex = 0, firstInstance = 0): void {
    this.calls.Draw(this.pointer, vertices, instances, firstVertex, firstInstance);
  }

  drawIndexed(indices: number, instances = 1, firstIndex = 0, baseVertex = 0, firstInstance = 0): void {
    this.calls.DrawIndexed(this.pointer, indices, instances, firstIndex, baseVertex, firstInstance);
  }

  drawIndirect(buffer: Buffer, offset: number): void {
    this.calls.DrawIndirect(this.pointer, pointerTo(buffer), wide(offset));
  }

  drawIndexedIndirect(buffer: Buffer, offset: number): void {
    this.calls.DrawIndexedIndirect(this.pointer, pointerTo(buffer), wide(offset));
  }
}

class RenderPassEncoder extends Drawing {
  setViewport(x: number, y: number, width: number, height: number, min: number, max: number): void {
    this.library.wgpu.zwgpuRenderPassEncoderSetViewport(this.pointer, x, y, width, height, min, max);
  }

  setScissorRect(x: number, y: number, width: number, height: number): void {
    this.library.wgpu.zwgpuRenderPassEncoderSetScissorRect(this.pointer, x, y, width, height);
  }

  setBlendConstant(value: GPUColorDict): void {
    during(() => this.library.wgpu.zwgpuRenderPassEncoderSetBlendConstant(this.pointer, lay(color, value)));
  }

  setStencilReference(reference: number): void {
    this.library.wgpu.zwgpuRenderPassEncoderSetStencilReference(this.pointer, reference);
  }

  beginOcclusionQuery(index: number): void {
    this.library.wgpu.zwgpuRenderPassEncoderBeginOcclusionQuery(this.pointer, index);
  }

  endOcclusionQuery(): void {
    this.library.wgpu.zwgpuRenderPassEncoderEndOcclusionQuery(this.pointer);
  }

  executeBundles(bundles: readonly Native[]): void {
    during(() =>
      this.library.wgpu.zwgpuRenderPassEncoderExecuteBundles(
        this.pointer,
        bundles.length,
        layPointers(bundles),
      ),
    );
  }

  end(): void {
    this.library.wgpu.zwgpuRenderPassEncoderEnd(this.pointer);
  }
}

export class RenderBundleEncoder extends Drawing {
  constructor(library: Library, pointer: Made, label: string | undefined) {
    super(library, "RenderBundleEncoder", pointer, label);
  }

  finish(descriptor: GPURenderBundleDescriptor = {}): Native {
    const { wgpu } = this.library;
    const made = during(() => wgpu.zwgpuRenderBundleEncoderFinish(this.pointer, lay(labelled, descriptor)));
    return new Native(made, wgpu.zwgpuRenderBundleRelease, descriptor.label);
  }
}

class ComputePassEncoder extends Binding<BindingCalls> {
  dispatchWorkgroups(x: number, y = 1, z = 1): void {
    this.library.wgpu.zwgpuComputePassEncoderDispatchWorkgroups(this.pointer, x, y, z);
  }

  dispatchWorkgroupsIndirect(buffer: Buffer, offset: number): void {
    this.library.wgpu.zwgpuComputePassEncoderDispatchWorkgroupsIndirect(
      this.pointer,
      pointerTo(buffer),
      wide(offset),
    );
  }

  end(): void {
    this.library.wgpu.zwgpuComputePassEncoderEnd(this.pointer);
  }
}

export class CommandEncoder extends Encoding<DebugCalls> {
  constructor(library: Library, pointer: Made, label: string | undefined) {
    super(library, "CommandEncoder", pointer, label);
  }

  beginRenderPass(descriptor: GPURenderPassDescriptor): RenderPassEncoder {
    const made = during(() =>
      this.library.wgpu.zwgpuCommandEncoderBeginRenderPass(
        this.pointer,
        lay(renderPassDescriptor, descriptor),
      ),
    );
    return new RenderPassEncoder(this.library, "RenderPassEncoder", made, descriptor.label);
  }

  beginComputePass(descriptor: GPUComputePassDescriptor = {}): ComputePassEncoder {
    const made = during(() =>
      this.library.wgpu.zwgpuCommandEncoderBeginComputePass(
        this.pointer,
        lay(computePassDescriptor, descriptor),
      ),
    );
    return new ComputePassEncoder(this.library, "ComputePassEncoder", made, descriptor.label);
  }

  copyBufferToBuffer(from: Buffer, fromOffset: number, to: Buffer, toOffset: number, size: number): void {
    this.library.wgpu.zwgpuCommandEncoderCopyBufferToBuffer(
      this.pointer,
      pointerTo(from),
      wide(fromOffset),
      pointerTo(to),
      wide(toOffset),
      wide(size),
    );
  }

  copyBufferToTexture(from: object, to: object, size: object): void {
    during(() =>
      this.library.wgpu.zwgpuCommandEncoderCopyBufferToTexture(
        this.pointer,
        lay(copyBuffer, from),
        lay(copyTexture, to),
        lay(extent, size),
      ),
    );
  }

  copyTextureToBuffer(from: object, to: object, size: object): void {
    during(() =>
      this.library.wgpu.zwgpuCommandEncoderCopyTextureToBuffer(
        this.pointer,
        lay(copyTexture, from),
        lay(copyBuffer, to),
        lay(extent, size),
      ),
    );
  }

  copyTextureToTexture(from: object, to: object, size: object): void {
    during(() =>
      this.library.wgpu.zwgpuCommandEncoderCopyTextureToTexture(
        this.pointer,
        lay(copyTexture, from),
        lay(copyTexture, to),
        lay(extent, size),
      ),
    );
  }

  clearBuffer(buffer: Buffer, offset = 0, size?: number): void {
    const bytes = size === undefined ? whole : wide(size);
    this.library.wgpu.zwgpuCommandEncoderClearBuffer(this.pointer, pointerTo(buffer), wide(offset), bytes);
  }

  resolveQuerySet(set: Native, first: number, count: number, to: Buffer, offset: number): void {
    this.library.wgpu.zwgpuCommandEncoderResolveQuerySet(
      this.pointer,
      pointerTo(set),
      first,
      count,
      pointerTo(to),
      wide(offset),
    );
  }

  finish(descriptor: GPUCommandBufferDescriptor = {}): Native {
    const { wgpu } = this.library;
    const made = during(() => wgpu.zwgpuCommandEncoderFinish(this.pointer, lay(labelled, descriptor)));
    return new Native(made, wgpu.zwgpuCommandBufferRelease, descriptor.label);
  }
}
