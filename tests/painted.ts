// Drawing into real windows as a component draws, through the provider that it draws through, for direct.ts and for
// benchmarks/presenters.ts.
import { join } from "node:path";
import type { InstanceContext } from "../src/host/provider.ts";
import type { GpuCanvasContext } from "../src/providers/gfx/canvas.ts";
import type { GpuDevice } from "../src/providers/gfx/device.ts";
import { gfxProvider } from "../src/providers/gfx/gfx.ts";
import type { GpuAdapter } from "../src/providers/gfx/gpu.ts";
import { tryLibrary } from "../src/providers/gfx/wgpu/library.ts";
import { type Surface, surfaceKey } from "../src/providers/surface.ts";
import { noGrants } from "../src/trust/grants.ts";

/** The library for windows, as its package brings it. */
export const library = join(import.meta.dir, "../node_modules/bun-webgpu-linux-x64/libwebgpu_wrapper.so");

/** One instance's GPU, with the library for windows or without. */
export const instance = async (into: "direct" | "read") => {
  const releases: (() => void)[] = [];
  const context = {
    component: { identifier: "test.wasm", digest: "sha256:00" },
    args: [],
    grants: noGrants,
    onDrop: (release: () => void) => void releases.push(release),
  } as unknown as InstanceContext;
  const windowDawn = async () => {
    const found = tryLibrary(library, "test");
    if (typeof found === "string") throw new Error(found);
    return found;
  };
  const services = { environment: { LOOP_GPU: "software" }, ...(into === "direct" && { windowDawn }) };
  const given = (await gfxProvider(services).instantiate(context)) as unknown as Readonly<
    Record<string, Record<string, never>>
  >;
  const webgpu = given["loop:gfx/webgpu@0.1.0"] as unknown as { requestAdapter(): Promise<GpuAdapter> };
  const { GpuCanvasContext: Context } = given["loop:gfx/surface@0.1.0"] as unknown as {
    GpuCanvasContext: new (window: object) => GpuCanvasContext;
  };
  const adapter = await webgpu.requestAdapter();
  return {
    device: () => adapter.requestDevice(),
    context: (pane: Surface) => new Context({ [surfaceKey]: pane }),
    drop: () => {
      for (const release of releases.splice(0).reverse()) release();
    },
  };
};

/** A picture of one colour in it, and shows it. */
export const paint = async (gpu: GpuDevice, context: GpuCanvasContext, [r, g, b]: readonly number[]) => {
  const texture = context.getCurrentTexture();
  const view = texture.createView();
  const encoder = gpu.createCommandEncoder();
  const clearValue = { r: r! / 255, g: g! / 255, b: b! / 255, a: 1 };
  const pass = encoder.beginRenderPass({
    colorAttachments: [{ view, loadOp: "clear", storeOp: "store", clearValue }],
  });
  pass.end();
  const commands = encoder.finish();
  const queue = gpu.queue();
  queue.submit([commands]);
  await context.present();
  for (const one of [commands, pass, encoder, view, texture, queue]) one[Symbol.dispose]();
};
