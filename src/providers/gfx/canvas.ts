import { fault } from "../../base/fault.ts";
import { type Surface, surfaceOf } from "../surface.ts";
import type { GpuDevice } from "./device.ts";
import { ending } from "./error.ts";
import { bits, type Flags, format as spelled } from "./names.ts";
import { type Canvas, type Presenter, presenterFor } from "./presenter.ts";
import type { Session } from "./session.ts";
import type { GpuTexture } from "./texture.ts";

// gpu-canvas-context: the textures of a window, and showing them.

/** What windows show without converting. */
export const preferredFormat = "bgra8unorm";

const orders: Readonly<Record<string, "rgba" | "bgra">> = { rgba8unorm: "rgba", bgra8unorm: "bgra" };

export interface WireCanvasConfiguration {
  readonly device: GpuDevice;
  readonly format?: string | undefined;
  readonly usage?: Flags | undefined;
  readonly viewFormats?: readonly string[] | undefined;
}

interface Configured {
  readonly session: Session;
  readonly presenter: Presenter;
  /** Lets go of what the presenter holds, now instead of at the session's end. */
  readonly release: () => void;
  readonly format: string;
  readonly usage: number;
  readonly viewFormats: readonly string[];
}

/** The surface of a window that a guest handed over. LK0743 where it is none of the host's. */
export const requireSurface = (window: object): Surface => {
  const surface = surfaceOf(window);
  if (surface) return surface;
  throw fault("LK0743", "A canvas context was made for a window that is none of the host's");
};

export class GpuCanvasContext {
  readonly #surface: Surface;
  #configured: Configured | undefined;
  #canvas: Canvas | undefined;
  /** Whether the canvas's texture was given out since the last `present`. */
  #drawn = false;

  constructor(window: object) {
    this.#surface = requireSurface(window);
  }

  configure({ device, format = preferredFormat, usage, viewFormats = [] }: WireCanvasConfiguration): void {
    if (!orders[format])
      throw fault("LK0743", `A canvas of ${format} was configured; windows show rgba8unorm and bgra8unorm`);
    this.unconfigure();
    const { session } = device;
    session.enter();
    const presenter = presenterFor(session, this.#surface);
    const forget = session.atEnd(() => presenter.release());
    const release = () => {
      forget();
      presenter.release();
    };
    this.#configured = {
      session,
      presenter,
      release,
      format,
      usage:
        bits("textureUsage", { copySrc: true }) | bits("textureUsage", usage ?? { renderAttachment: true }),
      viewFormats: viewFormats.map(spelled),
    };
  }

  unconfigure(): void {
    this.#canvas?.holding.destroy();
    this.#canvas = undefined;
    this.#drawn = false;
    this.#configured?.release();
    this.#configured?.session.leave();
    this.#configured = undefined;
  }

  getCurrentTexture(): GpuTexture {
    const { session } = this.#require();
    const { texture, holding } = this.#current();
    this.#drawn = true;
    holding.share();
    session.enter();
    return new session.classes.GpuTexture(session, texture, holding);
  }

  present(): void | Promise<void> {
    if (!this.#configured || !this.#canvas || !this.#drawn || !this.#surface.isOpen) return;
    const { session, presenter, format } = this.#configured;
    if (session.lost) return;
    this.#drawn = false;
    const { texture, width, height } = this.#canvas;
    const shown = session.call("gpu-canvas-context.present", () =>
      presenter.present({ texture, width, height, order: orders[format]! }),
    );
    return shown instanceof Promise ? session.lifetime.until(shown) : shown;
  }

  [Symbol.dispose](): void {
    this.unconfigure();
  }

  #require(): Configured {
    if (this.#configured) return this.#configured;
    throw fault("LK0743", "A canvas context was asked for its texture before it was configured");
  }

  /** The texture of the window's size; a new one after a resize, so that nobody draws half a picture. */
  #current(): Canvas {
    const { session, presenter, format, usage, viewFormats } = this.#require();
    // A window that is minimised may say that it has no pixels at all.
    const [width, height] = [Math.max(1, this.#surface.width), Math.max(1, this.#surface.height)];
    const canvas = this.#canvas;
    if (canvas && (this.#drawn || (canvas.width === width && canvas.height === height))) return canvas;
    canvas?.holding.release();
    this.#canvas = undefined;
    const made: { texture?: GPUTexture } = {};
    const bytes = width * height * 4 + presenter.bytes(width, height);
    const holding = ending(() =>
      session.holdings.hold(bytes, `A canvas of ${width} × ${height}`, () => made.texture?.destroy()),
    );
    try {
      made.texture = session.call("gpu-canvas-context.get-current-texture", () =>
        session.native.createTexture({
          size: { width, height },
          format: spelled(format),
          usage,
          viewFormats: viewFormats as GPUTextureFormat[],
        }),
      );
    } catch (error) {
      holding.destroy();
      throw error;
    }
    this.#canvas = { texture: made.texture, holding, width, height };
    return this.#canvas;
  }
}
