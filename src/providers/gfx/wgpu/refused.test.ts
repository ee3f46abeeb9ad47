import { afterAll, beforeEach, expect, test } from "bun:test";
import { DeclaredError, Fault } from "../../../base/fault.ts";
import type { GpuDevice } from "../device.ts";
import { dawns, device, drawWith, usage } from "../fixture.ts";

// What a component should not do is refused in words, and ends no process: behind this binding nothing else would stop it.

const [[, addon], [, library]] = dawns as [(typeof dawns)[number], (typeof dawns)[number]];
let gpu: GpuDevice;
beforeEach(async () => {
  drawWith(library);
  gpu = await device();
});
afterAll(() => drawWith(undefined));

const buffer = (from: GpuDevice, ...names: string[]) =>
  from.createBuffer({ size: 64, usage: usage(...names) });
const texture = (from: GpuDevice, ...names: string[]) =>
  from.createTexture({ size: { width: 4, height: 4 }, format: "rgba8unorm", usage: usage(...names) });
const compute = (from: GpuDevice) =>
  from.createShaderModule({ code: "@compute @workgroup_size(1) fn main() {}" });
const attachment = (from: GpuDevice) => ({
  colorAttachments: [
    { view: texture(from, "renderAttachment").createView(), loadOp: "clear", storeOp: "store" },
  ],
});

/** Things of one device given to another. */
const mixed: Readonly<Record<string, (other: GpuDevice) => unknown>> = {
  "a buffer to copy": (other) =>
    gpu.createCommandEncoder().copyBufferToBuffer(buffer(other, "copySrc"), 0, buffer(gpu, "copyDst"), 0, 4),
  "a buffer to write": (other) => gpu.queue().writeBuffer(buffer(other, "copyDst"), 0, new Uint8Array(4)),
  "a texture to write": (other) =>
    gpu
      .queue()
      .writeTexture(
        { texture: texture(other, "copyDst") },
        new Uint8Array(64),
        { bytesPerRow: 16 },
        { width: 4 },
      ),
  "commands to submit": (other) => gpu.queue().submit([other.createCommandEncoder().finish()]),
  "a view to draw to": (other) => gpu.createCommandEncoder().beginRenderPass(attachment(other)),
  "a shader": (other) => gpu.createComputePipeline({ compute: { module: compute(other) } }),
  "a shader, later": (other) => gpu.createComputePipelineAsync({ compute: { module: compute(other) } }),
  "a layout": (other) =>
    gpu.createPipelineLayout({ bindGroupLayouts: [other.createBindGroupLayout({ entries: [] })] }),
};

test.each(Object.entries(mixed))("%s of a device of the other Dawn is refused", async (_, give) => {
  drawWith(addon);
  const other = await device();
  const refused = await Promise.resolve()
    .then(() => give(other))
    .catch((error: unknown) => error);
  expect(refused instanceof Fault || refused instanceof DeclaredError).toBe(true);
  expect((refused as Error).message).toContain("made by a device of another kind");
});

const encoder = () => gpu.createCommandEncoder();
const wrong: readonly (readonly [name: string, work: () => unknown, said: string])[] = [
  [
    "an encoder that is finished",
    () => {
      const done = encoder();
      done.finish();
      done.clearBuffer(buffer(gpu, "copyDst"));
    },
    "is already finished",
  ],
  [
    "a pass that is over",
    () => {
      const pass = encoder().beginRenderPass(attachment(gpu));
      pass.end();
      pass.draw(3);
      pass.end();
    },
    "was already ended",
  ],
  [
    "two passes at once",
    () => {
      const both = encoder();
      both.beginRenderPass(attachment(gpu));
      both.beginComputePass().dispatchWorkgroups(1);
      both.finish();
    },
    "is locked while",
  ],
  [
    "commands twice",
    () => {
      const commands = encoder().finish();
      gpu.queue().submit([commands, commands]);
    },
    "duplicates",
  ],
  [
    "a texture that is destroyed",
    () => {
      const gone = texture(gpu, "renderAttachment");
      const all = encoder();
      const view = gone.createView();
      all.beginRenderPass({ colorAttachments: [{ view, loadOp: "clear", storeOp: "store" }] }).end();
      gone.destroy();
      gpu.queue().submit([all.finish()]);
    },
    "Destroyed texture",
  ],
  [
    "memory that is destroyed while it is mapped",
    async () => {
      const gone = buffer(gpu, "mapRead", "copyDst");
      const mapped = gone.mapAsync("read");
      gone.destroy();
      await mapped;
    },
    "destroyed before mapping",
  ],
  [
    "a range that is not mapped",
    async () => {
      const part = buffer(gpu, "mapRead", "copyDst");
      await part.mapAsync("read", 8n, 8n);
      part.getMappedRange(0n, 64n);
    },
    "what is mapped, 8 to 16",
  ],
  [
    "a range beyond every number",
    () => buffer(gpu, "mapRead", "copyDst").mapAsync("read", 0n, 2n ** 63n),
    "must be a multiple of 4",
  ],
  [
    "numbers that are none",
    () => {
      const clearValue = { r: Number.NaN, g: Number.POSITIVE_INFINITY, b: 0, a: 1e308 };
      const all = encoder();
      const [first] = attachment(gpu).colorAttachments;
      const pass = all.beginRenderPass({ colorAttachments: [{ ...first, clearValue }] });
      pass.setViewport(Number.NaN, Number.POSITIVE_INFINITY, -1, 0, 2, -2);
      pass.draw(0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff);
      pass.end();
      all.finish();
    },
    "clearValue",
  ],
  [
    "a shader with a zero in it",
    () => gpu.createShaderModule({ code: "fn a() {}\0fn b() {}" }),
    "null character",
  ],
];

test.each(wrong)("%s", async (_, work, said) => {
  const refused = await Promise.resolve()
    .then(work)
    .catch((error: unknown) => error);
  expect(refused instanceof Fault || refused instanceof DeclaredError).toBe(true);
  expect((refused as Error).message).toContain(said);
});

test("after its device is destroyed nothing does anything, and nothing is followed to nowhere", async () => {
  const queue = gpu.queue();
  const before = buffer(gpu, "mapWrite", "copySrc");
  const waits = queue.onSubmittedWorkDone();
  gpu.destroy();
  gpu.destroy();
  await waits;
  texture(gpu, "copyDst").createView();
  gpu.createQuerySet({ type: "occlusion", count: 1 });
  gpu.createRenderBundleEncoder({ colorFormats: ["rgba8unorm"] }).finish();
  queue.writeBuffer(buffer(gpu, "copyDst"), 0, new Uint8Array(4));
  queue.submit([gpu.createCommandEncoder().finish()]);
  expect(before.mapState()).toBe("unmapped");
  await expect(before.mapAsync("write")).rejects.toBeInstanceOf(DeclaredError);
  Bun.gc(true);
  await Bun.sleep(20);
});
