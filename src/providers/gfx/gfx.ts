// loop:gfx/webgpu: the graphics processor, through Dawn. Owns adapters, devices and what a component holds on them;
// refuses more memory or objects than the limits, and ends a component whose GPU errors nobody takes; a grant, never
// a default; listed in the app's table. Dawn itself (20 MB) is loaded when a component first asks for an adapter.

import type {
  Absence,
  Event,
  InstanceContext,
  InterfaceImplementation,
  Provider,
} from "../../host/provider.ts";
import type { Desk } from "../surface.ts";
import type { AdapterWish, AdapterWorld } from "./adapter.ts";
import type { GpuBounds } from "./gpu.ts";

/** What the composition root gives. */
export interface GfxServices {
  /** The host's own environment: LOOP_GPU chooses the adapter. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The windows of an instance, for components that open them by the public proposals; absent where nobody shows any. */
  readonly desk?: () => Promise<(context: InstanceContext) => Desk>;
  /** What one instance may hold, where it is not what the limits say. */
  readonly bounds?: GpuBounds;
  /** The Dawn that is asked first, in place of the one that draws into windows where somebody sees them. */
  readonly windowDawn?: AdapterWorld["windowDawn"];
}

const webgpuName = "loop:gfx/webgpu@0.1.0";
const surfaceName = "loop:gfx/surface@0.1.0";
const pollName = "loop:gfx/webgpu-poll@0.1.0";
const keptName = "loop:gfx/kept@0.1.0";

/** The public proposals of 2025, over the same state. */
const publicNames = {
  webgpu: "wasi:webgpu/webgpu@0.0.1",
  surface: "wasi:surface/surface@0.0.1",
  context: "wasi:graphics-context/graphics-context@0.0.1",
  frames: "wasi:frame-buffer/frame-buffer@0.0.1",
  /** Ours, for what lies there. */
  kept: "loop:kept-webgpu/gpu@0.0.1",
} as const;

/** What the proposals' own examples import to speak: a line on standard output. */
const printName = "print";

const suspendingIn = (name: string, functions: readonly string[]): string[] =>
  functions.map((one) => `${name}#${one}`);

/** Where Dawn is made for; known without loading it. A machine of these without a GPU may still have one in software. */
const dawnFor = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win32-arm64", "win32-x64"];

/** Why there is no Dawn on this machine; undefined where there is. */
export const dawnOn = (machine: string): Absence | undefined =>
  dawnFor.includes(machine)
    ? undefined
    : {
        because: `has no Dawn for ${machine}, only for ${dawnFor.join(", ")}`,
        help: "loop slot set provider:loop:gfx ./software.wasm",
      };

const dawnHere = () => dawnOn(`${process.platform}-${process.arch}`);

export const gfxProvider = (services: GfxServices): Provider => ({
  name: "gfx",
  interfaces: [webgpuName, surfaceName, pollName, keptName, ...Object.values(publicNames)],
  suspending: [
    printName,
    "loop:gfx/surface#[method]gpu-canvas-context.present",
    "wasi:graphics-context/graphics-context#[method]context.present",
    ...suspendingIn("wasi:webgpu/webgpu", [
      "[method]gpu.request-adapter",
      "[method]gpu-adapter.request-device",
      "[method]gpu-device.create-compute-pipeline-async",
      "[method]gpu-device.create-render-pipeline-async",
      "[method]gpu-device.pop-error-scope",
      "[method]gpu-device.lost",
      "[method]gpu-buffer.map-async",
      "[method]gpu-shader-module.get-compilation-info",
      "[method]gpu-queue.on-submitted-work-done",
    ]),
    ...suspendingIn("loop:gfx/webgpu", [
      "has-adapter",
      "request-adapter",
      "[method]gpu-adapter.request-device",
      "[method]gpu-device.create-compute-pipeline-async",
      "[method]gpu-device.create-render-pipeline-async",
      "[method]gpu-device.pop-error-scope",
      "[method]gpu-buffer.map-async",
      "[method]gpu-buffer.read",
      "[method]gpu-shader-module.get-compilation-info",
      "[method]gpu-queue.on-submitted-work-done",
    ]),
  ],
  functions: [printName],
  platforms: ["darwin", "linux", "win32"],
  probe: dawnHere,
  // Windows and pictures in them are everyone's; the GPU is not.
  defaultGranted: [
    "wasi:surface/surface",
    "wasi:graphics-context/graphics-context",
    "wasi:frame-buffer/frame-buffer",
  ],
  instantiate: (context) => instantiate(context, services),
});

const instantiate = async (context: InstanceContext, services: GfxServices) => {
  const { bounds, desk } = services;
  // Whoever imports nothing of it pays nothing for it.
  const { boundsOf, Gpu, GpuAdapter, noPollables, noWindows } = await import("./gpu.ts");
  const { worldOf } = await import("./world.ts");
  const classes = await import("./classes.ts");
  const { GpuCanvasContext, preferredFormat } = await import("./canvas.ts");
  const { keptOnGpu } = await import("./kept.ts");
  const gpu = new Gpu(worldOf(context, services), boundsOf(context, bounds));
  context.onDrop(() => gpu.drop());
  const pollable = (event: Event): object => {
    const make = context.shared?.pollable;
    if (!make) throw noPollables(context.component.identifier);
    return make(event);
  };
  const use = (action: string, target: string) => context.audit?.({ capability: "gpu", action, target });
  const { publicInterfaces } = await import("./p2/index.ts");
  const windows = await desk?.();
  const given = publicInterfaces(context, gpu, pollable, () => {
    if (windows) return windows(context);
    throw noWindows(context.component.identifier);
  });
  return {
    [printName]: given.print as unknown as InterfaceImplementation,
    [publicNames.webgpu]: given.webgpu,
    [publicNames.surface]: given.surface,
    [publicNames.context]: given.context,
    [publicNames.frames]: given.frames,
    [webgpuName]: {
      ...classes,
      GpuAdapter,
      hasAdapter: async () => !("looked" in (await gpu.look({}))),
      requestAdapter: async (wish: AdapterWish = {}) => {
        const adapter = await gpu.adapter(wish);
        use("open", adapter.info.description || adapter.info.device);
        return new GpuAdapter(gpu, adapter);
      },
    },
    [surfaceName]: {
      GpuDevice: classes.GpuDevice,
      GpuTexture: classes.GpuTexture,
      GpuCanvasContext,
      getPreferredCanvasFormat: () => preferredFormat,
    },
    [keptName]: keptOnGpu(context, gpu, { name: "loop:gfx/webgpu", classes, device: classes.GpuDevice }),
    [publicNames.kept]: given.kept,
    [pollName]: {
      GpuDevice: classes.GpuDevice,
      GpuQueue: classes.GpuQueue,
      subscribeLost: (device: InstanceType<typeof classes.GpuDevice>) =>
        pollable(device.session.event("lost")),
      subscribeUncapturedError: (device: InstanceType<typeof classes.GpuDevice>) =>
        pollable(device.session.event("error")),
      subscribeSubmittedWorkDone: (queue: InstanceType<typeof classes.GpuQueue>) => pollable(queue.done()),
    },
  };
};
