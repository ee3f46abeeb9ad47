import { plain } from "./descriptor.ts";
import { answering, answeringNow } from "./error.ts";
import type { Holding } from "./holdings.ts";
import { bits, type Flags, flags, mapModes } from "./names.ts";
import { Held, type Session } from "./session.ts";

// gpu-buffer: memory of the device, written by the queue or by mapping, read by mapping.

export interface WireBufferDescriptor {
  readonly size: number | bigint;
  readonly usage: Flags;
  readonly mappedAtCreation?: boolean | undefined;
  readonly label?: string | undefined;
}

type Offset = number | bigint | undefined;

export class GpuBuffer extends Held<GPUBuffer> {
  readonly holding: Holding;
  /** Everything that is mapped, once: WebGPU gives no two ranges that overlap. */
  #mapped: { readonly offset: number; readonly bytes: Uint8Array } | undefined;
  #mappedFrom = 0;
  /** Whether it is by this that the memory is mapped, or is to be. */
  #maps = false;
  #forget: (() => void) | undefined;

  constructor(session: Session, native: GPUBuffer, holding: Holding) {
    super(session, native);
    this.holding = holding;
  }

  size(): number | bigint {
    return this.native.size;
  }

  usage(): Flags {
    return flags("bufferUsage", this.native.usage);
  }

  mapState(): string {
    return this.native.mapState;
  }

  mapAsync(mode: keyof typeof mapModes | number, offset?: Offset, size?: Offset): Promise<void> {
    return answering(async () => {
      const from = Number(offset ?? 0);
      const mapped = size === undefined ? undefined : Number(size);
      const bit = typeof mode === "number" ? mode : mapModes[mode];
      // Whoever else has it mapped it, and has it to unmap.
      this.#maps ||= this.native.mapState === "unmapped";
      await this.session.scoped(() => this.native.mapAsync(bit, from, mapped));
      this.#mapped = undefined;
      this.#mappedFrom = from;
      this.#mappedSize = mapped ?? Math.max(0, this.native.size - from);
    });
  }
  #mappedSize: number | undefined;

  getMappedRange(offset?: Offset, size?: Offset): Uint8Array {
    // The linker copies it before the guest can unmap.
    return answeringNow(() => this.#range(offset, size));
  }

  setMappedRange(offset: Offset, data: Uint8Array): void {
    answeringNow(() => this.#range(offset, data.length).set(data));
  }

  unmap(): void {
    this.#mapped = undefined;
    this.#mappedFrom = 0;
    this.#maps = false;
    this.session.call("gpu-buffer.unmap", () => this.native.unmap());
  }

  read(offset?: Offset, size?: Offset): Promise<Uint8Array> {
    return answering(async () => {
      await this.mapAsync("read", offset, size);
      try {
        return this.#range(offset, size).slice();
      } finally {
        this.unmap();
      }
    });
  }

  destroy(): void {
    this.#mapped = undefined;
    this.holding.destroy();
  }

  /** Another instance has the memory as well, and goes on with it as it was before it was mapped here. */
  sharedUntilEnd(): this {
    this.#forget = this.session.atEnd(() => this.#letMappingGo());
    return this;
  }

  protected override dropped(): void {
    this.#forget?.();
    this.#letMappingGo();
    this.holding.release();
  }

  #letMappingGo(): void {
    if (this.#maps && this.native.mapState !== "unmapped") this.native.unmap();
    this.#maps = false;
  }

  #range(offset: Offset, size: Offset): Uint8Array {
    if (this.native.mapState !== "mapped") throw new Error("The buffer is not mapped");
    this.#mapped ??= {
      offset: this.#mappedFrom,
      bytes: new Uint8Array(this.native.getMappedRange(this.#mappedFrom, this.#mappedSize)),
    };
    const { bytes } = this.#mapped;
    const from = Number(offset ?? 0) - this.#mapped.offset;
    const to = size === undefined ? bytes.length : from + Number(size);
    if (from < 0 || to > bytes.length || to < from)
      throw new RangeError(
        `The range from ${from + this.#mapped.offset} to ${to + this.#mapped.offset} is not in what is mapped, ${this.#mapped.offset} to ${this.#mapped.offset + bytes.length}`,
      );
    return bytes.subarray(from, to);
  }
}

/** Declared error out-of-memory. */
export const createBuffer = (session: Session, descriptor: WireBufferDescriptor): GpuBuffer => {
  const size = Number(descriptor.size);
  let native: GPUBuffer | undefined;
  const holding = session.holdings.hold(size, `A buffer of ${size} bytes`, () => native?.destroy());
  try {
    native = session.make("gpu-device.create-buffer", () =>
      answeringNow(() =>
        session.native.createBuffer({
          ...plain<GPUBufferDescriptor>(descriptor),
          usage: bits("bufferUsage", descriptor.usage),
        }),
      ),
    );
  } catch (error) {
    holding.destroy();
    throw error;
  }
  return new session.classes.GpuBuffer(session, native, holding);
};
