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

  set(bytes: Uint8Array): void {
    this.#frame.setPixels(bytes);
  }
}
