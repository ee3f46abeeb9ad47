import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import { absenceOf } from "../../host/availability.ts";
import { findAdapter, isFallback, noAdapter, softwareDrivers } from "./adapter.ts";
import type * as classes from "./classes.ts";
import { dawns, declaredOf, device, drawWith, drops, faultOf, open, redPipeline, usage } from "./fixture.ts";
import { dawnOn, gfxProvider } from "./gfx.ts";

describe.each(dawns)("with %s", (_, dawn) => {
  beforeAll(() => drawWith(dawn));
  afterAll(() => drawWith(undefined));

  test("this machine has a driver in software, which these tests need", () => {
    expect(softwareDrivers().length).toBeGreaterThan(0);
  });

  test("an adapter in software says that it is one, and what it can", async () => {
    const { webgpu } = await open();
    expect(await webgpu.hasAdapter()).toBe(true);
    const adapter = await webgpu.requestAdapter();
    expect(adapter.info()).toMatchObject({ isFallbackAdapter: true });
    expect(adapter.limits()).toMatchObject({ maxTextureDimension2d: 8192, maxBufferSize: 1073741824n });
    expect(adapter.features()).toContain("depth-clip-control");
  });

  test("where there is no Dawn the capability is absent, by name, before a component starts", async () => {
    expect(dawnOn("linux-x64")).toBeUndefined();
    expect(dawnOn("linux-riscv64")?.because).toContain("linux-riscv64");
    const provider = gfxProvider({ environment: {} });
    expect(await absenceOf(provider, "freebsd")).toEqual({
      because: "is there on darwin and linux and win32 alone",
    });
    expect(await absenceOf(provider)).toBeUndefined();
  });

  test("without an adapter the fault says what was looked for, and has-adapter says so before", async () => {
    const { webgpu } = await open({ LOOP_GPU: "/nowhere/icd.json" });
    expect(await webgpu.hasAdapter()).toBe(false);
    const { code, message, hint } = await faultOf(() => webgpu.requestAdapter());
    expect(code).toBe("LK0741");
    expect(message).toContain("/nowhere/icd.json");
    expect(hint).toContain("LOOP_GPU");
  });

  test("LOOP_GPU=hardware takes nothing that computes in software, and looks nowhere else", async () => {
    const environment = { LOOP_GPU: "hardware", HOME: "/nowhere" };
    const found = await findAdapter({}, { environment, drivers: softwareDrivers });
    if (!("looked" in found)) expect(isFallback(found)).toBe(false);
    else {
      expect(found.looked.length).toBe(1);
      expect(noAdapter(found.looked).message).toContain("No GPU was found; looked for");
    }
  });

  test("what is written to a buffer is read back, byte for byte", async () => {
    const gpu = await device();
    const queue = gpu.queue();
    const from = gpu.createBuffer({ size: 1024, usage: usage("copySrc", "copyDst") });
    const to = gpu.createBuffer({ size: 1024, usage: usage("mapRead", "copyDst") });
    const bytes = Uint8Array.from({ length: 1024 }, (_, i) => (i * 7) & 255);
    queue.writeBuffer(from, 0, bytes);
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, to, 0, 1024);
    queue.submit([encoder.finish()]);
    expect(await to.read(undefined, undefined)).toEqual(bytes);
    expect(await to.read(256, 16)).toEqual(bytes.slice(256, 272));
    expect(to.mapState()).toBe("unmapped");
  });

  test("a buffer that is mapped is written and read in parts", async () => {
    const gpu = await device();
    const buffer = gpu.createBuffer({
      size: 16,
      usage: usage("mapWrite", "copySrc"),
      mappedAtCreation: true,
    });
    buffer.setMappedRange(4, Uint8Array.of(1, 2, 3, 4));
    buffer.setMappedRange(8, Uint8Array.of(5, 6, 7, 8));
    expect([...buffer.getMappedRange(4, 8)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect((await declaredOf(() => buffer.getMappedRange(8, 16))).message).toContain("from 8 to 24");
    buffer.unmap();
    expect((await declaredOf(() => buffer.getMappedRange(0, 4))).message).toContain("not mapped");
    expect((await declaredOf(() => buffer.mapAsync("read"))).kind).toBe("validation");
    await buffer.mapAsync("write", 8, 8);
    expect([...buffer.getMappedRange(8, 4)]).toEqual([5, 6, 7, 8]);
  });

  const picture = async (gpu: classes.GpuDevice, draw: (pass: classes.GpuRenderPassEncoder) => void) => {
    const target = gpu.createTexture({
      size: { width: 64, height: 64 },
      format: "rgba8unorm",
      usage: usage("renderAttachment", "copySrc"),
    });
    const out = gpu.createBuffer({ size: 64 * 64 * 4, usage: usage("mapRead", "copyDst") });
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginRenderPass({
      colorAttachments: [
        {
          view: target.createView(),
          loadOp: "clear",
          storeOp: "store",
          clearValue: { r: 0, g: 0, b: 1, a: 1 },
        },
      ],
    });
    draw(pass);
    pass.end();
    const size = { width: 64, height: 64 };
    encoder.copyTextureToBuffer({ texture: target }, { buffer: out, bytesPerRow: 256 } as never, size);
    gpu.queue().submit([encoder.finish()]);
    return out.read();
  };

  test("a pass draws, by calls and by words alike", async () => {
    const gpu = await device();
    const pipeline = redPipeline(gpu);
    const called = await picture(gpu, (pass) => {
      pass.setPipeline(pipeline);
      pass.setScissorRect(0, 0, 32, 64);
      pass.draw(3);
    });
    expect([...called.slice(0, 4)]).toEqual([255, 128, 255, 255]);
    expect([...called.slice(32 * 4, 33 * 4)]).toEqual([0, 0, 255, 255]);
    const worded = await picture(gpu, (pass) => {
      pass.setScissorRect(0, 0, 32, 64);
      pass.encode(
        { pipelines: [pipeline], bindGroups: [], buffers: [] },
        Uint32Array.of(0, 0, 4, 3, 1, 0, 0),
      );
    });
    expect(worded).toEqual(called);
    const short = await picture(gpu, (pass) => {
      pass.setScissorRect(0, 0, 32, 64);
      pass.encode({ pipelines: [pipeline], bindGroups: [], buffers: [] }, Uint32Array.of(0, 0, 8, 3));
    });
    expect(short).toEqual(called);
    const bundles = gpu.createRenderBundleEncoder({ colorFormats: ["rgba8unorm"] });
    bundles.encode(
      { pipelines: [pipeline], bindGroups: [], buffers: [] },
      Uint32Array.of(0, 0, 4, 3, 1, 0, 0),
    );
    const bundle = bundles.finish();
    const bundled = await picture(gpu, (pass) => {
      pass.setScissorRect(0, 0, 32, 64);
      pass.executeBundles([bundle]);
    });
    expect(bundled).toEqual(called);
  });

  test("words that are no commands are refused with their place", async () => {
    const gpu = await device();
    const pipeline = redPipeline(gpu);
    const encoder = gpu.createRenderBundleEncoder({ colorFormats: ["rgba8unorm"] });
    const encode = (...words: number[]) =>
      faultOf(() =>
        encoder.encode({ pipelines: [pipeline], bindGroups: [], buffers: [] }, Uint32Array.from(words)),
      );
    expect((await encode(0, 0, 10)).message).toContain("word 2 is 10, and commands are 0 to 9");
    expect((await encode(9, 0)).message).toContain("set-bind-group at word 0 needs 3 words, and 2 are there");
    expect((await encode(9, 0, 0)).message).toContain("bind group 0 of 0");
    expect((await encode(0, 1)).message).toContain("pipeline 1 of 1");
    expect((await encode(4, 3, 1)).message).toContain("draw at word 0 needs 5 words, and 3 are there");
    expect((await encode(1, 0, 0, 4_000_000_000)).message).toContain("set-bind-group at word 0");
    expect((await encode(2, 0, 0, 0, 0)).message).toContain("buffer 0 of 0");
  });

  test("a compute shader's numbers come back exactly", async () => {
    const gpu = await device();
    const module = gpu.createShaderModule({
      code: `@group(0) @binding(0) var<storage, read_write> data: array<u32>;
override factor: u32 = 1;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) { data[id.x] = id.x * factor; }`,
    });
    const pipeline = await gpu.createComputePipelineAsync({
      compute: { module, constants: [["factor", 3]] },
    });
    const data = gpu.createBuffer({ size: 1024, usage: usage("storage", "copySrc") });
    const out = gpu.createBuffer({ size: 1024, usage: usage("mapRead", "copyDst") });
    const group = gpu.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { tag: "buffer", val: { buffer: data } } }],
    });
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(4);
    pass.end();
    encoder.copyBufferToBuffer(data, 0, out, 0, 1024);
    const queue = gpu.queue();
    queue.submit([encoder.finish()]);
    await queue.onSubmittedWorkDone();
    const words = new Uint32Array((await out.read()).buffer);
    expect([...words]).toEqual(Array.from({ length: 256 }, (_, i) => i * 3));
  });

  const broken = "@fragment fn f() -> @location(0) vec4f {\n  return colour;\n}";

  test("a shader that does not compile ends the component, with the line", async () => {
    const gpu = await device();
    const { code, message } = await faultOf(() => gpu.createShaderModule({ code: broken }));
    expect(code).toBe("LK0742");
    expect(message).toContain("create-shader-module");
    expect(message).toContain(":2:10 error: unresolved value 'colour'");
  });

  test("a scope takes an error, and the module says the line", async () => {
    const gpu = await device();
    gpu.pushErrorScope("validation");
    const module = gpu.createShaderModule({ code: broken });
    expect(await gpu.popErrorScope()).toMatchObject({ kind: "validation" });
    expect(await module.getCompilationInfo()).toMatchObject([{ type: "error", lineNum: 2, linePos: 10 }]);
    expect(await gpu.popErrorScope()).toMatchObject({ message: "No error scope is open" });
  });

  test("kept errors wait for whoever asks", async () => {
    const { webgpu, poll } = await open();
    const gpu = await (await webgpu.requestAdapter()).requestDevice({ keepUncapturedErrors: true });
    const waiting = poll.subscribeUncapturedError!(gpu);
    expect(waiting.ready()).toBe(false);
    gpu.createShaderModule({ code: broken });
    expect(waiting.ready()).toBe(true);
    expect(gpu.uncapturedError()?.kind).toBe("validation");
    expect(gpu.uncapturedError()).toBeUndefined();
    for (let i = 0; i < limits.gpuErrorsMax + 10; i++) gpu.createShaderModule({ code: broken });
    let kept = 0;
    while (gpu.uncapturedError()) kept++;
    expect(kept).toBe(limits.gpuErrorsMax);
  });

  test("a call that WebGPU does not take says which", async () => {
    const gpu = await device();
    const { code, message } = await faultOf(() =>
      gpu.createTexture({
        size: { width: 4, height: 4 },
        format: "astc4x4-unorm",
        usage: usage("textureBinding"),
      }),
    );
    expect(code).toBe("LK0743");
    expect(message).toContain("create-texture");
  });

  test("memory without end is an out-of-memory error with the limit, and dropping gives it back", async () => {
    const { webgpu } = await open(undefined, 4 * 1024 * 1024);
    const gpu = await (await webgpu.requestAdapter()).requestDevice();
    const held: classes.GpuBuffer[] = [];
    const take = () => {
      for (;;) held.push(gpu.createBuffer({ size: 1024 * 1024, usage: usage("copyDst") }));
    };
    const error = await declaredOf(take);
    expect(error.kind).toBe("out-of-memory");
    expect(error.message).toContain("the limit is 4");
    expect(held.length).toBe(4);
    for (const buffer of held.splice(0)) buffer[Symbol.dispose]();
    expect((await declaredOf(take)).kind).toBe("out-of-memory");
    expect(held.length).toBe(4);
  });

  test("objects without end are refused", async () => {
    const gpu = await device();
    const { code, message } = await faultOf(() => {
      for (;;) gpu.createSampler();
    });
    expect(code).toBe("LK0743");
    expect(message).toContain(`${limits.gpuObjectsMax} GPU objects`);
  });

  test("commands without end are refused", async () => {
    const gpu = await device();
    const encoder = gpu.createRenderBundleEncoder({ colorFormats: ["rgba8unorm"] });
    const { message } = await faultOf(() => {
      for (;;) encoder.draw(3);
    });
    expect(message).toContain(`${limits.gpuCommandsMax} commands`);
  });

  test("a shader without end is refused", async () => {
    const gpu = await device();
    const code = " ".repeat(limits.gpuShaderLengthMax + 1);
    expect((await faultOf(() => gpu.createShaderModule({ code }))).code).toBe("LK0743");
  });

  test("a buffer that is dropped before its commands are submitted is still read", async () => {
    const gpu = await device();
    const from = gpu.createBuffer({ size: 16, usage: usage("copySrc", "copyDst") });
    const to = gpu.createBuffer({ size: 16, usage: usage("mapRead", "copyDst") });
    const queue = gpu.queue();
    queue.writeBuffer(from, 0, new Uint8Array(16).fill(9));
    const encoder = gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(from, 0, to, 0, 16);
    from[Symbol.dispose]();
    const commands = encoder.finish();
    encoder[Symbol.dispose]();
    queue.submit([commands]);
    expect(from.holding.gone).toBe(true);
    expect([...(await to.read())]).toEqual(Array(16).fill(9));
  });

  test("what a bind group binds lives until the bind group is dropped", async () => {
    const gpu = await device();
    const layout = gpu.createBindGroupLayout({
      entries: [{ binding: 0, visibility: usage("compute"), buffer: { type: "storage" } }],
    });
    const buffer = gpu.createBuffer({ size: 64, usage: usage("storage") });
    const resource = { tag: "buffer", val: { buffer } } as const;
    const group = gpu.createBindGroup({ layout, entries: [{ binding: 0, resource }] });
    buffer[Symbol.dispose]();
    expect(buffer.holding.gone).toBe(false);
    group[Symbol.dispose]();
    expect(buffer.holding.gone).toBe(true);
  });

  test("a lost device is told, does nothing any more, and another one can be had", async () => {
    const { webgpu, poll } = await open();
    const gpu = await (await webgpu.requestAdapter()).requestDevice();
    const lost = poll.subscribeLost!(gpu);
    const buffer = gpu.createBuffer({ size: 16, usage: usage("mapRead", "copyDst") });
    expect(gpu.lost()).toBeUndefined();
    gpu.destroy();
    await new Promise<void>((wake) => void lost.listen(wake));
    expect(gpu.lost()).toMatchObject({ reason: "destroyed" });
    expect((await declaredOf(() => buffer.read())).kind).toBe("validation");
    gpu.createCommandEncoder().finish();
    const again = await (await webgpu.requestAdapter()).requestDevice();
    expect(again.lost()).toBeUndefined();
    expect(again.createBuffer({ size: 16, usage: usage("copyDst") }).size()).toBe(16);
  });

  test("a device that its driver loses is told with the reason, and adapters are looked for anew", async () => {
    const { webgpu } = await open();
    const gpu = await (await webgpu.requestAdapter()).requestDevice();
    gpu.session.lose({ reason: "unknown", message: "The driver was reset" });
    expect(gpu.lost()).toEqual({ reason: "unknown", message: "The driver was reset" });
    gpu.destroy();
    const again = await (await webgpu.requestAdapter()).requestDevice();
    const pipeline = redPipeline(again);
    const pixels = await picture(again, (pass) => {
      pass.setPipeline(pipeline);
      pass.draw(3);
    });
    expect([...pixels.slice(0, 4)]).toEqual([255, 128, 255, 255]);
  });

  test("waits end when the instance is dropped, and its devices with it", async () => {
    const gpu = await device();
    const waiting = gpu.popErrorScope();
    expect(await waiting).toBeDefined();
    const done = gpu.queue().onSubmittedWorkDone();
    for (const drop of drops.splice(0).reverse()) drop();
    expect((await faultOf(() => done)).code).toBe("LK0304");
    await Bun.sleep(20);
    expect(gpu.session.lost).toMatchObject({ reason: "destroyed" });
  });

  test("two instances share no limit and no device", async () => {
    const [a, b] = [await device(), await device()];
    a.createBuffer({ size: 1024 * 1024, usage: usage("copyDst") });
    expect(b.session.holdings.bytes).toBe(0);
    a.destroy();
    await Bun.sleep(20);
    expect(b.session.lost).toBeUndefined();
  });

  test("devices without end are out of memory; one that nobody can reach makes room", async () => {
    const { webgpu } = await open();
    const more = async () => (await webgpu.requestAdapter()).requestDevice();
    const devices = [];
    for (let i = 0; i < limits.gpuDevicesMax; i++) devices.push(await more());
    expect(await declaredOf(more)).toMatchObject({ kind: "out-of-memory" });
    const [first] = devices;
    const queue = first!.queue();
    first![Symbol.dispose]();
    await Bun.sleep(10);
    expect(first!.session.lost).toBeUndefined();
    queue[Symbol.dispose]();
    await Bun.sleep(10);
    expect(first!.session.lost).toMatchObject({ reason: "destroyed" });
    await more();
  });
});
