import { viewDescriptor } from "./layout.ts";
import { during, lay } from "./memory.ts";
import { type Library, type Made, Native } from "./native.ts";

export class TextureView extends Native {}

export class Texture extends Native {
  readonly width: number;
  readonly height: number;
  readonly depthOrArrayLayers: number;
  readonly mipLevelCount: number;
  readonly sampleCount: number;
  readonly dimension: GPUTextureDimension;
  readonly format: GPUTextureFormat;
  readonly usage: number;
  readonly #library: Library;

  constructor(library: Library, pointer: Made, descriptor: GPUTextureDescriptor) {
    super(pointer, library.wgpu.zwgpuTextureRelease, descriptor.label);
    this.#library = library;
    const { width, height = 1, depthOrArrayLayers = 1 } = descriptor.size as GPUExtent3DDict;
    this.width = width;
    this.height = height;
    this.depthOrArrayLayers = depthOrArrayLayers;
    this.mipLevelCount = descriptor.mipLevelCount ?? 1;
    this.sampleCount = descriptor.sampleCount ?? 1;
    this.dimension = descriptor.dimension ?? "2d";
    this.format = descriptor.format;
    this.usage = descriptor.usage;
  }

  createView(descriptor: GPUTextureViewDescriptor = {}): TextureView {
    const { wgpu } = this.#library;
    const made = during(() => wgpu.zwgpuTextureCreateView(this.pointer, lay(viewDescriptor, descriptor)));
    return new TextureView(made, wgpu.zwgpuTextureViewRelease, descriptor.label);
  }

  destroy(): void {
    this.#library.wgpu.zwgpuTextureDestroy(this.pointer);
  }
}

export class QuerySet extends Native {
  readonly type: GPUQueryType;
  readonly count: number;
  readonly #library: Library;

  constructor(library: Library, pointer: Made, descriptor: GPUQuerySetDescriptor) {
    super(pointer, library.wgpu.zwgpuQuerySetRelease, descriptor.label);
    this.#library = library;
    this.type = descriptor.type;
    this.count = descriptor.count;
  }

  destroy(): void {
    this.#library.wgpu.zwgpuQuerySetDestroy(this.pointer);
  }
}
