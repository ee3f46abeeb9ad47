import { fault } from "../../../base/fault.ts";
import type { AbstractBuffer, Context } from "./context.ts";

// wasi:frame-buffer: a frame as bytes.

export class Device {
  /** A context without a GPU shows bytes; there is nothing to connect. */
  connectGraphicsContext(_context: Context): void {}
}

export class Buffer {
  readonly #frame: AbstractBuffer;

  constructor(frame: AbstractBuffer) {
    this.#frame = frame;
  }

  static fromGraphicsBuffer(frame: AbstractBuffer): Buffer {
    return new Buffer(frame);
  }

  get(): Uint8Array {
    return this.#frame.pixels();
  }

  /** LK0743 where it is not as long as the frame: the interface has no error, and no way to say how long it is. */
  set(bytes: Uint8Array): void {
    const pixels = this.#frame.pixels();
    // A guest that was told of a resize after it had made its picture has one of the old size.
    if (bytes.length % 4 !== 0)
      throw fault("LK0743", `A frame buffer was given ${bytes.length} bytes; a pixel has four`);
    pixels.set(bytes.subarray(0, pixels.length));
  }
}
