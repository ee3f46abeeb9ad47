// Where SDL has the fields that loop reads and writes, in bytes, under their names in C; on 64-bit machines. Sources:
// SDL_events.h, SDL_surface.h, SDL_pixels.h, SDL_video.h and SDL_syswm.h of SDL 2.26. `layout.test.ts` holds each to what a C
// compiler says of these headers.

export const event = {
  window: { windowID: 8, event: 12, data1: 16, data2: 20 },
  key: { windowID: 8, repeat: 13, scancode: 16, sym: 20, mod: 24 },
  text: { windowID: 8, text: 12, textBytes: 32 },
  editing: { windowID: 8, text: 12, textBytes: 32, start: 44, length: 48 },
  editingExt: { windowID: 8, text: 16, start: 24, length: 28 },
  motion: { windowID: 8, x: 20, y: 24, xrel: 28, yrel: 32 },
  button: { windowID: 8, button: 16, clicks: 18, x: 20, y: 24 },
  wheel: { windowID: 8, x: 16, y: 20, direction: 24, preciseX: 28, preciseY: 32 },
  finger: { fingerId: 16, x: 24, y: 28, pressure: 40, windowID: 44 },
  drop: { file: 8, windowID: 16 },
  axis: { which: 8, axis: 12, value: 16 },
  padButton: { which: 8, button: 12 },
  device: { which: 8 },
} as const;

export const surface = { format: 8, w: 16, h: 20, pitch: 24, pixels: 32 } as const;
export const pixelFormat = { BytesPerPixel: 17, Rmask: 20, Bmask: 28 } as const;
export const displayMode = { bytes: 24, refresh_rate: 12 } as const;

/** The union after `subsystem` has fields that are pointers or as wide as ones. */
export const wmInfo = { bytes: 72, version: 0, subsystem: 4, first: 8, second: 16, third: 24 } as const;

/** Bytes of the union `SDL_Event`, rounded up. */
export const eventBytes = 64;
