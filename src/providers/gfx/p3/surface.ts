import type { Desk, OpenSurface } from "../../surface.ts";
import { surfaceKey } from "../../surface.ts";
import { GpuCanvasContext, type WireCanvasConfiguration } from "../canvas.ts";
import { AbstractBuffer, Context } from "../p2/context.ts";
import { type Inbox, Surface, type WireCreate } from "../p2/surface.ts";

// wasi-gfx:surface and wasi-gfx:frame-buffer at 0.2.0: the surfaces of 0.0.1, with streams where that has pollables.
// When the window is closed, or the last frame is over, the streams end.

/** The class for one instance: its windows are on that instance's desk. */
export const streamingSurface = (deskHere: () => Desk, title: string) =>
  class StreamingSurface extends Surface {
    readonly #desk: Desk;

    constructor(wish: WireCreate) {
      const desk = deskHere();
      super(desk, title, wish);
      this.#desk = desk;
    }

    get shown(): OpenSurface {
      return this.surface;
    }

    onResize() {
      return this.#stream(this.resizes);
    }
    onPointerUp() {
      return this.#stream(this.pointerUps);
    }
    onPointerDown() {
      return this.#stream(this.pointerDowns);
    }
    onPointerMove() {
      return this.#stream(this.pointerMoves);
    }
    onKeyUp() {
      return this.#stream(this.keyUps);
    }
    onKeyDown() {
      return this.#stream(this.keyDowns);
    }

    /** Each frame of the display, once the guest has taken the one before. */
    async *onFrame(): AsyncGenerator<object> {
      while (this.surface.isOpen && !this.#desk.ended) {
        await this.#desk.nextFrame();
        if (!this.surface.isOpen || this.#desk.ended) break;
        yield { nothing: false };
      }
      this.finish();
    }

    async *#stream<T>(inbox: Inbox<T>): AsyncGenerator<T> {
      for (;;) {
        const item = inbox.take();
        if (item !== undefined) yield item;
        else if (this.over || !this.surface.isOpen) return;
        else await new Promise<void>((wake) => void inbox.listen(wake));
      }
    }
  };

type Streaming = InstanceType<ReturnType<typeof streamingSurface>>;

/** `context` of surface-webgpu. */
export class GpuContext extends GpuCanvasContext {
  constructor(surface: Streaming) {
    super({ [surfaceKey]: surface.shown });
  }

  /** The public record has more fields, of colours that windows here do not have. */
  override configure({ device, format, usage, viewFormats }: WireCanvasConfiguration): void {
    super.configure({ device, format, usage, viewFormats });
  }
}

/** `buffer` of frame-buffer. */
export class Buffer {
  readonly #frame: AbstractBuffer;
  constructor(frame: AbstractBuffer) {
    this.#frame = frame;
  }
  getWithCopy(): Uint8Array {
    return this.#frame.pixels();
  }
  setWithCopy(bytes: Uint8Array): void {
    this.#frame.setPixels(bytes);
  }
}

/** `context` of surface-frame-buffer. */
export class BufferContext {
  readonly #context = new Context();
  constructor(surface: Streaming) {
    this.#context.showOn(surface.shown);
  }
  getCurrentBuffer(): Buffer {
    return new Buffer(new AbstractBuffer(this.#context));
  }
  present(): void {
    void this.#context.present();
  }
}
