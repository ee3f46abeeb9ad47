// What happens to windows, in the JS mapping of `loop:window/events`: shared by whoever shows windows and by
// whoever speaks of them in other words (the public graphics proposals). Types alone.

export interface Modifiers {
  readonly shift: boolean;
  readonly control: boolean;
  readonly alt: boolean;
  readonly meta: boolean;
  readonly capsLock: boolean;
  readonly numLock: boolean;
}

export interface Key {
  /** As the web's `KeyboardEvent.code`; "" where the place has no name. */
  readonly code: string;
  /** As the web's `KeyboardEvent.key`. */
  readonly key: string;
  readonly modifiers: Modifiers;
  readonly repeat: boolean;
}

export const buttons = ["left", "middle", "right", "back", "forward"] as const;
export type Button = (typeof buttons)[number];

/** In points, from the upper left corner of the window. */
export interface Pressed {
  readonly x: number;
  readonly y: number;
  readonly button: Button;
  readonly clicks: number;
}

export interface Moved {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
}

export interface Touch {
  readonly finger: number;
  readonly x: number;
  readonly y: number;
  /** From 0 to 1. */
  readonly pressure: number;
}

export interface Extent {
  /** In points. */
  readonly width: number;
  readonly height: number;
  readonly pixelWidth: number;
  readonly pixelHeight: number;
}

export const padButtons = [
  "south",
  "east",
  "west",
  "north",
  "back",
  "guide",
  "start",
  "left-stick",
  "right-stick",
  "left-shoulder",
  "right-shoulder",
  "up",
  "down",
  "left",
  "right",
  "other",
] as const;
export type PadButton = (typeof padButtons)[number];

export const padAxes = ["left-x", "left-y", "right-x", "right-y", "left-trigger", "right-trigger"] as const;
export type PadAxis = (typeof padAxes)[number];

export interface Pad {
  readonly pad: number;
  readonly name: string;
}

/** Payloads by tag; null for the tags that have none. */
export interface Payloads {
  readonly resized: Extent;
  readonly placed: { readonly x: number; readonly y: number };
  readonly focused: null;
  readonly unfocused: null;
  readonly shown: null;
  readonly hidden: null;
  readonly "close-asked": null;
  readonly closed: null;
  readonly "key-down": Key;
  readonly "key-up": Key;
  readonly "text-entered": string;
  readonly "text-composing": { readonly text: string; readonly start: number; readonly length: number };
  readonly "pointer-moved": Moved;
  readonly "pointer-down": Pressed;
  readonly "pointer-up": Pressed;
  readonly "pointer-entered": null;
  readonly "pointer-left": null;
  readonly "wheel-turned": { readonly x: number; readonly y: number };
  readonly "touch-down": Touch;
  readonly "touch-moved": Touch;
  readonly "touch-up": Touch;
  readonly "file-dropped": { readonly drop: number; readonly name: string };
  readonly "pad-connected": Pad;
  readonly "pad-disconnected": number;
  readonly "pad-down": { readonly pad: number; readonly button: PadButton };
  readonly "pad-up": { readonly pad: number; readonly button: PadButton };
  readonly "pad-axis-moved": { readonly pad: number; readonly axis: PadAxis; readonly value: number };
}

export type Tag = keyof Payloads;

/** `{ tag }` or `{ tag, val }`, as the mapping has variants. */
export type What = {
  [T in Tag]: Payloads[T] extends null ? { readonly tag: T } : { readonly tag: T; readonly val: Payloads[T] };
}[Tag];

export interface WindowEvent {
  /** The window's number; 0 where it happened to none. */
  readonly window: number;
  /** Seconds since the component began. */
  readonly time: number;
  readonly what: What;
}
