import type { Picture, Surface } from "../surface.ts";
import { bits, mapModes } from "./names.ts";
import type { Frame, Presenter } from "./presenter.ts";
import type { Session } from "./session.ts";

// The picture is copied into one of a ring of buffers, mapped, and handed over as pixels.

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

export class ReadBack implements Presenter {
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
