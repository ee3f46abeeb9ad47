import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeclaredError } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { GuestExit, type InstanceContext, type ScreenSettings } from "../../host/provider.ts";
import { noGrants } from "../../trust/grants.ts";
import type { Pad, WindowEvent } from "../event.ts";
import { type Picture, surfaceOf } from "../surface.ts";
import { deskOf } from "./desk.ts";
import type { dropsOf } from "./drops.ts";
import { implement } from "./interfaces.ts";
import type { windowClass } from "./resource.ts";
import { windowProvider } from "./window.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-desk-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A pixel of a picture. */
const grey = (value: number): Picture => {
  const pixels = new Uint8Array(4).fill(value);
  return { pixels, width: 1, height: 1, stride: 4, order: "rgba" };
};

/** A guest's view of what is tried here. */
interface Given {
  readonly windows: { readonly Window: ReturnType<typeof windowClass> };
  readonly drops: ReturnType<typeof dropsOf>;
  readonly polling: {
    nextFrame(): Promise<number>;
    nextEvent(seconds: number | undefined): Promise<WindowEvent | undefined>;
  };
  readonly frames: { stop(exitCode: number): void; frameStats(): { readonly eventsLost: bigint } };
  readonly clipboard: { readText(): string | undefined; writeText(text: string): void };
  readonly gamepads: { list(): Pad[] };
}

/** An instance's interfaces on no screen, with a script of lines. */
const instance = (lines: readonly string[] = [], more: Partial<ScreenSettings> = {}) => {
  const releases: (() => void)[] = [];
  const input = join(folder, "events.txt");
  writeFileSync(input, lines.join("\n"));
  const context: InstanceContext = {
    component: { identifier: "app.wasm", digest: `sha256:${"0".repeat(64)}` },
    args: [],
    grants: noGrants,
    stdio: {} as InstanceContext["stdio"],
    screen: { folder, headless: true, input: lines.length > 0 ? input : undefined, ...more },
    shared: {},
    onDrop: (release) => releases.push(release),
  };
  const given = implement(context);
  const of = <N extends keyof Given>(name: N) => given[`loop:window/${name}@0.1.0`] as unknown as Given[N];
  return {
    desk: deskOf(context),
    Window: of("windows").Window,
    polling: of("polling"),
    frames: of("frames"),
    drops: of("drops"),
    clipboard: of("clipboard"),
    gamepads: of("gamepads"),
    drop: () => {
      for (const release of releases.toReversed()) release();
    },
  };
};

const payload = (work: () => unknown): { tag: string; val?: string } | undefined => {
  try {
    work();
  } catch (error) {
    if (error instanceof DeclaredError) return error.payload as { tag: string };
    throw error;
  }
  return undefined;
};

test("a window beyond the limits is a declared error that says the limit, and none is opened", () => {
  const { Window, desk } = instance();
  expect(payload(() => Window.open("", 100_000, 100_000))?.tag).toBe("too-large");
  expect(payload(() => Window.open("", 8192, 8192))?.val).toContain("40000000 pixels");
  expect(payload(() => Window.open("", 0, 1))?.tag).toBe("invalid");
  expect(payload(() => Window.open("x".repeat(limits.windowTitleMax + 1), 1, 1))?.tag).toBe("too-large");
  expect(desk.opened).toBe(0);
  const window = Window.open("", 10, 10);
  expect(payload(() => window.setSize(100_000, 1))?.tag).toBe("too-large");
  expect(payload(() => window.setTitle("x".repeat(limits.windowTitleMax + 1)))?.tag).toBe("too-large");
  expect(payload(() => window.setIcon(2, 2, new Uint8Array(15)))?.tag).toBe("invalid");
  expect(payload(() => window.setIcon(1000, 1000, new Uint8Array(4)))?.tag).toBe("too-large");
  const large = Window.open("", 8000, 5000);
  expect(payload(() => Window.open("", 8000, 5000))?.val).toContain("pixels together; the limit is 80000000");
  expect(payload(() => large.setSize(8000, 4999))).toBeUndefined();
  large.close();
  for (let count = 1; count < limits.windowsMax; count++) Window.open("", 1, 1);
  expect(payload(() => Window.open("", 1, 1))?.tag).toBe("too-many");
});

test("a closed window is closed for ever, and says so where it is asked to change", () => {
  const { Window, desk } = instance();
  const window = Window.open("one", 10, 20);
  let closes = 0;
  const surface = surfaceOf(window)!;
  surface.onClose(() => closes++);
  expect([window.id(), window.isOpen(), window.title(), window.size()]).toEqual([
    1,
    true,
    "one",
    { width: 10, height: 20 },
  ]);
  window[Symbol.dispose]();
  window.close();
  expect([closes, window.isOpen(), window.size(), desk.openNow]).toEqual([
    1,
    false,
    { width: 0, height: 0 },
    0,
  ]);
  expect(payload(() => window.setTitle("two"))).toEqual({ tag: "closed" });
  window.setCursor("hand");
  surface.present({ pixels: new Uint8Array(4), width: 1, height: 1, stride: 4, order: "rgba" });
  expect(Window.open("", 1, 1).id()).toBe(2);
});

test("a script's events come before their frame, in order, and the run ends after the last", async () => {
  const { Window, polling, frames } = instance([
    '{"frame": 2, "key-down": {"code": "KeyA"}}',
    '{"frame": 2, "text-entered": "a"}',
    '{"frame": 4, "pointer-left": true}',
  ]);
  Window.open("", 10, 10);
  const seen: unknown[] = [];
  const run = async () => {
    for (;;) {
      const time = await polling.nextFrame();
      seen.push(Math.round(time * 60));
      for (let event = await polling.nextEvent(0); event; event = await polling.nextEvent(0))
        seen.push([event.what.tag, Math.round(event.time * 60)]);
    }
  };
  expect(await run().catch((error) => error)).toBeInstanceOf(GuestExit);
  expect(seen).toEqual([0, 1, ["key-down", 1], ["text-entered", 1], 2, 3, ["pointer-left", 3], 4]);
  expect(frames.frameStats().eventsLost).toBe(0n);
});

test("waiting for an event waits on the script's clock", async () => {
  const { Window, polling, desk } = instance(['{"frame": 30, "focused": true}'], { frames: "40" });
  Window.open("", 10, 10);
  expect(await polling.nextEvent(0.1)).toBeUndefined();
  expect(Math.round(desk.time * 60)).toBe(6);
  expect((await polling.nextEvent(undefined))?.what.tag).toBe("focused");
  expect(desk.frame).toBe(30);
  expect(await polling.nextEvent(undefined).catch((error: unknown) => error)).toBeInstanceOf(GuestExit);
});

test("a window closes when the person wants it, unless it says that it decides itself", async () => {
  const { Window, polling, desk } = instance(
    ['{"frame": 1, "close-asked": true}', '{"frame": 2, "window": 1, "close-asked": true}'],
    { frames: "9" },
  );
  const [first, second] = [Window.open("", 1, 1), Window.open("", 1, 1)];
  first.setClosesItself(false);
  const tags: string[] = [];
  for (let event = await polling.nextEvent(1); event; event = await polling.nextEvent(0.05)) {
    tags.push(`${event.window} ${event.what.tag}`);
    if (event.what.tag === "close-asked" && tags.length > 1) first.close();
  }
  expect(tags).toEqual(["1 close-asked", "1 close-asked", "1 closed"]);
  expect([first.isOpen(), second.isOpen(), desk.over]).toEqual([false, true, false]);
  second.close();
  expect(desk.over).toBe(false);
  expect(desk.take()?.what.tag).toBe("closed");
  expect(desk.over).toBe(true);
});

test("a resize reaches the surface before the guest, and the canvas has the new size", async () => {
  const { Window, polling } = instance(['{"frame": 1, "resized": {"width": 30, "height": 40}}']);
  const window = Window.open("", 10, 10);
  const surface = surfaceOf(window)!;
  const sizes: number[][] = [];
  surface.onResize((width, height) => sizes.push([width, height]));
  await polling.nextFrame();
  await polling.nextFrame();
  const event = await polling.nextEvent(0);
  expect(event?.what).toEqual({
    tag: "resized",
    val: { width: 30, height: 40, pixelWidth: 30, pixelHeight: 40 },
  });
  expect([sizes, surface.width, surface.height, surface.scale]).toEqual([[[30, 40]], 30, 40, 1]);
  expect(surface.native).toBeUndefined();
});

test("events that nobody takes are bounded, and counted", async () => {
  const { Window, polling, frames } = instance(
    Array.from({ length: limits.windowEventsMax + 10 }, () => '{"frame": 1, "focused": true}'),
  );
  Window.open("", 1, 1);
  await polling.nextFrame();
  expect(frames.frameStats().eventsLost).toBe(10n);
});

test("a dropped file is read by its handle and by nothing else; it is taken once, and a folder is none", async () => {
  writeFileSync(join(folder, "note.txt"), "hello");
  mkdirSync(join(folder, "inner"));
  const { Window, polling, drops, drop } = instance([
    '{"frame": 1, "file-dropped": "note.txt"}',
    '{"frame": 1, "file-dropped": "inner"}',
  ]);
  Window.open("", 1, 1);
  await polling.nextFrame();
  const event = await polling.nextEvent(0);
  expect(event?.what).toEqual({ tag: "file-dropped", val: { drop: 1, name: "note.txt" } });
  const file = drops.take(1);
  expect(payload(() => drops.take(1))).toEqual({ tag: "gone" });
  expect([file.name(), file.size()]).toEqual(["note.txt", 5n]);
  expect(Buffer.from(file.read(1n, 3)).toString()).toBe("ell");
  expect(file.read(5n, 3).length).toBe(0);
  expect(file.read(2n ** 63n, 4_000_000_000).length).toBe(0);
  expect(payload(() => drops.take(2))?.tag).toBe("other");
  expect(payload(() => drops.take(2))?.tag).toBe("gone");
  drop();
  expect(payload(() => file.read(0n, 1))).toEqual({ tag: "gone" });
});

test("the clipboard of no screen is the instance's own, and bounded", () => {
  const { clipboard } = instance();
  expect(clipboard.readText()).toBeUndefined();
  clipboard.writeText("kept");
  expect(clipboard.readText()).toBe("kept");
  expect(instance().clipboard.readText()).toBeUndefined();
  expect(payload(() => clipboard.writeText("x".repeat(limits.clipboardBytesMax + 1)))?.tag).toBe("too-large");
});

test("the clipboard is the one interface of loop:window that has to be granted", () => {
  const granted = new Set(windowProvider.defaultGranted as string[]);
  const all = windowProvider.interfaces.map((name) => name.replace(/@.*/, ""));
  expect(all.filter((name) => !granted.has(name))).toEqual(["loop:window/clipboard"]);
});

test("pads are heard of once they were asked for", async () => {
  const { Window, polling, gamepads } = instance([
    '{"frame": 1, "pad-connected": {"name": "Pad"}}',
    '{"frame": 2, "pad-down": {"button": "south"}}',
    '{"frame": 3, "pad-disconnected": 1}',
  ]);
  Window.open("", 1, 1);
  await polling.nextFrame();
  expect(gamepads.list()).toEqual([{ pad: 1, name: "Pad" }]);
  await polling.nextFrame();
  await polling.nextFrame();
  expect(gamepads.list()).toEqual([]);
});

test("a screenshot is what was presented by then, as a PNG of the window's size", async () => {
  const { Window, polling, drop } = instance([], { screenshots: ["2:two.png"] });
  const surface = surfaceOf(Window.open("", 8, 4))!;
  await polling.nextFrame();
  surface.presentLater(async (present) => {
    await Bun.sleep(5);
    present(grey(200));
  });
  await polling.nextFrame();
  expect(await polling.nextFrame().catch((error: unknown) => error)).toBeInstanceOf(GuestExit);
  const png = readFileSync(join(folder, "two.png"));
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([8, 4]);
  drop();
});

test("a picture of a frame before waits for no frame but the one after the next, and is never over a newer one", async () => {
  const { Window, polling, drop } = instance([], { screenshots: ["4:late.png"] });
  const surface = surfaceOf(Window.open("", 2, 1))!;
  await polling.nextFrame();
  const arrive: (() => void)[] = [];
  const order: string[] = [];
  for (const value of [10, 20])
    surface.presentLater(async (present) => {
      await new Promise<void>((resolve) => arrive.push(resolve));
      order.push(`picture ${value}`);
      present(grey(value));
    });
  await polling.nextFrame();
  order.push("the next frame");
  // Now something newer is there than both.
  surface.present(grey(30));
  const third = polling.nextFrame().then(() => order.push("the one after"));
  for (const release of arrive.reverse()) {
    await Bun.sleep(1);
    release();
  }
  await third;
  expect(order).toEqual(["the next frame", "picture 20", "picture 10", "the one after"]);
  await polling.nextFrame();
  await polling.nextFrame().catch(() => {});
  const png = readFileSync(join(folder, "late.png"));
  // One row: its filter, then its pixels.
  expect([...Bun.inflateSync(png.subarray(43, png.length - 20)).subarray(1)]).toEqual(Array(6).fill(30));
  drop();
});

test("what shows a late picture and fails is heard of at a frame's end", async () => {
  const { Window, polling, drop } = instance();
  const surface = surfaceOf(Window.open("", 2, 1))!;
  await polling.nextFrame();
  surface.presentLater(() => Promise.reject(new Error("no pixels")));
  const failed = polling
    .nextFrame()
    .then(() => polling.nextFrame())
    .catch((error: unknown) => error);
  expect(await failed).toEqual(new Error("no pixels"));
  drop();
});

test("a guest that stops is over with its own code", async () => {
  const { Window, polling, frames } = instance();
  Window.open("", 1, 1);
  await polling.nextFrame();
  frames.stop(7);
  const exit = await polling.nextFrame().catch((error: unknown) => error);
  expect(exit).toBeInstanceOf(GuestExit);
  expect((exit as GuestExit).exitCode).toBe(7);
});
