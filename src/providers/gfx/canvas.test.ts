import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Picture, type Surface, surfaceKey } from "../surface.ts";
import type { GpuCanvasContext } from "./canvas.ts";
import type { GpuDevice } from "./device.ts";
import { dawns, device, drawWith, faultOf, open } from "./fixture.ts";

// What is drawn comes into a window as it was drawn.

const windowOf = (width: number, height: number) => {
  const shown: (Omit<Picture, "pixels"> & { pixels: Uint8Array })[] = [];
  const held: Promise<unknown>[] = [];
  const present = (picture: Picture) =>
    void shown.push({ ...picture, pixels: new Uint8Array(picture.pixels) });
  const surface: Partial<Surface> & { width: number; height: number; isOpen: boolean } = {
    width,
    height,
    isOpen: true,
    present,
    presentLater: (work) => void held.push(work(present)),
  };
  const window = { [surfaceKey]: surface as unknown as Surface };
  const settle = () => Promise.all(held.splice(0));
  return { window, surface, shown, settle };
};

type Made = Readonly<Record<string, Record<string, unknown>>>;

const contextOf = async (window: object): Promise<GpuCanvasContext> => {
  const { made } = await open();
  const { GpuCanvasContext: Context } = (made as unknown as Made)["loop:gfx/surface@0.1.0"]!;
  return new (Context as new (window: object) => GpuCanvasContext)(window);
};

const draw = (gpu: GpuDevice, context: GpuCanvasContext, blue: number) => {
  const encoder = gpu.createCommandEncoder();
  const texture = context.getCurrentTexture();
  const view = texture.createView();
  const clearValue = { r: 1, g: 0.5, b: blue, a: 1 };
  encoder
    .beginRenderPass({
      colorAttachments: [{ view, loadOp: "clear", storeOp: "store", clearValue }],
    })
    .end();
  gpu.queue().submit([encoder.finish()]);
  view[Symbol.dispose]();
  return texture;
};

describe.each(dawns)("with %s", (_, dawn) => {
  beforeAll(() => drawWith(dawn));
  afterAll(() => drawWith(undefined));

  test("what is presented is shown with the window's size, in the preferred order", async () => {
    const { window, shown, settle } = windowOf(30, 20);
    const [gpu, context] = [await device(), await contextOf(window)];
    context.configure({ device: gpu });
    const texture = draw(gpu, context, 0);
    expect([texture.width(), texture.height(), texture.format()]).toEqual([30, 20, "bgra8unorm"]);
    await context.present();
    await settle();
    expect(shown).toMatchObject([{ width: 30, height: 20, stride: 256, order: "bgra" }]);
    expect([...shown[0]!.pixels.slice(0, 4)]).toEqual([0, 128, 255, 255]);
    expect([...shown[0]!.pixels.slice(19 * 256 + 29 * 4, 19 * 256 + 30 * 4)]).toEqual([0, 128, 255, 255]);
  });

  test("frames are shown in order, also more than are on their way at once", async () => {
    const { window, shown, settle } = windowOf(4, 4);
    const [gpu, context] = [await device(), await contextOf(window)];
    context.configure({ device: gpu, format: "rgba8unorm" });
    for (let frame = 0; frame < 10; frame++) {
      draw(gpu, context, frame / 255);
      await context.present();
    }
    await settle();
    expect(shown.map(({ pixels }) => pixels[2])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("one frame has one texture, and after a resize the next has the new size", async () => {
    const { window, surface, shown, settle } = windowOf(8, 8);
    const [gpu, context] = [await device(), await contextOf(window)];
    context.configure({ device: gpu });
    const first = draw(gpu, context, 0);
    Object.assign(surface, { width: 300, height: 5 });
    expect(context.getCurrentTexture().native).toBe(first.native);
    await context.present();
    expect(draw(gpu, context, 1).width()).toBe(300);
    await context.present();
    await settle();
    expect(shown.map(({ width, height }) => [width, height])).toEqual([
      [8, 8],
      [300, 5],
    ]);
  });

  test("a hundred sizes leave the memory of one", async () => {
    const { window, surface, settle } = windowOf(1, 1);
    const [gpu, context] = [await device(), await contextOf(window)];
    context.configure({ device: gpu });
    for (let size = 1; size <= 100; size++) {
      Object.assign(surface, { width: size, height: size });
      const texture = draw(gpu, context, 0);
      await context.present();
      texture[Symbol.dispose]();
      await settle();
    }
    const { holdings } = gpu.session;
    expect(holdings.bytes).toBe(100 * 100 * 4 + 2 * 512 * 100);
    context[Symbol.dispose]();
  });

  test("nothing is shown without a texture, in a closed window, or of a lost device", async () => {
    const { window, surface, shown, settle } = windowOf(4, 4);
    const [gpu, context] = [await device(), await contextOf(window)];
    await context.present();
    context.configure({ device: gpu });
    await context.present();
    draw(gpu, context, 0);
    surface.isOpen = false;
    await context.present();
    surface.isOpen = true;
    draw(gpu, context, 0);
    gpu.destroy();
    await Bun.sleep(10);
    await context.present();
    await settle();
    expect(shown).toEqual([]);
  });

  test("after a loss the same window is drawn with another device", async () => {
    const { window, shown, settle } = windowOf(4, 4);
    const context = await contextOf(window);
    const first = await device();
    context.configure({ device: first });
    draw(first, context, 0);
    first.destroy();
    const second = await device();
    context.configure({ device: second });
    draw(second, context, 1);
    await context.present();
    await settle();
    expect([...shown[0]!.pixels.slice(0, 4)]).toEqual([255, 128, 255, 255]);
  });

  test("wrong uses are refused in words", async () => {
    const { window } = windowOf(4, 4);
    const [gpu, context] = [await device(), await contextOf(window)];
    expect((await faultOf(() => contextOf({}))).message).toContain("none of the host's");
    expect((await faultOf(() => context.getCurrentTexture())).message).toContain("before it was configured");
    expect((await faultOf(() => context.configure({ device: gpu, format: "r8unorm" }))).message).toContain(
      "windows show rgba8unorm and bgra8unorm",
    );
    const huge = windowOf(100_000, 8);
    const large = await contextOf(huge.window);
    large.configure({ device: gpu });
    expect((await faultOf(() => large.getCurrentTexture())).code).toMatch(/^LK074[23]$/);
  });
});
