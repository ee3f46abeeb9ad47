import { expect, test } from "bun:test";
import type { InstanceContext } from "../../host/provider.ts";
import { noGrants } from "../../trust/grants.ts";
import type { WindowEvent } from "../event.ts";
import type { Desk, OpenSurface, Picture } from "../surface.ts";
import { gfx3Provider } from "./gfx3.ts";

// The proposals of 2026, called as the linker's glue would call them: promises, and streams as what can be iterated.

const deskOf = (frames: number) => {
  const shown: Picture[] = [];
  const present = (picture: Picture) => void shown.push({ ...picture, pixels: picture.pixels.slice() });
  let tell: (event: WindowEvent) => void = () => {};
  const state = { ended: false, frame: 0, isOpen: true };
  const surface = {
    id: 1,
    width: 8,
    height: 4,
    scale: 1,
    get isOpen() {
      return state.isOpen;
    },
    present,
    presentLater: (work: Parameters<OpenSurface["presentLater"]>[0]) => void work(present),
    close() {
      state.isOpen = false;
    },
  } as unknown as OpenSurface;
  const desk: Desk = {
    open: () => surface,
    listen: (_surface, listener) => {
      tell = listener;
      return () => {};
    },
    nextFrame: async () => {
      if (++state.frame > frames) state.ended = true;
      return state.frame / 60;
    },
    get ended() {
      return state.ended;
    },
    exitCode: undefined,
  };
  const happen = (what: WindowEvent["what"]) => tell({ window: 1, time: 0, what });
  return { desk, shown, happen };
};

interface Made {
  readonly webgpu: { getGpu(): Gpu };
  readonly Surface: new (wish: object) => Surface;
  readonly BufferContext: new (surface: Surface) => BufferContext;
}
interface Surface {
  width(): number;
  onFrame(): AsyncIterable<object>;
  onPointerUp(): AsyncIterable<object>;
  onResize(): AsyncIterable<object>;
}
interface BufferContext {
  getCurrentBuffer(): { getWithCopy(): Uint8Array; setWithCopy(bytes: Uint8Array): void };
  present(): void;
}
interface Gpu {
  requestAdapter(): Promise<{ requestDevice(): Promise<Device>; limits(): { maxImmediateSize(): number } }>;
}
interface Device {
  createBuffer(descriptor: object): { usage(): object; mapAsync(mode: object): Promise<void> };
  createShaderModule(descriptor: object): object;
  onUncapturedError(): AsyncIterable<{ kind(): { tag: string } }>;
  lost(): Promise<{ reason(): string }>;
  destroy(): void;
}

const open = async (desk: Desk): Promise<Made> => {
  const context = {
    component: { identifier: "test.wasm", digest: "sha256:00" },
    args: [],
    grants: noGrants,
    stdio: { stderr: { write() {} } },
    onDrop() {},
  } as unknown as InstanceContext;
  const services = { environment: { LOOP_GPU: "software" }, desk: async () => () => desk };
  const made = (await gfx3Provider(services).instantiate(context)) as unknown as Record<
    string,
    Record<string, never>
  >;
  return {
    webgpu: made["wasi:webgpu/webgpu@0.3.0-rc.2"] as never,
    Surface: made["wasi-gfx:surface/surface@0.2.0"]!.Surface!,
    BufferContext: made["wasi-gfx:surface/surface-frame-buffer@0.2.0"]!.Context!,
  };
};

const all = async (items: AsyncIterable<object>): Promise<object[]> => {
  const found: object[] = [];
  for await (const item of items) found.push(item);
  return found;
};

test("a frame buffer of 2026 is shown in a surface, without any grant", async () => {
  const { desk, shown } = deskOf(1);
  const { Surface, BufferContext } = await open(desk);
  expect(gfx3Provider({ environment: {} }).defaultGranted).toContain("wasi-gfx:frame-buffer/frame-buffer");
  const context = new BufferContext(new Surface({ width: 8, height: 4 }));
  const buffer = context.getCurrentBuffer();
  buffer.setWithCopy(new Uint8Array(8 * 4 * 4).fill(7));
  expect(buffer.getWithCopy().length).toBe(128);
  context.present();
  expect(shown).toMatchObject([{ width: 8, height: 4, stride: 32, order: "bgra" }]);
  expect(shown[0]!.pixels).toEqual(new Uint8Array(128).fill(7));
});

test("streams give frames and events, and end with the last frame", async () => {
  const { desk, happen } = deskOf(3);
  const { Surface } = await open(desk);
  const surface = new Surface({});
  const [ups, resizes] = [all(surface.onPointerUp()), all(surface.onResize())];
  happen({ tag: "pointer-up", val: { x: 3, y: 2, button: "left", clicks: 1 } });
  happen({ tag: "resized", val: { width: 9, height: 5, pixelWidth: 9, pixelHeight: 5 } });
  expect(await all(surface.onFrame())).toEqual(Array(3).fill({ nothing: false }));
  expect(await ups).toEqual([{ x: 3, y: 2 }]);
  expect(await resizes).toEqual([{ width: 9, height: 5 }]);
});

test("streams end with the window", async () => {
  const { desk, happen } = deskOf(1000);
  const { Surface } = await open(desk);
  const surface = new Surface({});
  const ups = all(surface.onPointerUp());
  happen({ tag: "closed" } as never);
  expect(await ups).toEqual([]);
});

test("flags are flags, errors that no scope took are a stream, and a loss is a future", async () => {
  const { webgpu } = await open(deskOf(1).desk);
  const adapter = await webgpu.getGpu().requestAdapter();
  expect(adapter.limits().maxImmediateSize()).toBeGreaterThanOrEqual(0);
  const device = await adapter.requestDevice();
  const buffer = device.createBuffer({ size: 16n, usage: { mapRead: true, copyDst: true } });
  expect(buffer.usage()).toMatchObject({ mapRead: true, copyDst: true, uniform: false });
  await buffer.mapAsync({ read: true, write: false });
  device.createShaderModule({ code: "wrong" });
  for await (const error of device.onUncapturedError()) {
    expect(error.kind()).toEqual({ tag: "validation-error" });
    break;
  }
  const lost = device.lost();
  device.destroy();
  expect((await lost).reason()).toBe("destroyed");
});
