import type { What } from "../event.ts";
import type { Canvas, Display, Listener, Screen, Shown, Size } from "./screen.ts";

// Windows that nobody sees: no library, no display, and the same pixels as on a screen. What a window does to
// itself (its size, its place) has the events that a screen would send.

const display: Display = {
  name: "headless",
  x: 0,
  y: 0,
  width: 1920,
  height: 1080,
  scale: 1,
  rate: 60,
};

export class Headless implements Screen {
  onFile: ((path: string) => What | undefined) | undefined;
  #clipboard: string | undefined;
  /** What happened, in order, until somebody asks. */
  #happened: (() => void)[] = [];

  open(_title: string, size: Size, listener: Listener): Shown {
    const shown = new HeadlessWindow(size, (what) => this.#happened.push(() => listener(what)));
    return shown;
  }

  displays(): Display[] {
    return [display];
  }

  poll(): void {
    for (const tell of this.#happened.splice(0)) tell();
  }

  watchPads(): void {}

  readClipboard(): string | undefined {
    return this.#clipboard;
  }

  writeClipboard(text: string): void {
    this.#clipboard = text;
  }

  close(): void {
    this.#happened = [];
  }
}

class HeadlessWindow implements Shown {
  size: Size;
  position: { x: number; y: number };
  fullscreen = false;
  readonly focused = true;
  readonly native = undefined;
  onExposed: (() => void) | undefined;
  readonly #tell: Listener;
  #canvas: Canvas | undefined;
  #before: Size;

  constructor(size: Size, tell: Listener) {
    this.size = size;
    this.#before = size;
    this.position = {
      x: Math.max(0, (display.width - size.width) >> 1),
      y: Math.max(0, (display.height - size.height) >> 1),
    };
    this.#tell = tell;
    tell({ tag: "shown" });
    tell({ tag: "focused" });
  }

  get pixelSize(): Size {
    return this.size;
  }

  resize(width: number, height: number): void {
    if (width === this.size.width && height === this.size.height) return;
    this.size = { width, height };
    this.#tell({ tag: "resized", val: { width, height, pixelWidth: width, pixelHeight: height } });
  }

  place(x: number, y: number): void {
    this.position = { x, y };
    this.#tell({ tag: "placed", val: { x, y } });
  }

  setFullscreen(fullscreen: boolean): void {
    if (fullscreen === this.fullscreen) return;
    if (fullscreen) this.#before = this.size;
    this.fullscreen = fullscreen;
    const { width, height } = fullscreen ? display : this.#before;
    this.resize(width, height);
  }

  minimise(): void {
    this.#tell({ tag: "hidden" });
  }

  restore(): void {
    this.#tell({ tag: "shown" });
  }

  setTitle(): void {}
  setResizable(): void {}
  setIcon(): void {}
  setCursor(): void {}
  setPointer(): void {}
  setTextInput(): void {}
  setTextArea(): void {}

  canvas(): Canvas {
    const { width, height } = this.size;
    if (this.#canvas?.width !== width || this.#canvas.height !== height)
      this.#canvas = {
        pixels: new Int32Array(width * height),
        width,
        height,
        pitch: width,
        order: "rgba",
      };
    return this.#canvas;
  }

  show(): void {}

  close(): void {
    this.#canvas = undefined;
  }
}
