import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import type { InstanceContext } from "../../host/provider.ts";
import { noGrants } from "../../trust/grants.ts";
import type { Denial } from "../../trust/written.ts";
import type * as classes from "./classes.ts";
import { dawns, declaredOf, drawWith, faultOf, instance, open, services, usage } from "./fixture.ts";
import { gfxProvider } from "./gfx.ts";
import type { keptOnGpu } from "./kept.ts";

// Instances that follow each other in a place, with the same device. On a driver in software.

const generation = async (before?: InstanceContext, bytesMax?: number) => {
  const opened = await open(undefined, bytesMax, before);
  const kept = opened.made["loop:gfx/kept@0.1.0"] as unknown as ReturnType<typeof keptOnGpu>;
  const request = async (keepUncapturedErrors = false) =>
    (await opened.webgpu.requestAdapter()).requestDevice({ keepUncapturedErrors });
  return { ...opened, kept, request };
};

const square = (device: classes.GpuDevice) => {
  const module = device.createShaderModule({
    code: `@group(0) @binding(0) var<storage, read_write> data: array<u32>;
@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3u) { data[id.x] = id.x * id.x; }`,
  });
  const pipeline = device.createComputePipeline({ compute: { module } });
  const data = device.createBuffer({ size: 16, usage: usage("storage", "copySrc", "copyDst") });
  const resource = { tag: "buffer", val: { buffer: data } } as const;
  const layout = pipeline.getBindGroupLayout(0);
  const group = device.createBindGroup({ layout, entries: [{ binding: 0, resource }] });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(1);
  pass.end();
  device.queue().submit([encoder.finish()]);
  return data;
};

/** What lies in a buffer. */
const words = async (device: classes.GpuDevice, data: classes.GpuBuffer) => {
  const out = device.createBuffer({ size: 16, usage: usage("mapRead", "copyDst") });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(data, 0, out, 0, 16);
  device.queue().submit([encoder.finish()]);
  return [...new Uint32Array((await out.read()).buffer)];
};

const texture = { size: { width: 2, height: 2 }, format: "rgba8unorm", usage: usage("copySrc", "copyDst") };
const broken = "@fragment fn f() -> @location(0) vec4f { return colour; }";

describe.each(dawns)("with %s", (_, dawn) => {
  beforeAll(() => drawWith(dawn));
  afterAll(() => drawWith(undefined));

  test("what one computed is there for the next, on the same device, when that one is gone", async () => {
    const one = await generation();
    const device = await one.request();
    one.kept.keepDevice("device", device);
    one.kept.keepBuffer("squares", square(device));
    one.kept.keepTexture("picture", device.createTexture(texture));
    const two = await generation(one.context);
    const [same, squares] = [two.kept.takeDevice("device")!, two.kept.takeBuffer("squares")!];
    const picture = two.kept.takeTexture("picture")!;
    one.drop();
    await Bun.sleep(1);
    expect([same.native === device.native, same.lost(), device.lost()]).toMatchObject([
      true,
      undefined,
      { reason: "destroyed" },
    ]);
    expect(await words(same, squares)).toEqual([0, 1, 4, 9]);
    expect([picture.width(), picture.format()]).toEqual([2, "rgba8unorm"]);
    expect(same.adapterInfo()).toEqual(device.adapterInfo());
  });

  test("one that took, destroyed and failed leaves the one before with all that it had", async () => {
    const one = await generation();
    const device = await one.request();
    const squares = square(device);
    one.kept.keepDevice("device", device);
    one.kept.keepBuffer("squares", squares);
    for (const end of ["destroy", "drop"]) {
      const two = await generation(one.context);
      const [taken, buffer] = [two.kept.takeDevice("device")!, two.kept.takeBuffer("squares")!];
      if (end === "destroy") {
        buffer.destroy();
        taken.destroy();
      }
      two.drop();
      await Bun.sleep(1);
      expect(device.lost()).toBeUndefined();
      expect(await words(device, squares)).toEqual([0, 1, 4, 9]);
    }
  });

  test("a buffer that one mapped and failed with is free again, and a mapped one is not given", async () => {
    const one = await generation();
    const device = await one.request();
    const buffer = device.createBuffer({ size: 16, usage: usage("mapRead", "copyDst") });
    one.kept.keepDevice("device", device);
    one.kept.keepBuffer("buffer", buffer);
    const two = await generation(one.context);
    two.kept.takeDevice("device");
    const taken = two.kept.takeBuffer("buffer")!;
    await taken.mapAsync("read");
    const three = await generation(one.context);
    three.kept.takeDevice("device");
    expect(three.kept.takeBuffer("buffer")).toBeUndefined();
    two.drop();
    expect([buffer.mapState(), (await buffer.read()).length]).toEqual(["unmapped", 16]);
    expect(three.kept.takeBuffer("buffer")).toBeDefined();
  });

  test("each hears of its own errors alone, and has its own scopes", async () => {
    const one = await generation();
    const device = await one.request(true);
    one.kept.keepDevice("device", device);
    device.pushErrorScope("validation");
    const two = await generation(one.context);
    const taken = two.kept.takeDevice("device")!;
    taken.createShaderModule({ code: broken });
    expect(taken.uncapturedError()).toMatchObject({ kind: "validation" });
    taken.pushErrorScope("validation");
    device.createShaderModule({ code: broken });
    expect(await taken.popErrorScope()).toBeUndefined();
    expect(await taken.popErrorScope()).toMatchObject({ message: "No error scope is open" });
    taken.pushErrorScope("validation");
    taken.createShaderModule({ code: broken });
    expect(await device.popErrorScope()).toMatchObject({ kind: "validation" });
    expect(device.uncapturedError()).toBeUndefined();
    // What the one before had open goes with it.
    device.pushErrorScope("validation");
    device.createCommandEncoder();
    one.drop();
    expect(await taken.popErrorScope()).toMatchObject({ kind: "validation" });
    taken.createShaderModule({ code: broken });
    expect(taken.uncapturedError()).toMatchObject({ kind: "validation" });
  });

  test("what is taken counts for the taker, and for nobody twice once the one before is gone", async () => {
    const size = 1024 * 1024;
    const one = await generation(undefined, 4 * size);
    const device = await one.request();
    one.kept.keepDevice("device", device);
    const buffers = [1, 2, 3].map(() => device.createBuffer({ size, usage: usage("copyDst") }));
    for (const [at, buffer] of buffers.entries()) one.kept.keepBuffer(`${at}`, buffer);
    expect(device.session.holdings.bytes).toBe(3 * size);
    const two = await generation(one.context, 4 * size);
    const taken = two.kept.takeDevice("device")!;
    for (const at of [0, 1]) two.kept.takeBuffer(`${at}`);
    one.drop();
    expect([device.session.holdings.bytes, taken.session.holdings.bytes]).toEqual([0, 2 * size]);
    const more = () => taken.createBuffer({ size: 3 * size, usage: usage("copyDst") });
    expect((await declaredOf(more)).kind).toBe("out-of-memory");
    const narrow = await generation(two.context, size);
    two.kept.keepDevice("device", taken);
    two.kept.keepBuffer("big", taken.createBuffer({ size: 2 * size, usage: usage("copyDst") }));
    narrow.kept.takeDevice("device");
    expect((await faultOf(() => narrow.kept.takeBuffer("big"))).code).toBe("LK0743");
  });

  test("devices taken count for the taker, and one is one however often it is taken", async () => {
    const one = await generation();
    for (let i = 0; i < limits.gpuDevicesMax; i++) one.kept.keepDevice(`${i}`, await one.request());
    const two = await generation(one.context);
    await two.request();
    expect(two.kept.takeDevice("0")!.session).toBe(two.kept.takeDevice("0")!.session);
    for (let i = 1; i < limits.gpuDevicesMax - 1; i++) expect(two.kept.takeDevice(`${i}`)).toBeDefined();
    const last = await faultOf(() => two.kept.takeDevice(`${limits.gpuDevicesMax - 1}`));
    expect(last.code).toBe("LK0743");
  });

  test("nothing that is lost or destroyed is kept or given, nor a buffer without its device", async () => {
    const one = await generation();
    const device = await one.request();
    const [buffer, gone] = [1, 2].map(() => device.createBuffer({ size: 16, usage: usage("copyDst") }));
    gone!.destroy();
    const refusal = (work: () => void) => declaredOf(work) as Promise<unknown>;
    expect(await refusal(() => one.kept.keepBuffer("gone", gone!))).toBe("unfit");
    // Of a component that stands in the host's place.
    expect(await refusal(() => one.kept.keepBuffer("foreign", {} as never))).toBe("unfit");
    one.kept.keepBuffer("buffer", buffer!);
    one.kept.keepDevice("device", device);
    const two = await generation(one.context);
    expect(two.kept.takeBuffer("buffer")).toBeUndefined();
    // One name, one thing: a name of a buffer is none of a texture or of a device.
    expect([two.kept.takeTexture("buffer"), two.kept.takeDevice("buffer")]).toEqual([undefined, undefined]);
    two.kept.takeDevice("device");
    buffer!.destroy();
    expect(two.kept.takeBuffer("buffer")).toBeUndefined();
    device.session.lose({ reason: "unknown", message: "The driver was reset" });
    expect((await generation(one.context)).kept.takeDevice("device")).toBeUndefined();
    expect(await refusal(() => one.kept.keepDevice("again", device))).toBe("unfit");
  });

  test("one that was not granted the GPU is given nothing of it, and that is told", async () => {
    const one = await generation();
    one.kept.keepDevice("device", await one.request());
    const denied: Denial[] = [];
    const { context } = instance({
      before: one.context,
      grants: { ...noGrants, capabilities: new Set(["loop:gfx/kept"]) },
      onDenied: (denial) => void denied.push(denial),
    });
    const made = await gfxProvider(services()).instantiate(context);
    const two = made["loop:gfx/kept@0.1.0"] as unknown as ReturnType<typeof keptOnGpu>;
    expect([two.takeDevice("device"), denied.map(({ grant }) => grant)]).toEqual([
      undefined,
      [{ kind: "capability", value: "loop:gfx/webgpu" }],
    ]);
  });

  test("two hundred that follow each other leave no buffer and no device behind", async () => {
    let one = await generation();
    let device = await one.request();
    let squares = square(device);
    const { native } = device;
    let alive = 0;
    const create = native.createBuffer.bind(native);
    native.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      alive++;
      const destroy = buffer.destroy.bind(buffer);
      let destroyed = false;
      buffer.destroy = () => {
        if (!destroyed) alive--;
        destroyed = true;
        return destroy();
      };
      return buffer;
    };
    for (let i = 0; i < 200; i++) {
      one.kept.keepDevice("device", device);
      one.kept.keepBuffer("squares", squares);
      const two = await generation(one.context);
      const [taken, buffer] = [two.kept.takeDevice("device")!, two.kept.takeBuffer("squares")!];
      // Its own, which nobody drops and nobody takes.
      taken.createBuffer({ size: 1024, usage: usage("copyDst") });
      if (i % 3 === 0) {
        two.drop();
        continue;
      }
      one.drop();
      [one, device, squares] = [two, taken, buffer];
    }
    expect(alive).toBe(1);
    expect(await words(device, squares)).toEqual([0, 1, 4, 9]);
    one.drop();
    await Bun.sleep(1);
    expect([alive, (await native.lost).reason]).toEqual([0, "destroyed"]);
  });
});
