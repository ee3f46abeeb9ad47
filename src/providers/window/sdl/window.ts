import { type Pointer, ptr, read, toArrayBuffer } from "bun:ffi";
import { fault } from "../../../base/fault.ts";
import type { What } from "../../event.ts";
import type { NativeWindow } from "../../surface.ts";
import type { Area, Canvas, Cursor, PointerMode, Shown, Size } from "../screen.ts";
import { cText, type Sdl, systemCursors, windowFlags } from "./binding.ts";
import { pixelFormat, surface as surfaceField } from "./layout.ts";
import { nativeWindow } from "./native.ts";

/** One window of SDL's; its pixels are SDL's window surface. */
export class SdlWindow implements Shown {
  readonly #sdl: Sdl;
  readonly #handle: Pointer;
  readonly #onClose: () => void;
  readonly #pair = new Int32Array(new ArrayBuffer(8));
  #cursor: Pointer | null = null;
  #canvas: SurfaceCanvas | undefined;
  #native: NativeWindow | undefined | null = null;
  #mode: PointerMode = "free";
  #drawn = false;
  onExposed: (() => void) | undefined;

  constructor(sdl: Sdl, handle: Pointer, onClose: () => void) {
    this.#sdl = sdl;
    this.#handle = handle;
    this.#onClose = onClose;
  }

  get size(): Size {
    this.#sdl.SDL_GetWindowSize(this.#handle, ptr(this.#pair), ptr(this.#pair, 4));
    return { width: this.#pair[0]!, height: this.#pair[1]! };
  }

  get pixelSize(): Size {
    // The one question for pixels that every version answers, with or without OpenGL, and that makes no surface.
    this.#sdl.SDL_GL_GetDrawableSize(this.#handle, ptr(this.#pair), ptr(this.#pair, 4));
    return { width: this.#pair[0]!, height: this.#pair[1]! };
  }

  /** Pixels to a point. */
  get scale(): number {
    return this.pixelSize.width / Math.max(1, this.size.width);
  }

  /** The number of the display that has most of it. */
  get display(): number {
    return this.#sdl.SDL_GetWindowDisplayIndex(this.#handle);
  }

  get position(): { x: number; y: number } {
    this.#sdl.SDL_GetWindowPosition(this.#handle, ptr(this.#pair), ptr(this.#pair, 4));
    return { x: this.#pair[0]!, y: this.#pair[1]! };
  }

  get fullscreen(): boolean {
    return (this.#sdl.SDL_GetWindowFlags(this.#handle) & windowFlags.fullscreen) !== 0;
  }

  get focused(): boolean {
    return (this.#sdl.SDL_GetWindowFlags(this.#handle) & windowFlags.inputFocus) !== 0;
  }

  get native(): NativeWindow | undefined {
    if (this.#native === null) this.#native = nativeWindow(this.#sdl, this.#handle);
    return this.#native;
  }

  setTitle(title: string): void {
    this.#sdl.SDL_SetWindowTitle(this.#handle, cText(title));
  }

  resize(width: number, height: number): void {
    this.#sdl.SDL_SetWindowSize(this.#handle, width, height);
  }

  place(x: number, y: number): void {
    this.#sdl.SDL_SetWindowPosition(this.#handle, x, y);
  }

  setResizable(resizable: boolean): void {
    this.#sdl.SDL_SetWindowResizable(this.#handle, resizable ? 1 : 0);
  }

  setFullscreen(fullscreen: boolean): void {
    // Over the desktop as it is: a mode of its own would stay behind where the process ends at once.
    this.#sdl.SDL_SetWindowFullscreen(this.#handle, fullscreen ? windowFlags.fullscreenDesktop : 0);
  }

  minimise(): void {
    this.#sdl.SDL_MinimizeWindow(this.#handle);
  }

  restore(): void {
    this.#sdl.SDL_RestoreWindow(this.#handle);
    this.#sdl.SDL_RaiseWindow(this.#handle);
  }

  setIcon(width: number, height: number, pixels: Uint8Array): void {
    const sdl = this.#sdl;
    const own = pixels.slice();
    const surface = sdl.SDL_CreateRGBSurfaceFrom(
      own,
      width,
      height,
      32,
      width * 4,
      0xff,
      0xff00,
      0xff0000,
      0xff000000,
    );
    if (!surface) return;
    sdl.SDL_SetWindowIcon(this.#handle, surface);
    sdl.SDL_FreeSurface(surface);
  }

  setCursor(cursor: Cursor): void {
    const before = this.#cursor;
    this.#cursor = this.#sdl.SDL_CreateSystemCursor(systemCursors[cursor]);
    if (this.#cursor) this.#sdl.SDL_SetCursor(this.#cursor);
    if (before) this.#sdl.SDL_FreeCursor(before);
  }

  setPointer(mode: PointerMode): void {
    this.#mode = mode;
    this.#sdl.SDL_SetRelativeMouseMode(mode === "captured" ? 1 : 0);
    this.#sdl.SDL_SetWindowGrab(this.#handle, mode === "captured" ? 1 : 0);
    this.#sdl.SDL_ShowCursor(mode === "free" ? 1 : 0);
  }

  setTextInput(enabled: boolean): void {
    if (enabled) this.#sdl.SDL_StartTextInput();
    else this.#sdl.SDL_StopTextInput();
  }

  setTextArea({ x, y, width, height }: Area): void {
    this.#sdl.SDL_SetTextInputRect(Int32Array.of(x, y, width, height));
  }

  canvas(): Canvas {
    this.#drawn = true;
    const surface = this.#surface();
    return surface.canvas;
  }

  show(): void {
    if (!this.#drawn) return;
    this.#surface().flush();
    this.#sdl.SDL_UpdateWindowSurface(this.#handle);
  }

  /** SDL says that the display has lost what was to be seen. */
  exposed(): void {
    this.show();
    this.onExposed?.();
  }

  /** SDL says that the size is another one: what it is. */
  resized(): What {
    const { width, height } = this.size;
    const pixels = this.pixelSize;
    return { tag: "resized", val: { width, height, pixelWidth: pixels.width, pixelHeight: pixels.height } };
  }

  close(): void {
    if (this.#mode !== "free") this.setPointer("free");
    this.#canvas?.free();
    this.#sdl.SDL_DestroyWindow(this.#handle);
    if (this.#cursor) this.#sdl.SDL_FreeCursor(this.#cursor);
    this.#onClose();
  }

  /** The window's surface as it is now: another one after each change of size. */
  #surface(): SurfaceCanvas {
    const pointer = this.#sdl.SDL_GetWindowSurface(this.#handle);
    if (!pointer)
      throw fault(
        "LK0731",
        `The display gives a window no pixels to draw into: ${this.#sdl.SDL_GetError()}`,
        {
          hint: "loop run --headless --screenshot 60:picture.png",
        },
      );
    if (!this.#canvas?.isOf(pointer)) {
      this.#canvas?.free();
      this.#canvas = new SurfaceCanvas(this.#sdl, pointer);
    }
    return this.#canvas;
  }
}

/** The pixels of an SDL surface; where it is not 32 bits a pixel, pixels of our own that SDL converts. */
class SurfaceCanvas {
  readonly width: number;
  readonly height: number;
  readonly canvas: Canvas;
  readonly #sdl: Sdl;
  readonly #surface: Pointer;
  readonly #pixels: number;
  readonly #between: Pointer | null = null;

  constructor(sdl: Sdl, surface: Pointer) {
    this.#sdl = sdl;
    this.#surface = surface;
    this.width = read.i32(surface, surfaceField.w);
    this.height = read.i32(surface, surfaceField.h);
    this.#pixels = read.ptr(surface, surfaceField.pixels);
    const pitch = read.i32(surface, surfaceField.pitch);
    const format = read.ptr(surface, surfaceField.format) as Pointer;
    const red = read.u32(format, pixelFormat.Rmask);
    const blue = read.u32(format, pixelFormat.Bmask);
    const { width, height } = this;
    if (read.u8(format, pixelFormat.BytesPerPixel) === 4 && (red | blue) >>> 0 === 0xff00ff) {
      const pixels = new Int32Array(toArrayBuffer(this.#pixels as Pointer, 0, pitch * height));
      this.canvas = { pixels, width, height, pitch: pitch >>> 2, order: red === 0xff ? "rgba" : "bgra" };
      return;
    }
    const pixels = new Int32Array(new ArrayBuffer(width * height * 4));
    this.canvas = { pixels, width, height, pitch: width, order: "rgba" };
    this.#between = sdl.SDL_CreateRGBSurfaceFrom(
      pixels,
      width,
      height,
      32,
      width * 4,
      0xff,
      0xff00,
      0xff0000,
      0,
    );
  }

  isOf(surface: Pointer): boolean {
    return (
      surface === this.#surface &&
      read.ptr(surface, surfaceField.pixels) === this.#pixels &&
      read.i32(surface, surfaceField.w) === this.width &&
      read.i32(surface, surfaceField.h) === this.height
    );
  }

  flush(): void {
    if (this.#between) this.#sdl.SDL_UpperBlit(this.#between, null, this.#surface, null);
  }

  free(): void {
    if (this.#between) this.#sdl.SDL_FreeSurface(this.#between);
  }
}
