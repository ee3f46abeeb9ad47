import { expect, test } from "bun:test";
import type { ScreenSettings } from "../../host/provider.ts";
import { worldOf } from "./world.ts";

const drawsIntoWindows = (
  screen: Omit<ScreenSettings, "folder"> | undefined,
  environment: Record<string, string> = { DISPLAY: ":0" },
) => worldOf(screen ? { screen: { folder: "/", ...screen } } : {}, { environment }).windowDawn !== undefined;

test("what somebody sees on a display of X is drawn into the window, and nothing else", () => {
  expect(drawsIntoWindows({})).toBe(true);
  expect(drawsIntoWindows({}, { DISPLAY: ":0", WAYLAND_DISPLAY: "wayland-0" })).toBe(true);
  expect(drawsIntoWindows({}, { WAYLAND_DISPLAY: "wayland-0" })).toBe(false);
  expect(drawsIntoWindows({}, { DISPLAY: ":0", SDL_VIDEODRIVER: "wayland" })).toBe(false);
  expect(drawsIntoWindows({}, {})).toBe(false);
  expect(drawsIntoWindows(undefined)).toBe(false);
});

test("where pixels are wanted back they are read back", () => {
  expect(drawsIntoWindows({ headless: true })).toBe(false);
  expect(drawsIntoWindows({ frames: "60" })).toBe(false);
  expect(drawsIntoWindows({ screenshots: ["1:a.png"] })).toBe(false);
  expect(drawsIntoWindows({ input: "events" })).toBe(false);
  expect(drawsIntoWindows({ record: "events" })).toBe(false);
});

test("a library is looked for where the component's folder is, and off wants none", async () => {
  const named = (webgpu: string) =>
    worldOf({ screen: { folder: "/nowhere", webgpu } }, { environment: { DISPLAY: ":0" } }).windowDawn!();
  await expect(named("lib.so")).rejects.toThrow("/nowhere/lib.so");
  expect(await named("off")).toBeUndefined();
});
