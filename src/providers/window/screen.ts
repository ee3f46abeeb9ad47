import type { What } from "../event.ts";
import type { NativeWindow } from "../surface.ts";

// What shows windows: SDL, or nothing at all. Sizes in points unless a name says pixels.

/** 32 bits a pixel, rows from the top. */
export interface Canvas {
  readonly pixels: Int32Array;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels from one row to the next. */
  readonly pitch: number;
  /** The order of the bytes in memory; the fourth is of no importance. */
  readonly order: "rgba" | "bgra";
}

export const cursors = [
  "arrow",
  "text",
  "crosshair",
  "hand",
  "move",
  "wait",
  "progress",
  "not-allowed",
  "resize-horizontal",
  "resize-vertical",
  "resize-diagonal-down",
  "resize-diagonal-up",
] as const;
export type Cursor = (typeof cursors)[number];
export type PointerMode = "free" | "hidden" | "captured";

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** One window of a screen. Nothing of it is called after `close`. */
export interface Shown {
  readonly size: Size;
  readonly pixelSize: Size;
  readonly position: { readonly x: number; readonly y: number };
  readonly fullscreen: boolean;
  readonly focused: boolean;
  readonly native: NativeWindow | undefined;
  /** Called when the display has lost what was to be seen in it. */
  onExposed: (() => void) | undefined;
  setTitle(title: string): void;
  resize(width: number, height: number): void;
  place(x: number, y: number): void;
  setResizable(resizable: boolean): void;
  setFullscreen(fullscreen: boolean): void;
  minimise(): void;
  restore(): void;
  /** RGBA, four bytes a pixel. */
  setIcon(width: number, height: number, pixels: Uint8Array): void;
  setCursor(cursor: Cursor): void;
  setPointer(mode: PointerMode): void;
  setTextInput(enabled: boolean): void;
  setTextArea(area: Area): void;
  /** Where to draw now; its size is the window's in pixels. What was drawn before stays, unless it was resized. */
  canvas(): Canvas;
  /** Lets the person see the canvas. */
  show(): void;
  close(): void;
}

export interface Display extends Area {
  readonly name: string;
  readonly scale: number;
  /** Frames a second; 0 where it does not say. */
  readonly rate: number;
}

/** Told what happened to a window, or to none of them. */
export type Listener = (what: What) => void;

export interface Screen {
  /** A title, a size in points; the listener hears what happens to it. */
  open(title: string, size: Size, listener: Listener): Shown;
  displays(): Display[];
  /** Lets all listeners hear what has happened since. */
  poll(): void;
  /** Reads the pad events too, for `listener`; answers nothing, since those that are there are events. */
  watchPads(listener: Listener): void;
  readClipboard(): string | undefined;
  writeClipboard(text: string): void;
  /** A file that was dropped, by its path on this machine, becomes the event's number: set by whoever keeps files. */
  onFile: ((path: string) => What | undefined) | undefined;
  /** Every window of it is closed already. */
  close(): void;
}
