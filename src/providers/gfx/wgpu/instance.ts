import type { Pointer } from "bun:ffi";
import * as answers from "./answers.ts";
import { Device, type DeviceNews, featuresOf, limitsOf } from "./device.ts";
import type { Wgpu } from "./functions.ts";
import * as layout from "./layout.ts";
import { during, lay, take } from "./memory.ts";
import { type Library, Native } from "./native.ts";
import { readText, Waits } from "./waits.ts";

// GPU and GPUAdapter. An instance lives as long as the process, like those of the other Dawn.

/** WGPUAdapterType: a processor that is no graphics processor. */
const software = 3;
/** WGPUStatus and the requests' statuses: it went well; there is none. */
const success = 1;
const unavailable = 3;

export class Instance {
  readonly #library: Library;

  constructor(wgpu: Wgpu) {
    const instance = wgpu.zwgpuCreateInstance(null) as Pointer | null;
    if (!instance) throw new Error("Dawn made no instance");
    this.#library = { wgpu, instance, waits: new Waits(wgpu, instance) };
  }

  requestAdapter(options: GPURequestAdapterOptions = {}): Promise<Adapter | null> {
    const { wgpu, waits, instance } = this.#library;
    return waits.ask(
      waits.onMade,
      (info) => wgpu.zwgpuInstanceRequestAdapter(instance, lay(layout.adapterOptions, options), info),
      ({ status, message, pointer }) => {
        if (status === success) return new Adapter(this.#library, pointer);
        if (status === unavailable) return null;
        throw new Error(message);
      },
    );
  }
}

class Adapter extends Native {
  readonly info: Omit<GPUAdapterInfo, "__brand" | "subgroupMinSize" | "subgroupMaxSize">;
  readonly features: ReadonlySet<string>;
  readonly limits: Readonly<Record<string, number>>;
  readonly #library: Library;

  constructor(library: Library, pointer: Pointer) {
    super(pointer, library.wgpu.zwgpuAdapterRelease, "");
    const { wgpu } = library;
    this.#library = library;
    this.info = infoOf(wgpu, pointer);
    this.features = featuresOf((number) => wgpu.wgpuAdapterHasFeature(pointer, number) !== 0);
    this.limits = limitsOf((into) => wgpu.zwgpuAdapterGetLimits(pointer, into));
  }

  /** Rejects what is no limit, or more than the adapter has. */
  async requestDevice(descriptor: GPUDeviceDescriptor = {}): Promise<Device> {
    const { wgpu, waits } = this.#library;
    const { label, requiredFeatures, requiredLimits } = descriptor;
    for (const name of Object.keys(requiredLimits ?? {}))
      if (!(name in this.limits)) throw new Error(`"${name}" is no limit`);
    const news: DeviceNews = { error: undefined, lost: undefined };
    const { id, stop } = waits.listen((kind, code, message) => {
      if (kind === "error") news.error?.(code, message);
      else {
        stop();
        news.lost?.(code, message);
      }
    });
    const described = {
      label,
      requiredFeatures: [...(requiredFeatures ?? [])],
      requiredLimits,
      deviceLost: { callback: waits.onLost, id },
      uncapturedError: { callback: waits.onError, id },
    };
    return waits.ask(
      waits.onMade,
      (info) => wgpu.zwgpuAdapterRequestDevice(this.pointer, lay(layout.deviceDescriptor, described), info),
      ({ status, message, pointer }) => {
        if (status === success) return new Device(this.#library, pointer, this, news, label);
        stop();
        throw new Error(message);
      },
    );
  }
}

const infoOf = (wgpu: Wgpu, adapter: Pointer) =>
  during(() => {
    const { view, at, pointer } = take(answers.adapterInfo.bytes);
    wgpu.zwgpuAdapterGetInfo(adapter, pointer);
    const text = (name: string) => {
      const place = at + answers.adapterInfo.offset(name);
      return readText(Number(view.getBigUint64(place, true)) as Pointer, view.getBigUint64(place + 8, true));
    };
    const info = {
      vendor: text("vendor"),
      architecture: text("architecture"),
      device: text("device"),
      description: text("description"),
      isFallbackAdapter: view.getUint32(at + answers.adapterInfo.offset("adapterType"), true) === software,
    };
    wgpu.zwgpuAdapterInfoFreeMembers(pointer);
    return info;
  });
