import { CString, type Pointer } from "bun:ffi";
import { buttons, type Modifiers, type Pressed, padAxes, padButtons, type What } from "../../event.ts";
import type { Size } from "../screen.ts";
import type { Sdl } from "./binding.ts";
import { keyNames } from "./keys.ts";

// `SDL_Event`s, read from their bytes. Source: SDL_events.h of SDL 2.26, the layout of 64-bit machines.

/** Bytes of the union `SDL_Event`, rounded up. */
export const eventBytes = 64;

/** What an event was, and of which of SDL's windows; 0 for none of them. */
export interface Decoded {
  readonly windowId: number;
  readonly what: What;
}

/** What decoding asks of whoever knows the windows and pads. */
export interface Surroundings {
  readonly sdl: Sdl;
  size(windowId: number): Size;
  padAdded(device: number): What | undefined;
  padRemoved(instance: number): What | undefined;
  /** Our number of a pad by SDL's. */
  pad(instance: number): number | undefined;
  /** The window's surface has to be shown anew, or has another size. */
  exposed(windowId: number): void;
  resized(windowId: number): What | undefined;
  fileDropped(path: string): What | undefined;
}

const type = {
  window: 0x200,
  keyDown: 0x300,
  keyUp: 0x301,
  textEditing: 0x302,
  textInput: 0x303,
  textEditingExt: 0x305,
  mouseMotion: 0x400,
  mouseDown: 0x401,
  mouseUp: 0x402,
  mouseWheel: 0x403,
  padAxis: 0x650,
  padDown: 0x651,
  padUp: 0x652,
  padAdded: 0x653,
  padRemoved: 0x654,
  fingerDown: 0x700,
  fingerUp: 0x701,
  fingerMotion: 0x702,
  dropFile: 0x1000,
  dropText: 0x1001,
} as const;

/** The window's own events, by their number in `SDL_WindowEvent.event`. */
const windowEvents: Readonly<Record<number, What>> = {
  1: { tag: "shown" },
  2: { tag: "hidden" },
  7: { tag: "hidden" },
  9: { tag: "shown" },
  10: { tag: "pointer-entered" },
  11: { tag: "pointer-left" },
  12: { tag: "focused" },
  13: { tag: "unfocused" },
  14: { tag: "close-asked" },
};
const exposedEvent = 3;
const movedEvent = 4;
const sizeChangedEvent = 6;

export class EventReader {
  readonly bytes = new Uint8Array(new ArrayBuffer(eventBytes));
  readonly #view = new DataView(this.bytes.buffer);
  readonly #around: Surroundings;
  readonly #fingers = new Map<bigint, number>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** What `bytes` say; undefined for what no guest hears of. */
  read(): Decoded | undefined {
    const view = this.#view;
    const kind = view.getUint32(0, true);
    const windowId = view.getUint32(8, true);
    switch (kind) {
      case type.window:
        return this.#window(windowId);
      case type.keyDown:
      case type.keyUp:
        return { windowId, what: this.#key(kind === type.keyDown ? "key-down" : "key-up") };
      case type.textInput:
        return { windowId, what: { tag: "text-entered", val: this.#text(12, 32) } };
      case type.textEditing:
        return { windowId, what: this.#composing(this.#text(12, 32), 44) };
      case type.textEditingExt:
        return { windowId, what: this.#composing(this.#takeText(16), 24) };
      case type.mouseMotion:
        return { windowId, what: this.#motion() };
      case type.mouseDown:
      case type.mouseUp:
        return this.#mouse(windowId, kind === type.mouseDown ? "pointer-down" : "pointer-up");
      case type.mouseWheel:
        return { windowId, what: this.#wheel() };
      case type.fingerDown:
      case type.fingerUp:
      case type.fingerMotion:
        return this.#touch(kind);
      case type.dropFile:
        return this.#drop();
      case type.dropText:
        return { windowId: view.getUint32(16, true), what: { tag: "text-entered", val: this.#takeText(8) } };
      default:
        return this.#pads(kind, windowId);
    }
  }

  #window(windowId: number): Decoded | undefined {
    const view = this.#view;
    const what = view.getUint8(12);
    if (what === exposedEvent) this.#around.exposed(windowId);
    if (what === sizeChangedEvent) {
      const resized = this.#around.resized(windowId);
      return resized && { windowId, what: resized };
    }
    if (what === movedEvent)
      return {
        windowId,
        what: { tag: "placed", val: { x: view.getInt32(16, true), y: view.getInt32(20, true) } },
      };
    const known = windowEvents[what];
    return known && { windowId, what: known };
  }

  #key(tag: "key-down" | "key-up"): What {
    const view = this.#view;
    const names = keyNames(view.getInt32(16, true), view.getInt32(20, true));
    const val = {
      ...names,
      modifiers: modifiersOf(view.getUint16(24, true)),
      repeat: view.getUint8(13) !== 0,
    };
    return { tag, val };
  }

  #composing(text: string, at: number): What {
    const start = Math.max(0, this.#view.getInt32(at, true));
    const length = Math.max(0, this.#view.getInt32(at + 4, true));
    return { tag: "text-composing", val: { text, start, length } };
  }

  #motion(): What {
    const view = this.#view;
    const at = (offset: number) => view.getInt32(offset, true);
    return { tag: "pointer-moved", val: { x: at(20), y: at(24), dx: at(28), dy: at(32) } };
  }

  #mouse(windowId: number, tag: "pointer-down" | "pointer-up"): Decoded | undefined {
    const view = this.#view;
    const button = mouseButtons[view.getUint8(16)];
    if (!button) return undefined;
    const val: Pressed = {
      x: view.getInt32(20, true),
      y: view.getInt32(24, true),
      button,
      clicks: view.getUint8(18),
    };
    return { windowId, what: { tag, val } };
  }

  #wheel(): What {
    const view = this.#view;
    // Turned over where the person's system scrolls "naturally": SDL says so and leaves the numbers.
    const sign = view.getUint32(24, true) === 1 ? -1 : 1;
    const precise = { x: view.getFloat32(28, true), y: view.getFloat32(32, true) };
    const whole = { x: view.getInt32(16, true), y: view.getInt32(20, true) };
    const { x, y } = precise.x === 0 && precise.y === 0 ? whole : precise;
    return { tag: "wheel-turned", val: { x: x * sign, y: y * sign } };
  }

  #touch(kind: number): Decoded {
    const view = this.#view;
    const id = view.getBigInt64(16, true);
    const windowId = view.getUint32(44, true);
    const { width, height } = this.#around.size(windowId);
    const finger = this.#finger(id);
    const val = {
      finger,
      x: view.getFloat32(24, true) * width,
      y: view.getFloat32(28, true) * height,
      pressure: view.getFloat32(40, true),
    };
    if (kind === type.fingerUp) this.#fingers.delete(id);
    const tag = kind === type.fingerDown ? "touch-down" : kind === type.fingerUp ? "touch-up" : "touch-moved";
    return { windowId, what: { tag, val } };
  }

  /** The least number that no finger has. */
  #finger(id: bigint): number {
    const known = this.#fingers.get(id);
    if (known !== undefined) return known;
    const taken = new Set(this.#fingers.values());
    let free = 0;
    while (taken.has(free)) free++;
    this.#fingers.set(id, free);
    return free;
  }

  #drop(): Decoded | undefined {
    const what = this.#around.fileDropped(this.#takeText(8));
    return what && { windowId: this.#view.getUint32(16, true), what };
  }

  #pads(kind: number, which: number): Decoded | undefined {
    const view = this.#view;
    const none = (what: What | undefined) => what && { windowId: 0, what };
    if (kind === type.padAdded) return none(this.#around.padAdded(which));
    if (kind === type.padRemoved) return none(this.#around.padRemoved(which));
    const pad = this.#around.pad(which);
    if (pad === undefined) return undefined;
    if (kind === type.padAxis) {
      const axis = padAxes[view.getUint8(12)];
      const value = Math.max(-1, view.getInt16(16, true) / 32_767);
      return axis && none({ tag: "pad-axis-moved", val: { pad, axis, value } });
    }
    if (kind !== type.padDown && kind !== type.padUp) return undefined;
    const button = padButtons[Math.min(view.getUint8(12), padButtons.length - 1)]!;
    return none({ tag: kind === type.padDown ? "pad-down" : "pad-up", val: { pad, button } });
  }

  #text(at: number, length: number): string {
    const bytes = this.bytes.subarray(at, at + length);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** A text that SDL made for us, which is ours to free. */
  #takeText(at: number): string {
    const pointer = Number(this.#view.getBigUint64(at, true)) as Pointer;
    if (!pointer) return "";
    const text = new CString(pointer).toString();
    this.#around.sdl.SDL_free(pointer);
    return text;
  }
}

/** SDL counts buttons from 1: left, middle, right, and two at the side. */
const mouseButtons = [undefined, ...buttons];

const modifiersOf = (bits: number): Modifiers => ({
  shift: (bits & 0x3) !== 0,
  control: (bits & 0xc0) !== 0,
  alt: (bits & 0x300) !== 0,
  meta: (bits & 0xc00) !== 0,
  numLock: (bits & 0x1000) !== 0,
  capsLock: (bits & 0x2000) !== 0,
});
