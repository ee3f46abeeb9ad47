import { declared, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { printBytes } from "../../base/quantity.ts";
import { Claims } from "../../host/claims.ts";
import { outOfMemory } from "./error.ts";

// What one instance holds on GPUs: bytes and objects, counted and bounded, and let go at the right moment. A guest
// drops a handle when it does not need it any more, yet a bind group or a command that is not yet submitted may still
// use what is behind it. So memory is shared by those who hold it, and is given back when the last one lets go and
// no encoder that was open at that moment is open any more. Counting per command would cost as much as the command.

/** A buffer's or texture's memory. */
export interface Holding {
  /** One more holds it. */
  share(): void;
  /** One less does. */
  release(): void;
  /** It is gone now, whoever holds it: `destroy` of WebGPU. Another instance that has it goes on with it. */
  destroy(): void;
  readonly gone: boolean;
  /** The same memory, held once by another instance and counted for that as well. Declared error out-of-memory. */
  sharedWith(other: Holdings): Holding;
}

/** An encoder, or a command buffer that was not submitted. */
export interface Open {
  close(): void;
}

export class Holdings {
  #bytes = 0;
  #objects = 0;
  #epoch = 0;
  /** Encoders and command buffers that are open, the oldest first, by the epoch in which they began. */
  readonly #open = new Map<object, number>();
  /** What gives back each memory that is held. */
  readonly #held = new Set<() => void>();
  /** What nobody holds, and which epoch has to be over first. */
  #doomed: { readonly epoch: number; readonly destroy: () => void }[] = [];
  readonly #bytesMax: number;
  readonly #objectsMax: number;

  constructor({
    bytesMax = limits.gpuBytesMax,
    objectsMax = limits.gpuObjectsMax,
  }: {
    readonly bytesMax?: number | undefined;
    readonly objectsMax?: number | undefined;
  } = {}) {
    this.#bytesMax = bytesMax;
    this.#objectsMax = objectsMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get objects(): number {
    return this.#objects;
  }

  /** Counts an object in. LK0743 where there are too many. */
  enter(): void {
    if (this.#objects >= this.#objectsMax)
      throw fault("LK0743", `${this.#objects} GPU objects are held, and that is the limit`, {
        hint: "Drop what is not used any more: bind groups, views, pipelines, encoders",
      });
    this.#objects++;
  }

  leave(): void {
    this.#objects--;
  }

  /** Counts memory in, held once; `free` gives it back to the device. Declared error out-of-memory. */
  hold(bytes: number, what: string, free: () => void): Holding {
    return this.#hold(bytes, what, new Claims(free));
  }

  #hold(bytes: number, what: string, claims: Claims): Holding {
    if (this.#bytes + bytes > this.#bytesMax)
      throw declared(
        outOfMemory(
          `${what} needs ${printBytes(bytes)}; ${printBytes(this.#bytes)} of GPU memory are held, and the limit is ${printBytes(this.#bytesMax)}`,
        ),
      );
    this.#bytes += bytes;
    const giveUp = claims.claim();
    let holders = 1;
    let gone = false;
    const destroy = () => {
      if (gone) return;
      gone = true;
      this.#held.delete(destroy);
      this.#bytes -= bytes;
      giveUp();
    };
    this.#held.add(destroy);
    return {
      share: () => void holders++,
      release: () => {
        holders--;
        if (holders === 0 && !gone) this.#doom(destroy);
      },
      destroy,
      get gone() {
        return gone;
      },
      sharedWith: (other) => other.#hold(bytes, what, claims),
    };
  }

  /** Something began that may use memory which nobody else holds. */
  open(): Open {
    const token = { close: () => this.#close(token) };
    this.#open.set(token, this.#epoch);
    return token;
  }

  /** Gives back everything: its device may live on in the instance that takes the place of this one. */
  clear(): void {
    for (const destroy of [...this.#held]) destroy();
    this.#doomed = [];
    this.#open.clear();
    this.#objects = 0;
  }

  #doom(destroy: () => void): void {
    if (this.#open.size === 0) destroy();
    else this.#doomed.push({ epoch: this.#epoch++, destroy });
  }

  #close(token: object): void {
    if (!this.#open.delete(token) || this.#doomed.length === 0) return;
    // A map keeps the order of insertion, so the first is the oldest.
    const [oldest = Infinity] = this.#open.values();
    const ready = this.#doomed.filter(({ epoch }) => epoch < oldest);
    if (ready.length === 0) return;
    this.#doomed = this.#doomed.filter(({ epoch }) => epoch >= oldest);
    for (const { destroy } of ready) destroy();
  }
}

/** Bytes of one texel, or of one block of a compressed format, and the block's sides in texels. */
const blockOf = (
  format: string,
): { readonly bytes: number; readonly width: number; readonly height: number } => {
  const astc = /^astc-(\d+)x(\d+)/.exec(format);
  if (astc) return { bytes: 16, width: Number(astc[1]), height: Number(astc[2]) };
  if (/^(bc[14]-|etc2-rgb8(a1)?unorm|eac-r11)/.test(format)) return { bytes: 8, width: 4, height: 4 };
  if (/^(bc|etc2|eac)/.test(format)) return { bytes: 16, width: 4, height: 4 };
  return { bytes: texelBytes(format), width: 1, height: 1 };
};

const texelBytes = (format: string): number => {
  if (format === "stencil8") return 1;
  if (format === "depth32float-stencil8") return 8;
  if (/^(depth24|depth32|rgb9e5|rgb10a2|rg11b10)/.test(format)) return 4;
  const channels = /^(r|rg|rgba|bgra|depth)(\d+)/.exec(format);
  if (!channels) return 16;
  const count = channels[1] === "depth" ? 1 : channels[1]!.length;
  return (count * Number(channels[2])) / 8;
};

/** About what a texture takes: its levels, layers and samples, without padding. */
export const textureBytes = (descriptor: {
  readonly format: string;
  readonly size: { readonly width: number; readonly height: number; readonly depthOrArrayLayers: number };
  readonly mipLevelCount: number;
  readonly sampleCount: number;
  readonly dimension: string;
}): number => {
  const { format, size, mipLevelCount, sampleCount, dimension } = descriptor;
  const block = blockOf(format);
  let bytes = 0;
  // No texture has more levels than its sides have bits.
  for (let level = 0; level < Math.min(mipLevelCount, 32); level++) {
    const half = (side: number) => Math.max(1, Math.floor(side / 2 ** level));
    const layers = dimension === "3d" ? half(size.depthOrArrayLayers) : size.depthOrArrayLayers;
    const [across, down] = [
      Math.ceil(half(size.width) / block.width),
      Math.ceil(half(size.height) / block.height),
    ];
    bytes += across * down * block.bytes * layers;
  }
  return bytes * sampleCount;
};
