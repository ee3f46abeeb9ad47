import { fault } from "../../../base/fault.ts";
import type { Event, InstanceContext } from "../../../host/provider.ts";
import type { AdapterWish } from "../adapter.ts";
import { isFallback, noAdapter } from "../adapter.ts";
import { preferredFormat } from "../canvas.ts";
import { plain } from "../descriptor.ts";
import { adapterInfo } from "../device.ts";
import { answering } from "../error.ts";
import { type Gpu, HeldAdapter, limitsOf } from "../gpu.ts";
import { keptOnGpu } from "../kept.ts";
import { limitNames } from "../names.ts";
import type { Classes } from "../session.ts";
import * as older from "./classes.ts";
import { answeringAs, operationError } from "./error.ts";
import * as info from "./info.ts";

// wasi:webgpu/webgpu@0.0.1: what begins it.

info.limitMethods(limitNames);

interface WireDeviceDescriptor {
  readonly requiredFeatures?: readonly string[] | undefined;
  readonly requiredLimits?: info.RecordOptionGpuSize64 | undefined;
  readonly label?: string | undefined;
}

/** Nobody gives one out: the proposal has canvases in its interface, and surfaces in their place. */
class GpuCanvasContext {
  configure(): void {}
  unconfigure(): void {}
  getConfiguration(): undefined {}
  getCurrentTexture(): never {
    throw fault("LK0743", "A canvas context was used, and this interface makes none");
  }
}

/** The interface for one instance. Errors that no scope takes are told on standard error, as a browser does. */
export const publicWebgpu = (
  context: InstanceContext,
  gpu: Gpu,
  pollable: (event: Event) => object,
  classes: typeof older = older,
) => {
  const say = (text: string) => void context.stdio.stderr.write(new TextEncoder().encode(text));
  let told = 0;
  const tell = ({ message }: { message: string }) => {
    // The same error comes with each frame.
    if (told++ < 8) say(`GPU error: ${message}\n`);
  };

  // Their methods are those of the public interface, which nobody here calls.
  const own = classes as unknown as Classes;

  class GpuAdapter extends HeldAdapter {
    constructor(native: GPUAdapter) {
      super(gpu, native);
    }
    features() {
      return new info.GpuSupportedFeatures(this.native.features);
    }
    limits() {
      return new info.GpuSupportedLimits(this.native.limits);
    }
    info() {
      return new info.GpuAdapterInfo(adapterInfo(this.native));
    }
    isFallbackAdapter() {
      return isFallback(this.native);
    }
    requestDevice({ requiredLimits, requiredFeatures, label }: WireDeviceDescriptor = {}) {
      return answeringAs(operationError, () =>
        answering(async () => {
          const wanted = (requiredLimits?.entries() ?? []).filter(
            (entry): entry is [string, bigint] => entry[1] !== undefined,
          );
          const descriptor = plain<GPUDeviceDescriptor>({ requiredFeatures, label });
          const session = await gpu.device(
            this.native,
            { ...descriptor, requiredLimits: limitsOf(wanted) },
            { classes: own, keep: true, tell },
          );
          return new Device(session, adapterInfo(this.native));
        }),
      );
    }
  }

  class Device extends classes.GpuDevice {
    onuncapturederrorSubscribe() {
      return pollable(this.uncaptured());
    }
  }

  class Gpu {
    /** None where there is none, as the interface has it; what was looked for is told. */
    async requestAdapter(wish: AdapterWish = {}): Promise<GpuAdapter | undefined> {
      const found = await gpu.look(wish);
      if (!("looked" in found)) return new GpuAdapter(found);
      const { message, hint } = noAdapter(found.looked);
      say(`${message}\n${hint ? `hint: ${hint}\n` : ""}`);
      return undefined;
    }
    getPreferredCanvasFormat() {
      return preferredFormat;
    }
    wgslLanguageFeatures() {
      return new info.WgslLanguageFeatures(new Set());
    }
  }

  return {
    webgpu: {
      ...info,
      ...classes,
      GpuDevice: Device,
      GpuAdapter,
      Gpu,
      GpuCanvasContext,
      getGpu: () => new Gpu(),
    },
    kept: keptOnGpu(context, gpu, {
      name: "wasi:webgpu/webgpu",
      classes: own,
      device: Device as unknown as Classes["GpuDevice"],
      keepErrors: true,
      tellError: tell,
    }),
  };
};
