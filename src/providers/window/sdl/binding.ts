import { dlopen, type FFIFunction, FFIType } from "bun:ffi";

// The functions of SDL 2 that loop calls, with C's types. Thin: no state, no checks. Source: SDL 2.26's headers; every
// function here is in 2.0.5 already.

const ptr = FFIType.ptr;
const i32 = FFIType.i32;
const u32 = FFIType.u32;
const bool = FFIType.bool;
const cstring = FFIType.cstring;

const functions = {
  SDL_GetVersion: { args: [ptr], returns: FFIType.void },
  SDL_SetMainReady: { args: [], returns: FFIType.void },
  SDL_SetHint: { args: [ptr, ptr], returns: bool },
  SDL_InitSubSystem: { args: [u32], returns: i32 },
  SDL_QuitSubSystem: { args: [u32], returns: FFIType.void },
  SDL_Quit: { args: [], returns: FFIType.void },
  SDL_GetError: { args: [], returns: cstring },
  SDL_GetCurrentVideoDriver: { args: [], returns: cstring },
  SDL_free: { args: [ptr], returns: FFIType.void },

  SDL_CreateWindow: { args: [ptr, i32, i32, i32, i32, u32], returns: ptr },
  SDL_DestroyWindow: { args: [ptr], returns: FFIType.void },
  SDL_GetWindowID: { args: [ptr], returns: u32 },
  SDL_GetWindowFlags: { args: [ptr], returns: u32 },
  SDL_SetWindowTitle: { args: [ptr, ptr], returns: FFIType.void },
  SDL_GetWindowSize: { args: [ptr, ptr, ptr], returns: FFIType.void },
  SDL_SetWindowSize: { args: [ptr, i32, i32], returns: FFIType.void },
  SDL_GL_GetDrawableSize: { args: [ptr, ptr, ptr], returns: FFIType.void },
  SDL_GetWindowPosition: { args: [ptr, ptr, ptr], returns: FFIType.void },
  SDL_SetWindowPosition: { args: [ptr, i32, i32], returns: FFIType.void },
  SDL_SetWindowResizable: { args: [ptr, i32], returns: FFIType.void },
  SDL_SetWindowFullscreen: { args: [ptr, u32], returns: i32 },
  SDL_MinimizeWindow: { args: [ptr], returns: FFIType.void },
  SDL_RestoreWindow: { args: [ptr], returns: FFIType.void },
  SDL_RaiseWindow: { args: [ptr], returns: FFIType.void },
  SDL_SetWindowIcon: { args: [ptr, ptr], returns: FFIType.void },
  SDL_SetWindowGrab: { args: [ptr, i32], returns: FFIType.void },
  SDL_GetWindowWMInfo: { args: [ptr, ptr], returns: bool },
  SDL_GetWindowSurface: { args: [ptr], returns: ptr },
  SDL_UpdateWindowSurface: { args: [ptr], returns: i32 },
  SDL_CreateRGBSurfaceFrom: { args: [ptr, i32, i32, i32, i32, u32, u32, u32, u32], returns: ptr },
  SDL_UpperBlit: { args: [ptr, ptr, ptr, ptr], returns: i32 },
  SDL_FreeSurface: { args: [ptr], returns: FFIType.void },

  SDL_PollEvent: { args: [ptr], returns: i32 },
  SDL_StartTextInput: { args: [], returns: FFIType.void },
  SDL_StopTextInput: { args: [], returns: FFIType.void },
  SDL_SetTextInputRect: { args: [ptr], returns: FFIType.void },
  SDL_CreateSystemCursor: { args: [i32], returns: ptr },
  SDL_SetCursor: { args: [ptr], returns: FFIType.void },
  SDL_FreeCursor: { args: [ptr], returns: FFIType.void },
  SDL_ShowCursor: { args: [i32], returns: i32 },
  SDL_SetRelativeMouseMode: { args: [i32], returns: i32 },

  SDL_GetNumVideoDisplays: { args: [], returns: i32 },
  SDL_GetDisplayName: { args: [i32], returns: cstring },
  SDL_GetDisplayBounds: { args: [i32, ptr], returns: i32 },
  SDL_GetCurrentDisplayMode: { args: [i32, ptr], returns: i32 },
  SDL_GetWindowDisplayIndex: { args: [ptr], returns: i32 },

  SDL_HasClipboardText: { args: [], returns: bool },
  SDL_GetClipboardText: { args: [], returns: ptr },
  SDL_SetClipboardText: { args: [ptr], returns: i32 },

  SDL_IsGameController: { args: [i32], returns: bool },
  SDL_GameControllerOpen: { args: [i32], returns: ptr },
  SDL_GameControllerClose: { args: [ptr], returns: FFIType.void },
  SDL_GameControllerName: { args: [ptr], returns: cstring },
  SDL_GameControllerGetJoystick: { args: [ptr], returns: ptr },
  SDL_JoystickInstanceID: { args: [ptr], returns: i32 },
} as const satisfies Record<string, FFIFunction>;

type Symbols = ReturnType<typeof dlopen<typeof functions>>["symbols"];

/** SDL's functions by their C names. No pointer of a process is beyond what a number holds, so none is a bigint. */
export type Sdl = {
  readonly [N in keyof Symbols]: (...args: Parameters<Symbols[N]>) => Exclude<ReturnType<Symbols[N]>, bigint>;
};

/** Loads a library by path or name; its loader's own words where it cannot. */
export const tryLibrary = (path: string): Sdl | string => {
  try {
    return dlopen(path, functions).symbols as Sdl;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

/** "2.26.5". */
export const versionOf = (sdl: Sdl): string => {
  const version = new Uint8Array(new ArrayBuffer(4));
  sdl.SDL_GetVersion(version);
  return version.subarray(0, 3).join(".");
};

/** A text as C has it. */
export const cText = (text: string): Buffer => Buffer.from(`${text}\0`);

export const init = { video: 0x20, gamecontroller: 0x2000 } as const;

export const windowFlags = {
  fullscreen: 0x1,
  shown: 0x4,
  resizable: 0x20,
  inputFocus: 0x200,
  fullscreenDesktop: 0x1001,
  highDpi: 0x2000,
} as const;

export const centred = 0x2fff0000;

/** `SDL_SystemCursor` by our names. */
export const systemCursors = {
  arrow: 0,
  text: 1,
  wait: 2,
  crosshair: 3,
  progress: 4,
  "resize-diagonal-down": 5,
  "resize-diagonal-up": 6,
  "resize-horizontal": 7,
  "resize-vertical": 8,
  move: 9,
  "not-allowed": 10,
  hand: 11,
} as const;
