import { fault } from "../../../base/fault.ts";
import { type Surface, surfaceKey } from "../../surface.ts";
import { GpuCanvasContext } from "../canvas.ts";
import type { GpuDevice } from "../device.ts";
import type { GpuTexture } from "../texture.ts";

// wasi:graphics-context: what joins a surface with who draws on it, a GPU or a frame buffer. A buffer of it is a
// frame: abstract, until the one or the other takes it.

/** A frame of a context. */
export class AbstractBuffer {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** As a texture; LK0743 where no GPU is connected. */
  texture(): GpuTexture {
    return this.#context.canvas().getCurrentTexture();
  }

  /** As pixels, four bytes each: blue, green, red and one that nobody looks at. */
  pixels(): Uint8Array {
    return this.#context.pixels();
  }

  /** LK0743 where they are no whole pixels: the interfaces have no error for it. */
  setPixels(bytes: Uint8Array): void {
    if (bytes.length % 4 !== 0)
      throw fault("LK0743", `A frame buffer was given ${bytes.length} bytes; a pixel has four`);
    const pixels = this.pixels();
    // A guest that was told of a resize after it had made its picture has one of the old size.
    pixels.set(bytes.subarray(0, pixels.length));
  }
}

/** One for each surface, whose number and size are bounded, however many contexts a guest makes. */
const pictures = new WeakMap<
  Surface,
  { readonly width: number; readonly height: number; readonly bytes: Uint8Array }
>();

export class Context {
  #surface: Surface | undefined;
  #device: GpuDevice | undefined;
  #canvas: GpuCanvasContext | undefined;

  showOn(surface: Surface): void {
    this.#surface = surface;
    this.#canvas?.unconfigure();
    this.#canvas = undefined;
  }

  drawWith(device: GpuDevice): void {
    this.#device = device;
    this.#canvas?.configure({ device });
  }

  getCurrentBuffer(): AbstractBuffer {
    this.#require();
    return new AbstractBuffer(this);
  }

  present(): void | Promise<void> {
    const surface = this.#require();
    if (this.#canvas) return this.#canvas.present();
    const shown = pictures.get(surface);
    if (!shown) return;
    const { width, height, bytes } = shown;
    surface.present({ pixels: bytes, width, height, stride: width * 4, order: "bgra" });
  }

  canvas(): GpuCanvasContext {
    if (this.#canvas) return this.#canvas;
    const surface = this.#require();
    if (!this.#device)
      throw fault(
        "LK0743",
        "A texture was asked of a graphics context, and no GPU device is connected to it",
      );
    this.#canvas = new GpuCanvasContext({ [surfaceKey]: surface });
    this.#canvas.configure({ device: this.#device });
    return this.#canvas;
  }

  pixels(): Uint8Array {
    const surface = this.#require();
    // A window that was just closed has no size.
    const [width, height] = [Math.max(1, surface.width), Math.max(1, surface.height)];
    const known = pictures.get(surface);
    if (known?.width === width && known.height === height) return known.bytes;
    const bytes = new Uint8Array(width * height * 4);
    pictures.set(surface, { width, height, bytes });
    return bytes;
  }

  [Symbol.dispose](): void {
    this.#canvas?.[Symbol.dispose]();
    this.#canvas = undefined;
  }

  #require(): Surface {
    if (this.#surface) return this.#surface;
    throw fault("LK0743", "A graphics context was used, and no surface is connected to it");
  }
}
