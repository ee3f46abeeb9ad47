// What lies straight in this folder is what its members share, and here: what a window offers to whoever shows
// something in it. Owns that contract, since siblings never import each other; refuses to know how a window is made
// (`window` does that). Used by the frame buffer, the graphics processor and the adapters of the public proposals.
//
// A guest hands over its `borrow<window>`, which is the object that `window` made for this one instance: `surfaceOf`
// finds what it offers, and nobody can come by another instance's.
import type { WindowEvent } from "./event.ts";

/** A picture's rows from the top. Its bytes are read before `present` returns, and are not kept. */
export interface Picture {
  /** At least `stride * height` bytes. */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Bytes from one row to the next; a multiple of 4, at least `4 * width`. */
  readonly stride: number;
  readonly order: "rgba" | "bgra";
}

/** What the platform calls the window, for a graphics processor that draws into it itself. Pointers are numbers. */
export type NativeWindow =
  | { readonly kind: "x11"; readonly display: number; readonly window: number }
  | { readonly kind: "wayland"; readonly display: number; readonly surface: number }
  | { readonly kind: "win32"; readonly window: number; readonly instance: number }
  | { readonly kind: "cocoa"; readonly window: number };

export interface Surface {
  /** As `window.id` says it; never 0. */
  readonly id: number;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels to a point. */
  readonly scale: number;
  /** False for ever once it is closed; everything below then does nothing. */
  readonly isOpen: boolean;
  /** Undefined where nobody but us can draw (headless), or the platform does not tell. */
  readonly native: NativeWindow | undefined;
  /**
   * Puts a picture in the window, which the person sees when the frame is shown. It fills the window: where the
   * sizes differ each of the window's pixels is the nearest of the picture's. May be called at any time.
   */
  present(picture: Picture): void;
  /**
   * The frame's picture comes later: `work` shows it with what it is given, and it is to be seen at once, unless something
   * newer was presented meanwhile. The next frame is drawn beside it; the one after that, and a screenshot, wait for it.
   */
  presentLater(work: (present: (picture: Picture) => void) => Promise<void>): void;
  /** Somebody draws into the native window past `present`; `read` says what is to be seen, for a screenshot. */
  drawnBy(read: () => Promise<Picture>): void;
  /** Called with the new size in pixels, before the guest hears of it. The answer stops it. */
  onResize(listener: (width: number, height: number) => void): () => void;
  /** Called when what was drawn past `present` has to be drawn again, since the display has lost it. The answer stops it. */
  onExpose(listener: () => void): () => void;
  /** Called once, at the moment when it is closed, by whoever. The answer stops it. */
  onClose(listener: () => void): () => void;
}

/** A window that an adapter opened. */
export interface OpenSurface extends Surface {
  close(): void;
  /** In points; nothing happens where the screen refuses. */
  setSize(width: number, height: number): void;
}

/** All windows of one instance, for adapters that make windows without `loop:window`. */
export interface Desk {
  /**
   * Opens a window, in points. Declared errors of `loop:window/windows` (payload `{ tag, val }`); fault LK0731 where
   * there is no display.
   */
  open(title: string, width: number, height: number): OpenSurface;
  /** Events of one window, instead of the queue that `loop:window/polling` reads. The answer stops it. */
  listen(surface: Surface, listener: (event: WindowEvent) => void): () => void;
  /** Shows what was presented, and answers at the next frame of the display with its time in seconds. */
  nextFrame(): Promise<number>;
  /** The last frame is over, or the guest is to end; a guest with a loop of its own is stopped with `exitCode`. */
  readonly ended: boolean;
  readonly exitCode: number | undefined;
}

/** Under which a window's object offers its surface. */
export const surfaceKey = Symbol("surface");

/** What the object of a `loop:window` window offers; undefined for one that a component made. */
export const surfaceOf = (window: object): Surface | undefined =>
  (window as { readonly [surfaceKey]?: Surface })[surfaceKey];
