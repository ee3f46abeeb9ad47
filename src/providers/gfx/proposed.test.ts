import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { InstanceContext } from "../../host/provider.ts";
import { noGrants } from "../../trust/grants.ts";
import type { Denial } from "../../trust/written.ts";
import type * as classes from "./classes.ts";
import { dawns, declaredOf, drawWith, faultOf, instance, open, services, usage } from "./fixture.ts";
import { gfxProvider } from "./gfx.ts";
import { gfx3Provider } from "./gfx3.ts";
import type { keptOnGpu } from "./kept.ts";

// What is kept by the public proposals, of 2025 and of 2026, as kept.test.ts has it for ours: the same devices through
// other interfaces. On a driver in software.

type Keeping = ReturnType<typeof keptOnGpu>;

interface Proposed {
  getGpu(): { requestAdapter(): Promise<{ requestDevice(): Promise<classes.GpuDevice> }> };
}

/** Usages as the interface has them: bits, or flags. */
const proposals = [
  { version: "0.0.1", provider: gfxProvider, data: 0x8c, picture: 0x03, mapped: 0x09, read: 1 },
  {
    version: "0.3.0-rc.2",
    provider: gfx3Provider,
    data: usage("storage", "copySrc", "copyDst"),
    picture: usage("copySrc", "copyDst"),
    mapped: usage("mapRead", "copyDst"),
    read: usage("read"),
  },
] as const;
type Proposal = (typeof proposals)[number];

const generation = async (
  { version, provider }: Pick<Proposal, "version" | "provider">,
  before?: InstanceContext,
  { bytesMax, granted = ["wasi:webgpu"] }: { bytesMax?: number; granted?: readonly string[] } = {},
) => {
  const denied: Denial[] = [];
  let said = "";
  const stderr = {
    write(bytes: Uint8Array) {
      said += Buffer.from(bytes);
    },
  };
  const begun = instance({
    grants: { ...noGrants, capabilities: new Set(granted) },
    stdio: { stderr } as never,
    onDenied: (denial) => void denied.push(denial),
    ...(before && { before }),
  });
  const made = await provider(services(bytesMax)).instantiate(begun.context);
  const { getGpu } = made[`wasi:webgpu/webgpu@${version}`] as unknown as Proposed;
  return {
    ...begun,
    denied,
    said: () => said,
    kept: made[`loop:kept-webgpu/gpu@${version}`] as unknown as Keeping,
    request: async () => (await getGpu().requestAdapter()).requestDevice(),
  };
};

/** Words that are put there and lie there. */
const written = (device: classes.GpuDevice, { data }: Pick<Proposal, "data">) => {
  const buffer = device.createBuffer({ size: 16n, usage: data as never });
  const queue = device.queue() as classes.GpuQueue & {
    writeBufferWithCopy?(to: classes.GpuBuffer, offset: bigint, data: Uint8Array): void;
  };
  queue.writeBufferWithCopy!(buffer, 0n, new Uint8Array(Uint32Array.of(1, 2, 3, 4).buffer));
  return buffer;
};
const words = async (
  device: classes.GpuDevice,
  data: classes.GpuBuffer,
  { mapped, read }: Pick<Proposal, "mapped" | "read">,
) => {
  const out = device.createBuffer({ size: 16n, usage: mapped as never }) as classes.GpuBuffer & {
    getMappedRangeGetWithCopy(): Uint8Array;
  };
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(data, 0, out, 0, 16);
  device.queue().submit([encoder.finish()]);
  await out.mapAsync(read as never);
  return [...new Uint32Array(out.getMappedRangeGetWithCopy().slice().buffer)];
};

const broken = "@fragment fn f() -> @location(0) vec4f { return colour; }";

describe.each(dawns)("with %s", (_, dawn) => {
  beforeAll(() => drawWith(dawn));
  afterAll(() => drawWith(undefined));

  describe.each(proposals.map((proposal) => [proposal.version, proposal] as const))(
    "wasi:webgpu@%s",
    (_, by) => {
      test("what lies on the GPU is there for the next, on the same device, when the one before is gone", async () => {
        const one = await generation(by);
        const device = await one.request();
        one.kept.keepDevice("device", device);
        const numbers = written(device, by);
        const size = { width: 2, height: 2 };
        const painted = device.createTexture({ size, format: "rgba8unorm", usage: by.picture as never });
        one.kept.keepBuffer("words", numbers);
        one.kept.keepTexture("picture", painted);
        const two = await generation(by, one.context);
        const [same, buffer] = [two.kept.takeDevice("device")!, two.kept.takeBuffer("words")!];
        const picture = two.kept.takeTexture("picture")!;
        one.drop();
        expect(same.native).toBe(device.native);
        expect(await words(same, buffer, by)).toEqual([1, 2, 3, 4]);
        // In the words of the interface: sizes of 64 bits, and bits or flags.
        expect([buffer.size(), typeof buffer.usage()]).toEqual([16n, typeof by.data]);
        expect([buffer.usage(), picture.usage()]).toEqual([numbers.usage(), painted.usage()]);
        // Errors that no scope takes are told as of every device of the interface.
        same.createShaderModule({ code: broken });
        expect([two.said().includes("GPU error"), one.said()]).toEqual([true, ""]);
      });

      test("one that took, destroyed and failed leaves the one before with all that it had", async () => {
        const one = await generation(by);
        const device = await one.request();
        const buffer = written(device, by);
        one.kept.keepDevice("device", device);
        one.kept.keepBuffer("words", buffer);
        const two = await generation(by, one.context);
        const taken = two.kept.takeDevice("device")!;
        two.kept.takeBuffer("words")!.destroy();
        taken.destroy();
        two.drop();
        await Bun.sleep(1);
        expect([device.session.lost, await words(device, buffer, by)]).toEqual([undefined, [1, 2, 3, 4]]);
      });

      test("one that was not granted the GPU is given nothing of it, and that is told", async () => {
        const one = await generation(by);
        const device = await one.request();
        one.kept.keepDevice("device", device);
        one.kept.keepBuffer("words", written(device, by));
        const two = await generation(by, one.context, { granted: ["loop:kept-webgpu", "loop:gfx"] });
        expect([two.kept.takeDevice("device"), two.kept.takeBuffer("words")]).toEqual([undefined, undefined]);
        const grant = { kind: "capability", value: "wasi:webgpu/webgpu" };
        expect(two.denied).toEqual(Array(2).fill({ wanted: "to go on with what lies on the GPU", grant }));
        // Of what was never kept nothing is told.
        two.kept.takeDevice("nothing");
        expect(two.denied.length).toBe(2);
      });

      test("what is taken counts for the taker, and what is nothing to go on with is not kept", async () => {
        const size = 1024 * 1024;
        const one = await generation(by);
        const device = await one.request();
        one.kept.keepDevice("device", device);
        one.kept.keepBuffer("big", device.createBuffer({ size: BigInt(2 * size), usage: by.data as never }));
        const two = await generation(by, one.context, { bytesMax: size });
        expect(two.kept.takeBuffer("big")).toBeUndefined();
        two.kept.takeDevice("device");
        expect((await faultOf(() => two.kept.takeBuffer("big"))).code).toBe("LK0743");
        const gone = device.createBuffer({ size: 16n, usage: by.data as never });
        gone.destroy();
        const refused = async (value: unknown) =>
          (await declaredOf(() => one.kept.keepBuffer("no", value as never))) as unknown;
        expect([await refused(gone), await refused({})]).toEqual(["unfit", "unfit"]);
      });
    },
  );

  test("a scene goes on with its device from one proposal to the next, and to and from loop:gfx", async () => {
    const [older, newer] = proposals;
    const one = await generation(older);
    const device = await one.request();
    one.kept.keepDevice("device", device);
    one.kept.keepBuffer("words", written(device, older));
    const two = await generation(newer, one.context);
    const [second, buffer] = [two.kept.takeDevice("device")!, two.kept.takeBuffer("words")!];
    one.drop();
    expect([buffer.usage(), await words(second, buffer, newer)]).toMatchObject([
      { storage: true, copySrc: true, mapRead: false },
      [1, 2, 3, 4],
    ]);
    two.kept.keepDevice("device", second);
    two.kept.keepBuffer("words", buffer);
    const three = await open(undefined, undefined, two.context);
    const ours = three.made["loop:gfx/kept@0.1.0"] as unknown as Keeping;
    const [third, same] = [ours.takeDevice("device")!, ours.takeBuffer("words")!];
    two.drop();
    const out = third.createBuffer({ size: 16, usage: usage("mapRead", "copyDst") });
    const encoder = third.createCommandEncoder();
    encoder.copyBufferToBuffer(same, 0, out, 0, 16);
    third.queue().submit([encoder.finish()]);
    expect([...new Uint32Array((await out.read()).buffer)]).toEqual([1, 2, 3, 4]);
    ours.keepDevice("device", third);
    const four = await generation(older, three.context);
    expect(four.kept.takeDevice("device")!.native).toBe(device.native);
  });
});
