import type { Picture, Surface } from "../surface.ts";
import { DirectPresenter } from "./direct.ts";
import type { Holding } from "./holdings.ts";
import { ReadBack } from "./readback.ts";
import type { Session } from "./session.ts";

// How a texture comes into a window. Reading back (readback.ts) works with every window, every driver and without a screen.
// Where the device can draw into the window itself, it does (direct.ts), and reads back where that fails. Decision 027
// says what was measured of both.

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

export const presenterFor = (session: Session, surface: Surface): Presenter => {
  const back = new ReadBack(session, surface);
  return DirectPresenter.over(back, session, surface) ?? back;
};

/** What a context holds on the GPU for frames of one size. */
export interface Canvas {
  readonly texture: GPUTexture;
  readonly holding: Holding;
  readonly width: number;
  readonly height: number;
}
