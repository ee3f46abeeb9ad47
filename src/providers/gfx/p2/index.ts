// The public graphics proposals of 2025 (wasi:webgpu, wasi:surface, wasi:graphics-context and wasi:frame-buffer, 0.0.1) as
// thin adapters over the state beside this folder and over the windows of the instance. Owns their words; refuses
// to hold anything of its own; called by gfx.ts alone.
import type { Event, InstanceContext } from "../../../host/provider.ts";
import type { Desk } from "../../surface.ts";
import type { Gpu } from "../gpu.ts";
import { AbstractBuffer, Context } from "./context.ts";
import { Buffer, Device } from "./framebuffer.ts";
import { surfaceClass } from "./surface.ts";
import { publicWebgpu } from "./webgpu.ts";

export const publicInterfaces = (
  context: InstanceContext,
  gpu: Gpu,
  pollable: (event: Event) => object,
  desk: () => Desk,
) => ({
  ...publicWebgpu(context, gpu, pollable),
  surface: { Surface: surfaceClass(desk, context.component.identifier, pollable), Context },
  context: { Context, AbstractBuffer },
  print: (text: string) => context.stdio.stdout.write(new TextEncoder().encode(`${text}\n`)),
  frames: { Device, Buffer, Context, AbstractBuffer },
});
