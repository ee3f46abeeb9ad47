import type { Pointer } from "bun:ffi";
import type { What } from "../../event.ts";
import { init, type Sdl } from "./binding.ts";

/** The gamepads of SDL, opened from when somebody asks for them: looking for devices costs time at every start. */
export class Pads {
  readonly #sdl: Sdl;
  readonly #open = new Map<number, { readonly handle: Pointer; readonly pad: number }>();
  #next = 1;
  #begun = false;

  constructor(sdl: Sdl) {
    this.#sdl = sdl;
  }

  /** Those that are there already come as events. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#sdl.SDL_InitSubSystem(init.gamecontroller);
  }

  end(): void {
    for (const { handle } of this.#open.values()) this.#sdl.SDL_GameControllerClose(handle);
    this.#open.clear();
  }

  added(device: number): What | undefined {
    const sdl = this.#sdl;
    if (!sdl.SDL_IsGameController(device)) return undefined;
    const handle = sdl.SDL_GameControllerOpen(device);
    if (!handle) return undefined;
    const instance = sdl.SDL_JoystickInstanceID(sdl.SDL_GameControllerGetJoystick(handle));
    const pad = this.#next++;
    this.#open.set(instance, { handle, pad });
    return { tag: "pad-connected", val: { pad, name: `${sdl.SDL_GameControllerName(handle) ?? ""}` } };
  }

  removed(instance: number): What | undefined {
    const known = this.#open.get(instance);
    if (!known) return undefined;
    this.#open.delete(instance);
    this.#sdl.SDL_GameControllerClose(known.handle);
    return { tag: "pad-disconnected", val: known.pad };
  }

  number(instance: number): number | undefined {
    return this.#open.get(instance)?.pad;
  }
}
