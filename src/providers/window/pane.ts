import type { What } from "../event.ts";
import type { NativeWindow, OpenSurface, Picture } from "../surface.ts";
import { draw, readCanvas } from "./picture.ts";
import type { Shown } from "./screen.ts";

/** What a window asks of whoever has it. */
export interface PaneDesk {
  closed(pane: Pane): void;
  /** A picture was drawn, which is shown at the end of the frame; or one of a frame before, which is late as it is. */
  drawn(): void;
  drawnLate(): void;
  hold(work: Promise<void>): void;
}

/** One window of an instance: what it shows, and who wants to know about it. */
export class Pane implements OpenSurface {
  readonly id: number;
  title: string;
  closesItself = true;
  readonly #shown: Shown;
  readonly #desk: PaneDesk;
  readonly #resizes = new Set<(width: number, height: number) => void>();
  readonly #closes = new Set<() => void>();
  readonly #exposes = new Set<() => void>();
  #open = true;
  #dirty = false;
  /** Pictures are numbered as they are asked for: the last one, and the one in the window. */
  #asked = 0;
  #drawn = 0;
  #read: (() => Promise<Picture>) | undefined;

  constructor(id: number, title: string, shown: Shown, desk: PaneDesk) {
    this.id = id;
    this.title = title;
    this.#shown = shown;
    this.#desk = desk;
    shown.onExposed = () => {
      for (const listener of this.#exposes) listener();
    };
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get width(): number {
    return this.#open ? this.#shown.pixelSize.width : 0;
  }

  get height(): number {
    return this.#open ? this.#shown.pixelSize.height : 0;
  }

  get scale(): number {
    return this.#open ? this.#shown.pixelSize.width / Math.max(1, this.#shown.size.width) : 1;
  }

  get native(): NativeWindow | undefined {
    return this.#open ? this.#shown.native : undefined;
  }

  /** The window on its screen; undefined where it is closed. */
  get shown(): Shown | undefined {
    return this.#open ? this.#shown : undefined;
  }

  rename(title: string): void {
    if (!this.#open || this.title === title) return;
    this.title = title;
    this.#shown.setTitle(title);
  }

  present(picture: Picture): void {
    if (this.#draw(picture, ++this.#asked)) this.#desk.drawn();
  }

  presentLater(work: (present: (picture: Picture) => void) => Promise<void>): void {
    const number = ++this.#asked;
    const done = work((picture) => {
      if (this.#draw(picture, number)) this.#desk.drawnLate();
    });
    this.#desk.hold(done);
  }

  setSize(width: number, height: number): void {
    if (this.#open) this.#shown.resize(width, height);
  }

  drawnBy(read: () => Promise<Picture>): void {
    this.#read = read;
  }

  onResize(listener: (width: number, height: number) => void): () => void {
    this.#resizes.add(listener);
    return () => void this.#resizes.delete(listener);
  }

  onExpose(listener: () => void): () => void {
    this.#exposes.add(listener);
    return () => void this.#exposes.delete(listener);
  }

  onClose(listener: () => void): () => void {
    this.#closes.add(listener);
    return () => void this.#closes.delete(listener);
  }

  /** Passes on what its screen says of its size. */
  resized(what: What & { tag: "resized" }): void {
    for (const listener of this.#resizes) listener(what.val.pixelWidth, what.val.pixelHeight);
  }

  /** Lets the person see what was presented since the last time. */
  show(): void {
    if (!this.#open || !this.#dirty) return;
    this.#dirty = false;
    this.#shown.show();
  }

  /** What is to be seen, as RGBA; black where nothing was presented. */
  async screenshot(): Promise<{ rgba: Uint8Array; width: number; height: number } | undefined> {
    if (!this.#open) return undefined;
    if (this.#read) {
      const canvas = { width: this.width, height: this.height };
      const pixels = new Int32Array(canvas.width * canvas.height);
      const own = { ...canvas, pixels, pitch: canvas.width, order: "rgba" } as const;
      draw(await this.#read(), own);
      return { rgba: readCanvas(own), ...canvas };
    }
    const canvas = this.#shown.canvas();
    return { rgba: readCanvas(canvas), width: canvas.width, height: canvas.height };
  }

  /** Whether it is in the window now, and not older than what was there. */
  #draw(picture: Picture, number: number): boolean {
    if (!this.#open || number < this.#drawn) return false;
    this.#drawn = number;
    draw(picture, this.#shown.canvas());
    this.#dirty = true;
    return true;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const listener of [...this.#closes]) listener();
    this.#closes.clear();
    this.#exposes.clear();
    this.#resizes.clear();
    this.#shown.close();
    this.#desk.closed(this);
  }
}
