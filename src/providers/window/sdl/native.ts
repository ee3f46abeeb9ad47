import type { Pointer } from "bun:ffi";
import type { NativeWindow } from "../../surface.ts";
import type { Sdl } from "./binding.ts";
import { wmInfo as field } from "./layout.ts";

/** `SDL_SYSWM_TYPE`. */
export const subsystem = { windows: 1, x11: 2, cocoa: 4, wayland: 6 } as const;

/** What the platform calls a window of SDL's; undefined where SDL does not tell, or nobody could use it. */
export const nativeWindow = (sdl: Sdl, window: Pointer): NativeWindow | undefined => {
  const info = new Uint8Array(new ArrayBuffer(field.bytes));
  const view = new DataView(info.buffer);
  sdl.SDL_GetVersion(info);
  if (!sdl.SDL_GetWindowWMInfo(window, info)) return undefined;
  const at = (offset: number) => Number(view.getBigUint64(offset, true));
  switch (view.getUint32(field.subsystem, true)) {
    case subsystem.x11:
      return { kind: "x11", display: at(field.first), window: at(field.second) };
    case subsystem.wayland:
      return { kind: "wayland", display: at(field.first), surface: at(field.second) };
    case subsystem.windows:
      return { kind: "win32", window: at(field.first), instance: at(field.third) };
    case subsystem.cocoa:
      return { kind: "cocoa", window: at(field.first) };
    default:
      return undefined;
  }
};
