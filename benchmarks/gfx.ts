// Drawing through loop:gfx against the same WebGPU calls made directly from TypeScript, on the same device, driver and
// pictures: a triangle in a window of 800 × 600, read back and handed over frame by frame, and a pass of a thousand
// draws. The guest is WebAssembly text (painter.ts), so what is measured is the border. Here the GPU may be software.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { typescript } from "../src/builders/typescript.ts";
import { completed } from "../src/builders/wit.ts";
import { decoded } from "../src/host/decoded.ts";
import { ownLinker } from "../src/host/link/link.ts";
import type { InstanceContext } from "../src/host/provider.ts";
import { findAdapter, softwareDrivers } from "../src/providers/gfx/adapter.ts";
import { gfxProvider } from "../src/providers/gfx/gfx.ts";
import { type Picture, type Surface, surfaceKey } from "../src/providers/surface.ts";
import { bufferStdio } from "../src/providers/wasi/buffer.ts";
import { wasi } from "../src/providers/wasi/index.ts";
import { noGrants } from "../src/trust/grants.ts";
import { verify } from "../src/trust/verify.ts";
import { interleave, type Row, versus } from "./measure.ts";
import { painter, painterShader } from "./painter.ts";
import { presenters } from "./presenters.ts";

/** The guest in TypeScript, to which each call is dear. */
interface Draws {
  prepare(shader: string): Promise<void>;
  plain(count: number): void | Promise<void>;
  recorded(count: number): void | Promise<void>;
  wait(): Promise<void>;
}

interface Painter {
  prepare(): Promise<void>;
  frame(): Promise<void>;
  draws(count: number): void | Promise<void>;
  wait(): Promise<void>;
}

const size = { width: 800, height: 600 };
const stride = Math.ceil((size.width * 4) / 256) * 256;
const environment = process.env;

let painted: Uint8Array | undefined;

/** A window that nobody looks at: what is presented is summed up, so that both show the same. */
const windowOf = (size: { readonly width: number; readonly height: number }) => {
  let held: Promise<unknown>[] = [];
  let before: Promise<unknown>[] = [];
  const seen = { frames: 0, pixel: 0 };
  const present = ({ pixels }: Picture) => {
    seen.frames++;
    seen.pixel = pixels[300 * stride + 400 * 4 + 2]!;
  };
  const surface: Partial<Surface> = {
    ...size,
    isOpen: true,
    present,
    presentLater: (work) => void held.push(work(present)),
  };
  return {
    surface: surface as Surface,
    seen,
    settle: () => Promise.all(held.splice(0)),
    /** Waits for the frame before alone, as a window does. */
    async settleBefore() {
      const waited = before;
      [before, held] = [held, []];
      await Promise.all(waited);
    },
  };
};

/** The guest, drawing into `shown` where that is given. */
export const guest = async (shown?: Surface) => {
  painted ??= await painter();
  const made = await instanceOf<Painter>("painter", painted, shown);
  await made.exports.prepare();
  return made;
};

/** A component with the provider that everybody has. */
const instanceOf = async <T>(name: string, bytes: Uint8Array, shown?: Surface) => {
  const releases: (() => void)[] = [];
  const component = verify(name, bytes);
  const provider = gfxProvider({ environment });
  const linked = await ownLinker.link({
    component,
    decoded: decoded(component),
    suspending: new Set([...provider.suspending].map((name) => name.replace("#", "@0.1.0#"))),
  });
  const context = {
    component: { identifier: name, digest: "sha256:00" },
    args: [],
    grants: noGrants,
    stdio: bufferStdio(""),
    onDrop: (release: () => void) => releases.push(release),
  } as unknown as InstanceContext;
  const window = windowOf(size);
  class Window {
    readonly [surfaceKey] = shown ?? window.surface;
    static open(): Window {
      return new Window();
    }
  }
  const given = { ...(await wasi.instantiate(context)), ...(await provider.instantiate(context)) };
  const exports = (await linked.instantiate({
    ...given,
    "loop:window/windows@0.1.0": { Window },
  })) as unknown as T;
  const drop = () => {
    for (const release of releases.reverse()) release();
  };
  return { ...window, exports, drop };
};

/** The component of `draws`, as a person's own is built. */
const scripted = async () => {
  const folder = join(import.meta.dir, "draws");
  const text = readFileSync(join(folder, "wit/world.wit"), "utf8");
  const wit = await completed(new Map([["wit/world.wit", text]]));
  const request = { folder, name: "draws", main: "src/main.js", world: "draws", wit, settings: {} };
  const { component } = await typescript.build(request);
  const made = await instanceOf<Draws>("draws", component);
  await made.exports.prepare(painterShader);
  return made;
};

/** The same, by hand. */
const direct = async () => {
  const adapter = await findAdapter({}, { environment, drivers: softwareDrivers });
  if ("looked" in adapter) throw new Error("There is no GPU to measure on");
  const device = await adapter.requestDevice();
  const module = device.createShaderModule({ code: painterShader });
  const format = "bgra8unorm";
  const pipeline = device.createRenderPipeline({
    layout: "auto",
    vertex: { module },
    fragment: { module, targets: [{ format }] },
  });
  const buffer = device.createBuffer({ size: 65_536, usage: 72 });
  device.queue.writeBuffer(buffer, 0, new Float32Array([0, 0, 1, 0]));
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer, size: 16 } }],
  });
  const texture = device.createTexture({ size, format, usage: 17 });
  const ring = [0, 1].map(() => device.createBuffer({ size: stride * size.height, usage: 9 }));
  const window = windowOf(size);
  const begin = () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginRenderPass({
      colorAttachments: [
        {
          view: texture.createView(),
          loadOp: "clear",
          storeOp: "store",
          clearValue: { r: 0, g: 0, b: 0.2, a: 1 },
        },
      ],
    });
    pass.setPipeline(pipeline);
    return { encoder, pass };
  };
  let frames = 0;
  const frame = () => {
    const { encoder, pass } = begin();
    pass.setBindGroup(0, group);
    pass.draw(3);
    pass.end();
    device.queue.submit([encoder.finish()]);
    const back = ring[frames++ % ring.length]!;
    const copying = device.createCommandEncoder();
    copying.copyTextureToBuffer({ texture }, { buffer: back, bytesPerRow: stride }, size);
    device.queue.submit([copying.finish()]);
    window.surface.presentLater(async (present) => {
      await back.mapAsync(1);
      const pixels = new Uint8Array(back.getMappedRange());
      present({ pixels, ...size, stride, order: "bgra" });
      back.unmap();
    });
  };
  const draws = (count: number) => {
    const { encoder, pass } = begin();
    pass.setScissorRect(0, 0, 8, 8);
    for (let i = 0; i < count; i++) {
      pass.setBindGroup(0, group);
      pass.draw(3);
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
  };
  return { ...window, frame, draws, device, description: adapter.info.description };
};

const framesARound = 20;
const drawsARound = 1000;
/** A frame of ours may take 1 / 0.8 of the direct one's time, a pass of a thousand draws twice as long. */
const ratioMax = { frame: 1.25, draws: 2 };

export const run = async (): Promise<Row[]> => {
  const [ours, theirs, script] = [await guest(), await direct(), await scripted()];
  const frames = await interleave(
    [
      {
        name: "loop",
        once: async () => {
          for (let i = 0; i < framesARound; i++) {
            await ours.exports.frame();
            await ours.settle();
          }
        },
      },
      {
        name: "overlapped",
        once: async () => {
          for (let i = 0; i < framesARound; i++) {
            await ours.exports.frame();
            await ours.settleBefore();
          }
          await ours.settleBefore();
        },
      },
      {
        name: "direct",
        once: async () => {
          for (let i = 0; i < framesARound; i++) {
            theirs.frame();
            await theirs.settle();
          }
        },
      },
    ],
    { rounds: 11, warm: 2 },
  );
  // Two of the three draw with the component.
  if (ours.seen.frames !== theirs.seen.frames * 2 || ours.seen.pixel !== theirs.seen.pixel)
    throw new Error(`What was shown differs: ${JSON.stringify([ours.seen, theirs.seen])}`);
  const perFrame = new Map([...frames].map(([name, ms]) => [name, ms / framesARound]));
  // Encoding alone: what the GPU does with a thousand triangles is the same for both, and long in software.
  const timed = async (work: () => unknown) => {
    const startMs = performance.now();
    await work();
    const ms = performance.now() - startMs;
    // In software the GPU is these very processors.
    await ours.exports.wait();
    await script.exports.wait();
    await theirs.device.queue.onSubmittedWorkDone();
    return ms;
  };
  const draws = await interleave(
    [
      { name: "loop", once: () => timed(() => ours.exports.draws(drawsARound)) },
      { name: "direct", once: () => timed(() => theirs.draws(drawsARound)) },
      { name: "plain", once: () => timed(() => script.exports.plain(drawsARound)) },
      { name: "recorded", once: () => timed(() => script.exports.recorded(drawsARound)) },
    ],
    // Both are compiled in the background while they run; on a busy machine that takes its time.
    { rounds: 101, warm: 200 },
  );
  return [
    versus(`triangle, a frame, on ${theirs.description}`, perFrame, "loop", "direct", ratioMax.frame),
    versus("  the next frame drawn beside it", perFrame, "overlapped", "loop"),
    versus("a thousand draws, encoded and submitted", draws, "loop", "direct", ratioMax.draws),
    ...(await presenters()),
    versus("  from TypeScript, call by call", draws, "plain", "direct"),
    versus("  from TypeScript, written down by the template's Pass", draws, "recorded", "direct"),
  ];
};
