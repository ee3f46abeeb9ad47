// Windows through SDL 2. Owns the library's life, the routing of its events, displays, clipboard and pads; refuses
// to know guests; used by the desks of all instances of this process, since SDL is one for all of it.
import { CString, ptr } from "bun:ffi";
import { fault } from "../../../base/fault.ts";
import type { What } from "../../event.ts";
import type { Display, Listener, Screen, Shown, Size } from "../screen.ts";
import { centred, cText, init, type Sdl, windowFlags } from "./binding.ts";
import { EventReader } from "./events.ts";
import { displayMode } from "./layout.ts";
import { type Found, findSdl } from "./library.ts";
import { Pads } from "./pads.ts";
import { SdlWindow } from "./window.ts";

/** Drivers that show nothing to anybody. */
const blind = new Set(["offscreen", "dummy", "evdev"]);

/**
 * Drivers that give a window pixels of its own, which are quicker in software than a renderer behind it. The others
 * (Wayland, Cocoa) have nothing else than a renderer, and must not be told to do without.
 */
const withPixels = new Set(["x11", "windows", "offscreen", "dummy"]);

let only: SdlScreen | undefined;

/** The screen of this process, opened where nobody has yet. Faults: LK0731 no display, LK0732 no SDL. */
export const sdlScreen = (library: string | undefined): Screen => {
  refuseWithoutDisplay();
  only ??= new SdlScreen(findSdl(library));
  return only.lend();
};

/** Asked without any, SDL's parts complain on standard error, each in its way. */
const refuseWithoutDisplay = (): void => {
  const { DISPLAY, WAYLAND_DISPLAY, SDL_VIDEODRIVER } = process.env;
  if (process.platform === "linux" && !DISPLAY && !WAYLAND_DISPLAY && !SDL_VIDEODRIVER)
    throw noDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set");
};

interface Lent {
  readonly window: SdlWindow;
  readonly listener: Listener;
  readonly borrower: Borrowed;
}

/** One event loop and many borrowers: each of them lets go of it by its own `close`. */
class SdlScreen {
  readonly sdl: Sdl;
  readonly #reader: EventReader;
  readonly #windows = new Map<number, Lent>();
  readonly #borrowers = new Set<Borrowed>();
  readonly #pads: Pads;

  constructor({ sdl, where }: Found) {
    this.sdl = sdl;
    begin(sdl, where);
    this.#pads = new Pads(sdl);
    this.#reader = new EventReader({
      sdl,
      size: (id) => this.#windows.get(id)?.window.size ?? { width: 0, height: 0 },
      exposed: (id) => this.#windows.get(id)?.window.exposed(),
      resized: (id) => this.#windows.get(id)?.window.resized(),
      padAdded: (device) => this.#pads.added(device),
      padRemoved: (instance) => this.#pads.removed(instance),
      pad: (instance) => this.#pads.number(instance),
      // It is for whoever has the window, and for nobody else in this process.
      fileDropped: (path, id) => this.#windows.get(id)?.borrower.onFile?.(path),
    });
  }

  lend(): Screen {
    const borrowed = new Borrowed(this);
    this.#borrowers.add(borrowed);
    return borrowed;
  }

  open(title: string, { width, height }: Size, listener: Listener, borrower: Borrowed): SdlWindow {
    const flags = windowFlags.shown | windowFlags.highDpi;
    const handle = this.sdl.SDL_CreateWindow(cText(title), centred, centred, width, height, flags);
    if (!handle) throw new Error(`${this.sdl.SDL_GetError()}`);
    const id = this.sdl.SDL_GetWindowID(handle);
    const window = new SdlWindow(this.sdl, handle, () => this.#windows.delete(id));
    this.#windows.set(id, { window, listener, borrower });
    return window;
  }

  poll(): void {
    const { bytes } = this.#reader;
    while (this.sdl.SDL_PollEvent(bytes)) {
      const decoded = this.#reader.read();
      if (!decoded) continue;
      if (decoded.windowId !== 0) this.#windows.get(decoded.windowId)?.listener(decoded.what);
      else for (const { padListener } of this.#borrowers) padListener?.(decoded.what);
    }
  }

  watchPads(): void {
    this.#pads.begin();
  }

  /** SDL 2 tells no display's scale: it is that of a window on it. */
  scales(): Map<number, number> {
    return new Map([...this.#windows.values()].map(({ window }) => [window.display, window.scale]));
  }

  /** The last one puts everything back as it was. */
  giveBack(borrowed: Borrowed): void {
    if (!this.#borrowers.delete(borrowed) || this.#borrowers.size > 0) return;
    this.#pads.end();
    this.sdl.SDL_Quit();
    only = undefined;
  }
}

class Borrowed implements Screen {
  onFile: ((path: string) => What | undefined) | undefined;
  padListener: Listener | undefined;
  readonly #screen: SdlScreen;

  constructor(screen: SdlScreen) {
    this.#screen = screen;
  }

  open(title: string, size: Size, listener: Listener): Shown {
    return this.#screen.open(title, size, listener, this);
  }

  poll(): void {
    this.#screen.poll();
  }

  watchPads(listener: Listener): void {
    this.padListener = listener;
    this.#screen.watchPads();
  }

  displays(): Display[] {
    const { sdl } = this.#screen;
    const scales = this.#screen.scales();
    const area = new Int32Array(new ArrayBuffer(16));
    return Array.from({ length: Math.max(0, sdl.SDL_GetNumVideoDisplays()) }, (_, index) => {
      sdl.SDL_GetDisplayBounds(index, area);
      const [x = 0, y = 0, width = 0, height = 0] = area;
      const name = `${sdl.SDL_GetDisplayName(index) ?? ""}`;
      return { name, x, y, width, height, scale: scales.get(index) ?? 1, rate: displayRate(sdl, index) };
    });
  }

  readClipboard(): string | undefined {
    const { sdl } = this.#screen;
    if (!sdl.SDL_HasClipboardText()) return undefined;
    const pointer = sdl.SDL_GetClipboardText();
    if (!pointer) return undefined;
    const text = new CString(pointer).toString();
    sdl.SDL_free(pointer);
    return text;
  }

  writeClipboard(text: string): void {
    if (this.#screen.sdl.SDL_SetClipboardText(cText(text)) !== 0)
      throw new Error(`${this.#screen.sdl.SDL_GetError()}`);
  }

  close(): void {
    this.#screen.giveBack(this);
  }
}

const displayRate = (sdl: Sdl, index: number): number => {
  const mode = new DataView(new ArrayBuffer(displayMode.bytes));
  const answered = sdl.SDL_GetCurrentDisplayMode(index, ptr(mode)) === 0;
  return answered ? mode.getInt32(displayMode.refresh_rate, true) : 0;
};

const begin = (sdl: Sdl, where: string): void => {
  const hint = (name: string, value: string) => sdl.SDL_SetHint(cText(name), cText(value));
  sdl.SDL_SetMainReady();
  // Ctrl-C is the system's own.
  hint("SDL_NO_SIGNAL_HANDLERS", "1");
  hint("SDL_QUIT_ON_LAST_WINDOW_CLOSE", "0");
  hint("SDL_IME_SUPPORT_EXTENDED_TEXT", "1");
  hint("SDL_VIDEO_ALLOW_SCREENSAVER", "1");
  hint("SDL_VIDEO_MINIMIZE_ON_FOCUS_LOSS", "0");
  // Without a folder for its sockets Wayland has nothing to answer, and says so on standard error.
  const { DISPLAY, WAYLAND_DISPLAY, XDG_RUNTIME_DIR, SDL_VIDEODRIVER } = process.env;
  if (process.platform === "linux" && DISPLAY && !WAYLAND_DISPLAY && !XDG_RUNTIME_DIR && !SDL_VIDEODRIVER)
    hint("SDL_VIDEODRIVER", "x11");
  const failed = sdl.SDL_InitSubSystem(init.video) !== 0;
  const driver = failed ? undefined : `${sdl.SDL_GetCurrentVideoDriver() ?? ""}`;
  // With no display SDL takes one that shows nothing, and says nothing about it.
  const seen = driver !== undefined && (!blind.has(driver) || process.env.SDL_VIDEODRIVER === driver);
  // Asked before the first picture.
  if (seen && withPixels.has(driver)) hint("SDL_FRAMEBUFFER_ACCELERATION", "0");
  if (seen) return;
  const why =
    displaysNamed() ?? (failed ? `SDL said: ${sdl.SDL_GetError()}` : "this system has none for SDL");
  sdl.SDL_Quit();
  throw noDisplay(why, `${where}, driver ${driver ?? "none"}`);
};

const noDisplay = (why: string, where?: string) =>
  fault("LK0731", `A window needs a display, and none was found: ${why}`, {
    hint: "loop run --headless --screenshot 60:picture.png, or set DISPLAY; over ssh, ssh -X",
    ...(where && { cause: new Error(`SDL ${where}`) }),
  });

const displaysNamed = (): string | undefined => {
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  const named = [
    ...(DISPLAY ? [`DISPLAY is ${DISPLAY}`] : []),
    ...(WAYLAND_DISPLAY ? [`WAYLAND_DISPLAY is ${WAYLAND_DISPLAY}`] : []),
  ];
  return named.length === 0 ? undefined : `${named.join(" and ")}, and nothing answers there`;
};
