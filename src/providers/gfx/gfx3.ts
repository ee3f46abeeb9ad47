// The public graphics proposals of 2026: wasi:webgpu@0.3.0-rc.2, wasi-gfx:surface and wasi-gfx:frame-buffer at 0.2.0, of
// the asynchronous component model. Owns their listing; refuses what ours refuses; adapters over the same state
// (p3), beside gfx.ts so that nobody else waits for their code.
import type { InstanceContext, Provider } from "../../host/provider.ts";
import type { GfxServices } from "./gfx.ts";

const names = {
  webgpu: "wasi:webgpu/webgpu@0.3.0-rc.2",
  surface: "wasi-gfx:surface/surface@0.2.0",
  surfaceWebgpu: "wasi-gfx:surface/surface-webgpu@0.2.0",
  surfaceBuffer: "wasi-gfx:surface/surface-frame-buffer@0.2.0",
  buffer: "wasi-gfx:frame-buffer/frame-buffer@0.2.0",
  /** Ours, for what lies there. */
  kept: "loop:kept-webgpu/gpu@0.3.0-rc.2",
} as const;

export const gfx3Provider = (services: GfxServices): Provider => ({
  name: "gfx3",
  interfaces: Object.values(names),
  // What waits is asynchronous by its type.
  suspending: [],
  defaultGranted: [
    "wasi-gfx:surface/surface",
    "wasi-gfx:surface/surface-frame-buffer",
    "wasi-gfx:frame-buffer/frame-buffer",
  ],
  instantiate: (context) => instantiate(context, services),
});

const instantiate = async (context: InstanceContext, services: GfxServices) => {
  const { bounds, desk } = services;
  const { boundsOf, Gpu, noWindows } = await import("./gpu.ts");
  const { worldOf } = await import("./world.ts");
  const { publicWebgpu } = await import("./p2/webgpu.ts");
  const classes = await import("./p3/classes.ts");
  const { streamingSurface, GpuContext, Buffer, BufferContext } = await import("./p3/surface.ts");
  const gpu = new Gpu(worldOf(context, services), boundsOf(context, bounds));
  context.onDrop(() => gpu.drop());
  const windows = await desk?.();
  const Surface = streamingSurface(() => {
    if (windows) return windows(context);
    throw noWindows(context.component.identifier);
  }, context.component.identifier);
  const { webgpu, kept } = publicWebgpu(context, gpu, () => ({}), classes);
  return {
    [names.webgpu]: webgpu,
    [names.kept]: kept,
    [names.surface]: { Surface },
    [names.surfaceWebgpu]: {
      Surface,
      Context: GpuContext,
      GpuDevice: webgpu.GpuDevice,
      GpuTexture: classes.GpuTexture,
    },
    [names.surfaceBuffer]: { Surface, Context: BufferContext, Buffer },
    [names.buffer]: { Buffer },
  };
};
