import { toArrayBuffer } from "bun:ffi";
import { wide } from "./memory.ts";
import { type Library, type Made, Native } from "./native.ts";

/** WGPUBufferMapState. */
const mapStates = ["unmapped", "unmapped", "pending", "mapped"] as const;
const mapRead = 1;
/** `WGPU_WHOLE_SIZE`: to the end. */
export const whole = 0xffff_ffff_ffff_ffffn;

export class Buffer extends Native {
  readonly size: number;
  readonly usage: number;
  readonly #library: Library;

  constructor(library: Library, pointer: Made, descriptor: GPUBufferDescriptor) {
    super(pointer, library.wgpu.zwgpuBufferRelease, descriptor.label);
    this.#library = library;
    this.size = descriptor.size;
    this.usage = descriptor.usage;
  }

  /** As Dawn has it: a device that was lost has let everything go. */
  get mapState(): GPUBufferMapState {
    return mapStates[this.#library.wgpu.wgpuBufferGetMapState(this.pointer)] ?? "unmapped";
  }

  mapAsync(mode: number, offset = 0, size?: number): Promise<void> {
    const { wgpu, waits } = this.#library;
    return waits.ask(
      waits.onTold,
      (info) =>
        wgpu.zwgpuBufferMapAsync(
          this.pointer,
          mode,
          wide(offset),
          size === undefined ? whole : wide(size),
          info,
        ),
      ({ status, message }) => {
        if (status !== 1) throw new Error(message);
      },
    );
  }

  /** The memory itself: gone with `unmap`, with `destroy`, and when the device is lost. */
  getMappedRange(offset = 0, size?: number): ArrayBuffer {
    const { wgpu } = this.#library;
    const bytes = size ?? Math.max(0, this.size - offset);
    if (bytes === 0) return new ArrayBuffer(0);
    const range =
      (this.usage & mapRead) === 0 ? wgpu.zwgpuBufferGetMappedRange : wgpu.zwgpuBufferGetConstMappedRange;
    const start = range(this.pointer, wide(offset), wide(bytes));
    if (!start) throw new Error(`The range from ${offset} of ${bytes} bytes is not mapped`);
    return toArrayBuffer(start, 0, bytes);
  }

  unmap(): void {
    this.#library.wgpu.zwgpuBufferUnmap(this.pointer);
  }

  destroy(): void {
    this.#library.wgpu.zwgpuBufferDestroy(this.pointer);
  }
}
