import { expect, test } from "bun:test";
import { DeclaredError } from "../../base/fault.ts";
import { type Picture, type Surface, surfaceKey } from "../surface.ts";
import { framebuffer } from "./framebuffer.ts";

const { "loop:gfx/frame-buffer@0.1.0": given } = framebuffer.instantiate({} as never) as Record<
  string,
  { present(window: object, width: number, height: number, pixels: Uint8Array): void }
>;
const { present } = given!;

const shown: Picture[] = [];
const windowOf = (isOpen: boolean) => ({
  [surfaceKey]: { isOpen, present: (picture) => shown.push(picture) } as Partial<Surface> as Surface,
});
const payload = (work: () => void): unknown => {
  try {
    work();
  } catch (error) {
    if (error instanceof DeclaredError) return (error.payload as { tag: string }).tag;
    throw error;
  }
  return undefined;
};

test("a picture reaches the surface of its window as it is", () => {
  const pixels = new Uint8Array(24);
  present(windowOf(true), 3, 2, pixels);
  expect(shown.pop()).toEqual({ pixels, width: 3, height: 2, stride: 12, order: "rgba" });
});

test("a window that is no surface of ours shows nothing", () => {
  expect(payload(() => present({}, 1, 1, new Uint8Array(4)))).toBe("unsupported");
});

test("a picture whose bytes are not its size, or that is too large, is refused and says so", () => {
  const open = windowOf(true);
  expect(payload(() => present(open, 2, 2, new Uint8Array(15)))).toBe("invalid");
  expect(payload(() => present(open, 0, 2, new Uint8Array(0)))).toBe("invalid");
  expect(payload(() => present(open, 100_000, 1, new Uint8Array(400_000)))).toBe("too-large");
  expect(payload(() => present(windowOf(false), 1, 1, new Uint8Array(4)))).toBe("closed");
  expect(shown).toEqual([]);
});
