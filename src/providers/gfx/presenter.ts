import type { Picture, Surface } from "../surface.ts";
import type { Holding } from "./holdings.ts";
import { bits, mapModes } from "./names.ts";
import type { Session } from "./session.ts";

// How a texture comes into a window. There is one way, reading back: the picture is copied into one of a ring of
// buffers, mapped, and handed over as pixels, so it works with every window, every driver and without a screen. A GPU
// that can draw into the window itself would be another `Presenter`, chosen in `presenterFor` by `surface.native`;
// decision 027 says what was measured of one.

/** What is shown: a texture of the device, of this size, in one of the two formats that windows show. */
export interface Frame {
  readonly texture: GPUTexture;
  readonly width: number;
  readonly height: number;
  readonly order: Picture["order"];
}

export interface Presenter {
  /** Bytes on the GPU that it needs for frames of a size. */
  bytes(width: number, height: number): number;
  /** Shows what was submitted to the texture. A promise where frames before it have to be shown first. */
  present(frame: Frame): void | Promise<void>;
  release(): void;
}

export const presenterFor = (session: Session, surface: Surface): Presenter => new ReadBack(session, surface);

/** Frames that are on their way at once: one is read while the next is drawn. */
const ringLength = 2;
/** WebGPU wants the rows of a copy at multiples of this. */
const rowAlignment = 256;

const strideOf = (width: number): number => Math.ceil((width * 4) / rowAlignment) * rowAlignment;

interface Slot {
  readonly buffer: GPUBuffer;
  readonly size: number;
  work: Promise<void> | undefined;
}

class ReadBack implements Presenter {
  readonly #session: Session;
  readonly #surface: Surface;
  readonly #slots: Slot[] = [];
  #next = 0;

  constructor(session: Session, surface: Surface) {
    this.#session = session;
    this.#surface = surface;
  }

  bytes(width: number, height: number): number {
    return strideOf(width) * height * ringLength;
  }

  present(frame: Frame): void | Promise<void> {
    const before = this.#slots[this.#next]?.work;
    return before ? before.then(() => this.#show(frame)) : this.#show(frame);
  }

  release(): void {
    for (const { buffer } of this.#slots.splice(0)) buffer.destroy();
  }

  #show(frame: Frame): void {
    const { width, height } = frame;
    const stride = strideOf(width);
    const slot = this.#slot(stride * height);
    const encoder = this.#session.native.createCommandEncoder();
    encoder.copyTextureToBuffer(
      { texture: frame.texture },
      { buffer: slot.buffer, bytesPerRow: stride },
      { width, height },
    );
    this.#session.native.queue.submit([encoder.finish()]);
    this.#surface.presentLater((present) => {
      slot.work = this.#read(slot, frame, stride, present).finally(() => {
        slot.work = undefined;
      });
      return slot.work;
    });
  }

  async #read(
    { buffer, size }: Slot,
    { width, height, order }: Frame,
    stride: number,
    present: (picture: Picture) => void,
  ): Promise<void> {
    try {
      await buffer.mapAsync(mapModes.read, 0, size);
    } catch {
      // The device was lost or the context was released: there is no picture, and the guest hears of the loss.
      return;
    }
    const pixels = new Uint8Array(buffer.getMappedRange(0, size));
    present({ pixels, width, height, stride, order });
    buffer.unmap();
  }

  #slot(size: number): Slot {
    const at = this.#next;
    this.#next = (at + 1) % ringLength;
    const there = this.#slots[at];
    if (there?.size === size) return there;
    there?.buffer.destroy();
    const usage = bits("bufferUsage", { mapRead: true, copyDst: true });
    const slot: Slot = {
      buffer: this.#session.native.createBuffer({ size, usage }),
      size,
      work: undefined,
    };
    this.#slots[at] = slot;
    return slot;
  }
}

/** What a context holds on the GPU for frames of one size. */
export interface Canvas {
  readonly texture: GPUTexture;
  readonly holding: Holding;
  readonly width: number;
  readonly height: number;
}
