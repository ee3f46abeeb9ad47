import type { Buffer } from "./buffer.ts";
import { bufferLayout, copyTexture, extent } from "./layout.ts";
import { during, lay, layPointers, pointerTo, wide } from "./memory.ts";
import { type Library, Native } from "./native.ts";

export class Queue extends Native {
  readonly #library: Library;

  constructor(library: Library, device: Native) {
    super(library.wgpu.zwgpuDeviceGetQueue(device.pointer), library.wgpu.zwgpuQueueRelease, "");
    this.#library = library;
  }

  submit(buffers: readonly Native[]): void {
    during(() => this.#library.wgpu.zwgpuQueueSubmit(this.pointer, buffers.length, layPointers(buffers)));
  }

  /** Throws where the length is not in whole words, as WebGPU has it. */
  writeBuffer(buffer: Buffer, offset: number, data: Uint8Array): void {
    if (data.length % 4 !== 0) throw new Error(`${data.length} bytes are no multiple of 4`);
    const from = data.length === 0 ? null : data;
    this.#library.wgpu.zwgpuQueueWriteBuffer(
      this.pointer,
      pointerTo(buffer),
      wide(offset),
      from,
      data.length,
    );
  }

  writeTexture(
    destination: GPUTexelCopyTextureInfo,
    data: Uint8Array,
    layout: GPUTexelCopyBufferLayout,
    size: GPUExtent3DDict,
  ): void {
    during(() =>
      this.#library.wgpu.zwgpuQueueWriteTexture(
        this.pointer,
        lay(copyTexture, destination),
        data.length === 0 ? null : data,
        data.length,
        lay(bufferLayout, layout),
        lay(extent, size),
      ),
    );
  }

  onSubmittedWorkDone(): Promise<void> {
    const { wgpu, waits } = this.#library;
    return waits.ask(
      waits.onTold,
      (info) => wgpu.zwgpuQueueOnSubmittedWorkDone(this.pointer, info),
      () => undefined,
    );
  }
}
