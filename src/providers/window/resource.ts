import { declared } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { surfaceKey } from "../surface.ts";
import { checkTitle } from "./bounds.ts";
import type { Pane } from "./pane.ts";
import type { Cursor, PointerMode, Shown, Size } from "./screen.ts";
import type { WindowHand } from "./users.ts";

/** `loop:window/windows.window` for one instance. What it is told after it was closed, it does not hear. */
export const windowClass = (hand: WindowHand) =>
  class Window {
    readonly #pane: Pane;

    constructor(pane: Pane) {
      this.#pane = pane;
    }

    static open(title: string, width: number, height: number): Window {
      return new Window(hand.open(title, width, height));
    }

    /** What it offers to whoever shows something in it. */
    get [surfaceKey](): Pane {
      return this.#pane;
    }

    id(): number {
      return this.#pane.id;
    }

    isOpen(): boolean {
      return this.#pane.isOpen;
    }

    close(): void {
      hand.close(this.#pane);
    }

    [Symbol.dispose](): void {
      hand.close(this.#pane);
    }

    title(): string {
      return hand.titleOf(this.#pane);
    }

    setTitle(title: string): void {
      checkTitle(title);
      open(this.#pane);
      hand.rename(this.#pane, title);
    }

    size(): Size {
      return this.#pane.shown?.size ?? nothing;
    }

    setSize(width: number, height: number): void {
      hand.admit(width, height, this.#pane);
      open(this.#pane);
      this.#change((shown) => shown.resize(width, height));
    }

    pixelSize(): Size {
      return this.#pane.shown?.pixelSize ?? nothing;
    }

    scale(): number {
      return this.#pane.scale;
    }

    position(): { x: number; y: number } {
      return this.#pane.shown?.position ?? { x: 0, y: 0 };
    }

    setPosition(x: number, y: number): void {
      this.#change((shown) => shown.place(x, y));
    }

    setResizable(resizable: boolean): void {
      this.#change((shown) => shown.setResizable(resizable));
    }

    setFullscreen(fullscreen: boolean): void {
      this.#change((shown) => shown.setFullscreen(fullscreen));
    }

    isFullscreen(): boolean {
      return this.#pane.shown?.fullscreen ?? false;
    }

    minimise(): void {
      this.#change((shown) => shown.minimise());
    }

    restore(): void {
      this.#change((shown) => shown.restore());
    }

    hasFocus(): boolean {
      return this.#pane.shown?.focused ?? false;
    }

    setIcon(width: number, height: number, pixels: Uint8Array): void {
      const max = limits.windowIconMax;
      if (width > max || height > max)
        throw declared({
          tag: "too-large",
          val: `An icon of ${width} x ${height}; the limit is ${max} x ${max}`,
        });
      if (width === 0 || height === 0 || pixels.length !== width * height * 4)
        throw declared({
          tag: "invalid",
          val: `An icon of ${width} x ${height} has ${width * height * 4} bytes; ${pixels.length} were given`,
        });
      open(this.#pane);
      this.#change((shown) => shown.setIcon(width, height, pixels));
    }

    setCursor(cursor: Cursor): void {
      this.#change((shown) => shown.setCursor(cursor));
    }

    setPointer(pointer: PointerMode): void {
      this.#change((shown) => shown.setPointer(pointer));
    }

    setTextInput(enabled: boolean): void {
      this.#change((shown) => shown.setTextInput(enabled));
    }

    setTextArea(x: number, y: number, width: number, height: number): void {
      this.#change((shown) => shown.setTextArea({ x, y, width, height }));
    }

    setClosesItself(closes: boolean): void {
      hand.change(() => {
        this.#pane.closesItself = closes;
      });
    }

    #change(work: (shown: Shown) => void): void {
      hand.change(() => {
        const { shown } = this.#pane;
        if (shown) work(shown);
      });
    }
  };

const nothing: Size = { width: 0, height: 0 };

const open = ({ shown }: Pane) => {
  if (!shown) throw declared({ tag: "closed" });
  return shown;
};
