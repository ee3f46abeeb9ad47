import { CString, type Pointer } from "bun:ffi";
import { buttons, type Modifiers, type Pressed, padAxes, padButtons, type What } from "../../event.ts";
import type { Size } from "../screen.ts";
import type { Sdl } from "./binding.ts";
import { keyNames } from "./keys.ts";
import { event as at, eventBytes } from "./layout.ts";

// `SDL_Event`s, read from their bytes. Source: SDL_events.h of SDL 2.26.

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
  fileDropped(path: string, windowId: number): What | undefined;
}

export const type = {
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
export const windowEvents: Readonly<Record<number, What>> = {
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
export const exposedEvent = 3;
export const movedEvent = 4;
export const sizeChangedEvent = 6;

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
    const windowId = view.getUint32(at.window.windowID, true);
    switch (kind) {
      case type.window:
        return this.#window(windowId);
      case type.keyDown:
      case type.keyUp:
        return { windowId, what: this.#key(kind === type.keyDown ? "key-down" : "key-up") };
      case type.textInput:
        return { windowId, what: { tag: "text-entered", val: this.#text(at.text) } };
      case type.textEditing:
        return { windowId, what: this.#composing(this.#text(at.editing), at.editing) };
      case type.textEditingExt:
        return { windowId, what: this.#composing(this.#takeText(at.editingExt.text), at.editingExt) };
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
        return {
          windowId: view.getUint32(at.drop.windowID, true),
          what: { tag: "text-entered", val: this.#takeText(at.drop.file) },
        };
      default:
        return this.#pads(kind, windowId);
    }
  }

  #window(windowId: number): Decoded | undefined {
    const view = this.#view;
    const what = view.getUint8(at.window.event);
    if (what === exposedEvent) this.#around.exposed(windowId);
    if (what === sizeChangedEvent) {
      const resized = this.#around.resized(windowId);
      return resized && { windowId, what: resized };
    }
    if (what === movedEvent)
      return {
        windowId,
        what: {
          tag: "placed",
          val: { x: view.getInt32(at.window.data1, true), y: view.getInt32(at.window.data2, true) },
        },
      };
    const known = windowEvents[what];
    return known && { windowId, what: known };
  }

  #key(tag: "key-down" | "key-up"): What {
    const view = this.#view;
    const names = keyNames(view.getInt32(at.key.scancode, true), view.getInt32(at.key.sym, true));
    const val = {
      ...names,
      modifiers: modifiersOf(view.getUint16(at.key.mod, true)),
      repeat: view.getUint8(at.key.repeat) !== 0,
    };
    return { tag, val };
  }

  #composing(text: string, fields: { readonly start: number; readonly length: number }): What {
    const start = Math.max(0, this.#view.getInt32(fields.start, true));
    const length = Math.max(0, this.#view.getInt32(fields.length, true));
    return { tag: "text-composing", val: { text, start, length } };
  }

  #motion(): What {
    const view = this.#view;
    const field = (name: keyof typeof at.motion) => view.getInt32(at.motion[name], true);
    const val = { x: field("x"), y: field("y"), dx: field("xrel"), dy: field("yrel") };
    return { tag: "pointer-moved", val };
  }

  #mouse(windowId: number, tag: "pointer-down" | "pointer-up"): Decoded | undefined {
    const view = this.#view;
    const button = mouseButtons[view.getUint8(at.button.button)];
    if (!button) return undefined;
    const val: Pressed = {
      x: view.getInt32(at.button.x, true),
      y: view.getInt32(at.button.y, true),
      button,
      clicks: view.getUint8(at.button.clicks),
    };
    return { windowId, what: { tag, val } };
  }

  #wheel(): What {
    const view = this.#view;
    // Turned over where the person's system scrolls "naturally": SDL says so and leaves the numbers.
    const sign = view.getUint32(at.wheel.direction, true) === 1 ? -1 : 1;
    const precise = {
      x: view.getFloat32(at.wheel.preciseX, true),
      y: view.getFloat32(at.wheel.preciseY, true),
    };
    const whole = { x: view.getInt32(at.wheel.x, true), y: view.getInt32(at.wheel.y, true) };
    const { x, y } = precise.x === 0 && precise.y === 0 ? whole : precise;
    return { tag: "wheel-turned", val: { x: x * sign, y: y * sign } };
  }

  #touch(kind: number): Decoded {
    const view = this.#view;
    const id = view.getBigInt64(at.finger.fingerId, true);
    const windowId = view.getUint32(at.finger.windowID, true);
    const { width, height } = this.#around.size(windowId);
    const finger = this.#finger(id);
    const val = {
      finger,
      x: view.getFloat32(at.finger.x, true) * width,
      y: view.getFloat32(at.finger.y, true) * height,
      pressure: view.getFloat32(at.finger.pressure, true),
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
    const windowId = this.#view.getUint32(at.drop.windowID, true);
    const what = this.#around.fileDropped(this.#takeText(at.drop.file), windowId);
    return what && { windowId, what };
  }

  #pads(kind: number, which: number): Decoded | undefined {
    const view = this.#view;
    const none = (what: What | undefined) => what && { windowId: 0, what };
    if (kind === type.padAdded) return none(this.#around.padAdded(which));
    if (kind === type.padRemoved) return none(this.#around.padRemoved(which));
    const pad = this.#around.pad(which);
    if (pad === undefined) return undefined;
    if (kind === type.padAxis) {
      const axis = padAxes[view.getUint8(at.axis.axis)];
      const value = Math.max(-1, view.getInt16(at.axis.value, true) / 32_767);
      return axis && none({ tag: "pad-axis-moved", val: { pad, axis, value } });
    }
    if (kind !== type.padDown && kind !== type.padUp) return undefined;
    const button = padButtons[Math.min(view.getUint8(at.padButton.button), padButtons.length - 1)]!;
    return none({ tag: kind === type.padDown ? "pad-down" : "pad-up", val: { pad, button } });
  }

  #text({ text, textBytes }: { readonly text: number; readonly textBytes: number }): string {
    const bytes = this.bytes.subarray(text, text + textBytes);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** A text that SDL made for us, which is ours to free. */
  #takeText(offset: number): string {
    const pointer = Number(this.#view.getBigUint64(offset, true)) as Pointer;
    if (!pointer) return "";
    const text = new CString(pointer).toString();
    this.#around.sdl.SDL_free(pointer);
    return text;
  }
}

/** SDL counts buttons from 1: left, middle, right, and two at the side. */
const mouseButtons = [undefined, ...buttons];

export const modifiersOf = (bits: number): Modifiers => ({
  shift: (bits & 0x3) !== 0,
  control: (bits & 0xc0) !== 0,
  alt: (bits & 0x300) !== 0,
  meta: (bits & 0xc00) !== 0,
  numLock: (bits & 0x1000) !== 0,
  capsLock: (bits & 0x2000) !== 0,
});
