// One process that draws into a real window, for direct.test.ts: bun tests/direct.ts CASE FOLDER, with DISPLAY set and the
// screen's picture in FOLDER. Says what it saw as JSON on standard output.
import { dlopen, type Pointer, ptr } from "bun:ffi";
import type { GpuDevice } from "../src/providers/gfx/device.ts";
import type { Device } from "../src/providers/gfx/wgpu/device.ts";
import type { WindowSurface } from "../src/providers/gfx/wgpu/surface.ts";
import { Desk } from "../src/providers/window/desk.ts";
import { settingsOf } from "../src/providers/window/settings.ts";
import { screenArea } from "./display.ts";
import { soon } from "./home.ts";
import { instance, library, paint } from "./painted.ts";

const [, , named = "", folder = ""] = process.argv;
const desk = new Desk(settingsOf({ folder: "." }));

/** A window in a corner, and how often its pictures were read back. */
const window = (x: number, y: number, width: number, height: number) => {
  const pane = desk.open(`window ${x}`, width, height);
  pane.shown!.place(x, y);
  const counted = {
    pane,
    reads: 0,
    pixel: (dx: number, dy: number) => screenArea(folder, x + dx, y + dy)[0]!,
  };
  const later = pane.presentLater.bind(pane);
  pane.presentLater = (work) =>
    later((present) =>
      work((picture) => {
        counted.reads++;
        present(picture);
      }),
    );
  return counted;
};

const fill: typeof paint = async (...given) => {
  await paint(...given);
  await desk.finishFrame();
};

const orange = [255, 128, 0] as const;
const blue = [0, 64, 255] as const;
const hex = ([r, g, b]: readonly number[]) => (r! << 16) | (g! << 8) | b!;
/** Draws until it is to be seen: a window manager may be there, and a server is another process. */
const until = async (seen: () => boolean, again: () => unknown = () => undefined): Promise<boolean> => {
  const tries = Date.now();
  for (;;) {
    await again();
    desk.screen.poll();
    if (seen()) return true;
    if (Date.now() - tries > 20_000) return false;
    await Bun.sleep(20);
  }
};

/** The triangle of knowledge/gfx.md's benchmark: edges in every direction, and colours between. */
const shader = `struct Out { @builtin(position) at: vec4f, @location(0) colour: vec3f }
@vertex fn v(@builtin(vertex_index) i: u32) -> Out {
  let at = array(vec2f(0, 0.8), vec2f(-0.9, -0.7), vec2f(0.7, -0.6));
  let colour = array(vec3f(1, 0, 0), vec3f(0, 1, 0), vec3f(0, 0, 1));
  return Out(vec4f(at[i], 0, 1), colour[i]);
}
@fragment fn f(in: Out) -> @location(0) vec4f { return vec4f(in.colour, 1); }`;

const drawTriangle = async (into: "direct" | "read") => {
  const { device, context } = await instance(into);
  const shown = window(50, 60, 300, 200);
  const gpu = await device();
  const canvas = context(shown.pane);
  canvas.configure({ device: gpu });
  const module = gpu.createShaderModule({ code: shader });
  const targets = [{ format: "bgra8unorm" }];
  const pipeline = gpu.createRenderPipeline({ vertex: { module }, fragment: { module, targets } });
  const draw = async () => {
    const encoder = gpu.createCommandEncoder();
    const view = canvas.getCurrentTexture().createView();
    const clearValue = { r: 0.2, g: 0, b: 0.2, a: 1 };
    const pass = encoder.beginRenderPass({
      colorAttachments: [{ view, loadOp: "clear", storeOp: "store", clearValue }],
    });
    pass.setPipeline(pipeline);
    pass.draw(3);
    pass.end();
    gpu.queue().submit([encoder.finish()]);
    await canvas.present();
    await desk.finishFrame();
  };
  await until(() => shown.pixel(2, 2) === 0x330033, draw);
  for (let frame = 0; frame < 3; frame++) await draw();
  await Bun.sleep(200);
  const pixels = screenArea(folder, 50, 60, 300, 200);
  const colours = new Set(pixels).size;
  return { digest: Bun.hash(Uint32Array.from(pixels)).toString(), colours, reads: shown.reads };
};

/** The face of the device that the library's own functions are called with. */
const nativeOf = (gpu: GpuDevice) => gpu.native as unknown as Device;

const loseIt = (gpu: GpuDevice): void => {
  const { symbols } = dlopen(library, {
    wgpuDeviceForceLoss: { args: ["ptr", "u32", "ptr", "u64"], returns: "void" },
  });
  const text = Buffer.from("taken out");
  symbols.wgpuDeviceForceLoss(nativeOf(gpu).pointer as Pointer, 1, ptr(text), text.length);
};

const start = async () => {
  const made = await instance("direct");
  const shown = window(50, 60, 300, 200);
  const gpu = await made.device();
  const canvas = made.context(shown.pane);
  canvas.configure({ device: gpu });
  return { ...made, shown, gpu, canvas };
};

/** Changes what the device answers when it is asked for a window's surface. */
const surfaces = (
  gpu: GpuDevice,
  change: (surface: WindowSurface | undefined) => WindowSurface | undefined,
) => {
  const native = nativeOf(gpu);
  const open = native.surfaceOn.bind(native);
  native.surfaceOn = (window) => change(open(window));
};

/** Draws an orange picture with a surface that fails in one way, and says whether it was seen and how. */
const fallsBack = async (change: (surface: WindowSurface) => WindowSurface | undefined) => {
  const { shown, gpu, canvas } = await start();
  surfaces(gpu, (surface) => surface && change(surface));
  gpu.pushErrorScope("validation");
  const seen = await until(
    () => shown.pixel(10, 10) === hex(orange),
    () => fill(gpu, canvas, orange),
  );
  return { seen, readBack: shown.reads > 0, error: (await gpu.popErrorScope()) ?? null };
};

const cases: Readonly<Record<string, () => Promise<unknown>>> = {
  triangle: () => drawTriangle("direct"),
  "triangle read back": () => drawTriangle("read"),

  async resize() {
    const { shown, gpu, canvas } = await start();
    const seen: boolean[] = [];
    for (const [width, height] of [
      [300, 200],
      [420, 330],
      [120, 90],
    ] as const) {
      shown.pane.setSize(width, height);
      const colour = seen.length % 2 === 0 ? orange : blue;
      seen.push(
        await until(
          () => shown.pixel(width - 2, height - 2) === hex(colour),
          () => fill(gpu, canvas, colour),
        ),
      );
    }
    return { seen, reads: shown.reads };
  },

  async "two windows"() {
    const { shown, gpu, canvas, context } = await start();
    const other = window(500, 60, 200, 100);
    const second = context(other.pane);
    second.configure({ device: gpu });
    const seen = await until(
      () => shown.pixel(10, 10) === hex(orange) && other.pixel(10, 10) === hex(blue),
      async () => {
        await fill(gpu, canvas, orange);
        await fill(gpu, second, blue);
      },
    );
    other.pane.close();
    const after = await until(
      () => shown.pixel(10, 10) === hex(blue),
      () => fill(gpu, canvas, blue),
    );
    return { seen, after, reads: shown.reads + other.reads };
  },

  async "two contexts of one window"() {
    const { shown, gpu, canvas, context } = await start();
    const second = context(shown.pane);
    second.configure({ device: gpu });
    for (let frame = 0; frame < 20; frame++) {
      await fill(gpu, canvas, blue);
      await fill(gpu, second, orange);
    }
    const seen = await until(() => shown.pixel(10, 10) === hex(orange));
    return { seen, reads: shown.reads };
  },

  async swap() {
    const { shown, gpu, canvas } = await start();
    const before = await until(
      () => shown.pixel(10, 10) === hex(orange),
      () => fill(gpu, canvas, orange),
    );
    const next = await instance("direct");
    const [device, taken] = [await next.device(), next.context(shown.pane)];
    taken.configure({ device });
    const tried = await until(
      () => shown.pixel(10, 10) === hex(blue),
      () => fill(device, taken, blue),
    );
    // The one that came fails, and the one before goes on.
    next.drop();
    const back = await until(
      () => shown.pixel(10, 10) === hex(orange),
      () => fill(gpu, canvas, orange),
    );
    return { before, tried, back, reads: shown.reads };
  },

  async loss() {
    const { shown, gpu, canvas, device } = await start();
    await fill(gpu, canvas, blue);
    loseIt(gpu);
    await fill(gpu, canvas, blue).catch(() => undefined);
    const lost = await soon(() => gpu.lost() as { reason: string; message: string } | undefined);
    const again = await device();
    canvas.configure({ device: again });
    const seen = await until(
      () => shown.pixel(10, 10) === hex(orange),
      () => fill(again, canvas, orange),
    );
    return { reason: lost.reason, message: lost.message.split("\n")[0], seen, reads: shown.reads };
  },

  async "destroyed device"() {
    const { shown, gpu, canvas } = await start();
    await fill(gpu, canvas, blue);
    gpu.destroy();
    await fill(gpu, canvas, orange).catch(() => undefined);
    canvas.unconfigure();
    shown.pane.close();
    return { open: shown.pane.isOpen };
  },

  async "window closed in a frame"() {
    const { shown, gpu, canvas } = await start();
    await fill(gpu, canvas, blue);
    canvas.getCurrentTexture();
    shown.pane.close();
    await canvas.present();
    await fill(gpu, canvas, blue);
    return { open: shown.pane.isOpen };
  },

  async "what lay over it"() {
    const { shown, gpu, canvas } = await start();
    const over = window(60, 70, 50, 50);
    over.pane.present({
      pixels: new Uint8Array(10_000).fill(255),
      width: 50,
      height: 50,
      stride: 200,
      order: "rgba",
    });
    await fill(gpu, canvas, orange);
    await until(
      () => over.pixel(20, 20) === 0xffffff,
      () =>
        over.pane.present({
          pixels: new Uint8Array(10_000).fill(255),
          width: 50,
          height: 50,
          stride: 200,
          order: "rgba",
        }),
    );
    over.pane.close();
    return { seen: await until(() => shown.pixel(30, 30) === hex(orange)), reads: shown.reads };
  },

  "no surface": () => fallsBack(() => undefined),
  "no format": () => fallsBack((surface) => Object.assign(surface, { takes: () => false })),
  "configuration that fails": () =>
    fallsBack((surface) => {
      const configure = surface.configure.bind(surface);
      return Object.assign(surface, {
        configure: () => configure({ width: 300, height: 200, format: "r8unorm" }),
      });
    }),
  "surface that is lost": () =>
    fallsBack((surface) => Object.assign(surface, { next: () => ({ status: "lost", texture: undefined }) })),
  "surface that is outdated for ever": () =>
    fallsBack((surface) =>
      Object.assign(surface, { next: () => ({ status: "outdated", texture: undefined }) }),
    ),

  async "a picture that comes late"() {
    const { shown, gpu, canvas } = await start();
    let late = 3;
    surfaces(gpu, (surface) => {
      const next = surface!.next.bind(surface);
      return Object.assign(surface!, {
        next: () => (late-- > 0 ? { status: "late", texture: undefined } : next()),
      });
    });
    const seen = await until(
      () => shown.pixel(10, 10) === hex(orange),
      () => fill(gpu, canvas, orange),
    );
    return { seen, reads: shown.reads };
  },

  /** Thousands of frames: what a frame leaves behind would be seen. */
  async many() {
    const { gpu, canvas, shown } = await start();
    const frames = async (count: number) => {
      for (let frame = 0; frame < count; frame++) {
        await fill(gpu, canvas, frame % 2 === 0 ? orange : blue);
        if (frame % 64 === 0) desk.screen.poll();
      }
      Bun.gc(true);
      await Bun.sleep(50);
      return process.memoryUsage.rss() / 1e6;
    };
    const before = await frames(500);
    const after = await frames(3000);
    return { grownBy: Math.round(after - before), reads: shown.reads };
  },
};

const answer = await cases[named]!();
desk.end();
console.log(JSON.stringify(answer));
process.exit(0);
