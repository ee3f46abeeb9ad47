// The graphics proposals of 2026 as thin adapters over the state beside this folder; here the resources of
// wasi:webgpu@0.3.0-rc.2: those of 0.0.1, with flags as flags and a few more functions. Owns their words; refuses to
// hold anything of its own; called by gfx3.ts alone.
import { fault } from "../../../base/fault.ts";
import type { GpuBindGroup, WireBindGroupDescriptor } from "../binding.ts";
import { bits, type Flags, flags } from "../names.ts";
import * as older from "../p2/classes.ts";
import type { GpuDeviceLostInfo, GpuError } from "../p2/info.ts";
import { GpuError as ErrorClass } from "../p2/info.ts";

export {
  GpuBindGroup,
  GpuBindGroupLayout,
  GpuCommandBuffer,
  GpuComputePipeline,
  GpuPipelineLayout,
  GpuQuerySet,
  GpuQueue,
  GpuRenderBundle,
  GpuRenderPipeline,
  GpuSampler,
  GpuShaderModule,
  GpuTextureView,
} from "../p2/classes.ts";

type Size = number | bigint | undefined;

export class GpuBuffer extends older.GpuBuffer {
  override usage(): Flags {
    return flags("bufferUsage", this.native.usage);
  }

  override mapAsync(mode: Flags | string, offset?: Size, size?: Size): Promise<void> {
    return super.mapAsync(typeof mode === "string" ? (mode as never) : bits("mapMode", mode), offset, size);
  }
}

export class GpuTexture extends older.GpuTexture {
  override usage(): Flags {
    return flags("textureUsage", this.native.usage);
  }

  textureBindingViewDimension(): undefined {}
}

/** Dawn's binding has no immediates yet. */
const setImmediates = (): never => {
  throw fault("LK0743", "Immediates were set, and the GPU's library has none");
};

export class GpuRenderPassEncoder extends older.GpuRenderPassEncoder {
  setImmediates(): void {
    setImmediates();
  }
}

export class GpuComputePassEncoder extends older.GpuComputePassEncoder {
  setImmediates(): void {
    setImmediates();
  }
}

export class GpuRenderBundleEncoder extends older.GpuRenderBundleEncoder {
  setImmediates(): void {
    setImmediates();
  }
}

export class GpuCommandEncoder extends older.GpuCommandEncoder {
  override copyBufferToBuffer(
    from: GpuBuffer,
    fromOffset: Size,
    to: GpuBuffer,
    toOffset: Size,
    size: Size,
  ): void {
    const start = Number(fromOffset ?? 0);
    super.copyBufferToBuffer(from, start, to, toOffset ?? 0, size ?? from.native.size - start);
  }
}

export class GpuDevice extends older.GpuDevice {
  /** Buffers and textures may be bound as they are, whole. */
  override createBindGroup(descriptor: WireBindGroupDescriptor): GpuBindGroup {
    const views: older.GpuTextureView[] = [];
    const entries = descriptor.entries.map(({ binding, resource }) => {
      const { tag, val } = resource as { tag: string; val: unknown };
      if (tag === "gpu-buffer")
        return { binding, resource: { tag: "buffer" as const, val: { buffer: val as GpuBuffer } } };
      if (tag !== "gpu-texture") return { binding, resource };
      const view = (val as GpuTexture).createView() as older.GpuTextureView;
      views.push(view);
      return { binding, resource: { tag: "texture-view" as const, val: view } };
    });
    try {
      return super.createBindGroup({ ...descriptor, entries });
    } finally {
      // The bind group holds the texture now.
      for (const view of views) view[Symbol.dispose]();
    }
  }

  /** A future. */
  override lost(): Promise<GpuDeviceLostInfo> {
    return super.lost();
  }

  /** A stream of what no scope took. */
  async *onUncapturedError(): AsyncGenerator<GpuError> {
    const event = this.session.event("error");
    for (;;) {
      const error = this.session.takeError();
      if (error) yield new ErrorClass(error);
      else await this.session.lifetime.until(new Promise<void>((wake) => void event.listen(wake)));
    }
  }
}
