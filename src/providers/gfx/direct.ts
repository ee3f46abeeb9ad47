import type { NativeWindow, Surface } from "../surface.ts";
import type { Caller } from "./native.ts";
import type { Frame, Presenter } from "./presenter.ts";
import type { Session } from "./session.ts";
import type { Device } from "./wgpu/device.ts";
import type { SurfaceShape, WindowSurface } from "./wgpu/surface.ts";

// The picture is copied into the window's own, on the GPU. Whatever goes wrong on the way there is not the component's: it
// is heard by nobody, and the picture is read back from then on.

/** Pictures that a display has of one window: what is seen, what is next, what is drawn. */
const picturesOfDisplay = 3;

type XWindow = NativeWindow & { readonly kind: "x11" };

/** Who draws into a window: one, since a display takes pictures from one at a time. */
const drawers = new Map<number, DirectPresenter>();

/** The window's picture, which is no texture that a component could have. */
const into = (texture: object) => ({ texture: texture as GPUTexture });

const drawsIntoWindows = (device: unknown): device is Device => "surfaceOn" in (device as object);

export class DirectPresenter implements Presenter {
  readonly #back: Presenter;
  readonly #session: Session;
  readonly #surface: Surface;
  readonly #device: Device;
  readonly #window: XWindow;
  readonly #stops: (() => void)[];
  #into: WindowSurface | undefined;
  #shape: SurfaceShape | undefined;
  #last: Frame | undefined;
  /** Errors that came while it was asked to be quiet. */
  #heard = 0;
  #quiet = false;
  readonly #ours: Caller = { scopes: [], uncaptured: () => void this.#heard++, lose: () => {} };
  /** It did not work, and is not tried again. */
  #failed = false;

  private constructor(back: Presenter, session: Session, surface: Surface, device: Device, window: XWindow) {
    this.#back = back;
    this.#session = session;
    this.#surface = surface;
    this.#device = device;
    this.#window = window;
    this.#stops = [
      surface.onClose(() => this.#letGo()),
      // What lay over the window has left nothing there, and the component may draw no more.
      surface.onExpose(() => this.#last && drawers.get(window.window) === this && this.#again(this.#last)),
    ];
  }

  /** Undefined where only reading back is possible. */
  static over(back: Presenter, session: Session, surface: Surface): DirectPresenter | undefined {
    const device: unknown = session.native;
    const window = surface.native;
    if (window?.kind !== "x11" || !drawsIntoWindows(device)) return undefined;
    return new DirectPresenter(back, session, surface, device, window);
  }

  bytes(width: number, height: number): number {
    return Math.max(this.#back.bytes(width, height), width * height * 4 * picturesOfDisplay);
  }

  present(frame: Frame): void | Promise<void> {
    this.#last = undefined;
    if (this.#failed || !this.#show(frame)) return this.#back.present(frame);
    this.#last = frame;
    // The next frame is drawn meanwhile, and the one after that waits, as it does where pictures are read back.
    const done = this.#session.native.queue.onSubmittedWorkDone();
    this.#surface.presentLater(() => done.catch(() => undefined));
  }

  release(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#letGo();
    this.#back.release();
  }

  /** Whether it is in the window. One that is shown again is not, where it cannot be copied any more. */
  #show(frame: Frame, again = false): boolean {
    const { width, height, texture } = frame;
    if (!this.#take({ width, height, format: texture.format })) return false;
    let next = this.#into!.next();
    if (next.status === "outdated") {
      this.#shape = undefined;
      if (!this.#take({ width, height, format: texture.format })) return false;
      next = this.#into!.next();
    }
    // A window that gives nothing just now is not to be seen.
    if (next.status === "late") return true;
    if (!next.texture) return this.#fail();
    const picture = next.texture;
    const copy = () => {
      const encoder = this.#session.native.createCommandEncoder();
      encoder.copyTextureToTexture({ texture }, into(picture), { width, height });
      this.#session.native.queue.submit([encoder.finish()]);
    };
    if (!again) copy();
    else if (!this.#quietly(copy)) return false;
    this.#into!.present();
    return true;
  }

  /** Has the window's surface in this shape, and nobody else has. */
  #take(shape: SurfaceShape): boolean {
    const key = this.#window.window;
    const other = drawers.get(key);
    if (other && other !== this) other.#letGo();
    drawers.set(key, this);
    this.#into ??= this.#device.surfaceOn(this.#window);
    const max = this.#session.native.limits.maxTextureDimension2D;
    if (!this.#into?.takes(shape.format) || shape.width > max || shape.height > max) return this.#fail();
    const { width, height, format } = this.#shape ?? {};
    if (width === shape.width && height === shape.height && format === shape.format) return true;
    this.#shape = undefined;
    const into = this.#into;
    if (!this.#quietly(() => into.configure(shape))) {
      into.refused();
      return this.#fail();
    }
    this.#shape = shape;
    return true;
  }

  /** Where the texture is gone meanwhile, or the device, the next picture is the next that the component draws. */
  #again(frame: Frame): void {
    if (!this.#session.lost && !this.#failed) this.#quietly(() => void this.#show(frame, true));
  }

  /** Does something whose errors are ours, past the component's scopes. Whether there were none. */
  #quietly(work: () => void): boolean {
    const { device } = this.#session;
    const before = this.#heard;
    const within = this.#quiet;
    if (!within) device.turnTo(this.#ours);
    this.#quiet = true;
    try {
      work();
    } finally {
      this.#quiet = within;
      if (!within) device.turnTo(this.#session);
    }
    return this.#heard === before && !this.#session.lost;
  }

  #fail(): false {
    this.#failed = true;
    this.#letGo();
    return false;
  }

  #letGo(): void {
    const key = this.#window.window;
    if (drawers.get(key) === this) drawers.delete(key);
    this.#into?.close();
    this.#into = undefined;
    this.#shape = undefined;
  }
}
