import type { Pointer } from "bun:ffi";
import { dlopen, read } from "bun:ffi";
import type { NativeWindow } from "../../surface.ts";
import * as answers from "./answers.ts";
import { presentModes, textureFormats } from "./enums.ts";
import * as layout from "./layout.ts";
import { during, lay, take } from "./memory.ts";
import type { Library, Made, Native } from "./native.ts";

// A window's surface: pictures that the display takes from the GPU, without a processor in between. Dawn ends the process
// where a surface that is not configured is asked for its texture: so it is configured with nothing but what it says it
// can, and `configure` says whether the device took it.

/** Bits of WGPUTextureUsage, WGPUStatus, WGPUCompositeAlphaMode. */
const copyDst = 2;
const success = 1;
const opaque = 1;

/** WGPUSurfaceGetCurrentTextureStatus: the texture is good, good but no more of the best, or not there in time. */
const statuses = ["lost", "good", "good", "late", "outdated", "lost"] as const;
export type SurfaceStatus = (typeof statuses)[number];

export interface SurfaceShape {
  readonly width: number;
  readonly height: number;
  readonly format: GPUTextureFormat;
}

/** A picture of the window's, until it is presented. */
export interface SurfaceTexture {
  readonly status: SurfaceStatus;
  /** To be copied to; undefined where it is not good. */
  readonly texture: { readonly pointer: Pointer } | undefined;
}

interface Offers {
  readonly usages: number;
  readonly formats: ReadonlySet<number>;
  readonly modes: ReadonlySet<number>;
  readonly alphas: ReadonlySet<number>;
}

export class WindowSurface {
  readonly #library: Library;
  readonly #device: Native;
  readonly #pointer: Pointer;
  readonly #offers: Offers;
  readonly #onClose: (surface: WindowSurface) => void;
  readonly #settle: () => void;
  #current: Pointer | undefined;
  #configured = false;
  #closed = false;

  private constructor(
    library: Library,
    device: Native,
    pointer: Pointer,
    offers: Offers,
    settle: () => void,
    onClose: (surface: WindowSurface) => void,
  ) {
    this.#library = library;
    this.#device = device;
    this.#pointer = pointer;
    this.#offers = offers;
    this.#settle = settle;
    this.#onClose = onClose;
  }

  /** Undefined where the window has none, or none that can be copied to and shown without waiting for the display. */
  static open(
    library: Library,
    adapter: Native,
    device: Native,
    window: NativeWindow,
    onClose: (surface: WindowSurface) => void,
  ): WindowSurface | undefined {
    // This Dawn is made for X alone.
    if (window.kind !== "x11") return undefined;
    const settle = settling(window);
    if (!settle) return undefined;
    const { wgpu, instance } = library;
    const surface = during((): Made => {
      const source = lay(layout.surfaceSource, {
        display: window.display,
        window: window.window,
      });
      return wgpu.zwgpuInstanceCreateSurface(
        instance,
        lay(layout.surfaceDescriptor, { nextInChain: source }),
      );
    });
    if (!surface) return undefined;
    const pointer = surface as Pointer;
    const offers = offersOf(library, pointer, adapter);
    if (
      offers &&
      modeOf(offers) !== undefined &&
      (offers.usages & copyDst) !== 0 &&
      offers.alphas.has(opaque)
    )
      return new WindowSurface(library, device, pointer, offers, settle, onClose);
    wgpu.zwgpuSurfaceRelease(pointer);
    return undefined;
  }

  takes(format: GPUTextureFormat): boolean {
    return this.#offers.formats.has(textureFormats.get(format) ?? 0);
  }

  /** The device says what is wrong with it before this returns; then `refused` is to be called. */
  configure({ width, height, format }: SurfaceShape): void {
    if (this.#closed) return;
    this.#settle();
    this.#configured = true;
    during(() =>
      this.#library.wgpu.zwgpuSurfaceConfigure(
        this.#pointer,
        lay(layout.surfaceConfiguration, {
          device: this.#device,
          format,
          usage: copyDst,
          width,
          height,
          alphaMode: opaque,
          presentMode: modeOf(this.#offers),
        }),
      ),
    );
  }

  refused(): void {
    this.#configured = false;
  }

  /** Only of one that is configured. What it gives is to be presented before the next is asked for. */
  next(): SurfaceTexture {
    if (this.#closed) return { status: "lost", texture: undefined };
    const { status, made } = during(() => {
      const { view, at, pointer } = take(answers.surfaceTexture.bytes);
      this.#library.wgpu.zwgpuSurfaceGetCurrentTexture(this.#pointer, pointer);
      return {
        status: view.getUint32(at + answers.surfaceTexture.offset("status"), true),
        made: Number(view.getBigUint64(at + answers.surfaceTexture.offset("texture"), true)) as Pointer,
      };
    });
    const known = statuses[status] ?? "lost";
    if (known === "good" && made) {
      this.#current = made;
      return { status: known, texture: { pointer: made } };
    }
    if (made) this.#library.wgpu.zwgpuTextureRelease(made);
    return { status: known === "good" ? "lost" : known, texture: undefined };
  }

  present(): void {
    if (this.#closed) return;
    this.#library.wgpu.zwgpuSurfacePresent(this.#pointer);
    this.#letGo();
    // Of a loss Dawn tells only when it is asked.
    this.#library.waits.process();
  }

  /** The window is free for others. Nothing of it does anything afterwards. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this);
    this.#letGo();
    this.#settle();
    if (this.#configured) this.#library.wgpu.zwgpuSurfaceUnconfigure(this.#pointer);
    this.#library.wgpu.zwgpuSurfaceRelease(this.#pointer);
  }

  #letGo(): void {
    if (this.#current) this.#library.wgpu.zwgpuTextureRelease(this.#current);
    this.#current = undefined;
  }
}

/**
 * Lets an X server take what was asked of it, before what it was asked with is taken away: a driver in software shares
 * memory with it, and the server answers a share that is gone with an error that ends the process. Undefined where that
 * cannot be done.
 */
const settling = ({ display }: NativeWindow & { kind: "x11" }): (() => void) | undefined => {
  try {
    const { symbols } = dlopen("libX11.so.6", { XSync: { args: ["ptr", "i32"], returns: "i32" } });
    return () => void symbols.XSync(display as Pointer, 0);
  } catch {
    return undefined;
  }
};

const modeOf = ({ modes }: Offers): number | undefined =>
  [presentModes.mailbox, presentModes.immediate].find((mode) => modes.has(mode));

const offersOf = ({ wgpu }: Library, surface: Pointer, adapter: Native): Offers | undefined =>
  during(() => {
    const { view, at, pointer } = take(answers.surfaceCapabilities.bytes);
    if (wgpu.wgpuSurfaceGetCapabilities(surface, adapter.pointer, pointer) !== success) return undefined;
    const number = (name: string) =>
      Number(view.getBigUint64(at + answers.surfaceCapabilities.offset(name), true));
    const set = (count: string, first: string) =>
      new Set(
        Array.from({ length: number(count) }, (_, index) => read.u32(number(first) as Pointer, index * 4)),
      );
    const offers = {
      usages: number("usages"),
      formats: set("formatCount", "formats"),
      modes: set("presentModeCount", "presentModes"),
      alphas: set("alphaModeCount", "alphaModes"),
    };
    wgpu.zwgpuSurfaceCapabilitiesFreeMembers(pointer);
    return offers;
  });
