import { expect, test } from "bun:test";
import { inflateSync } from "node:zlib";
import { wasmTools } from "../../contract/tools.ts";
import type { Picture } from "../surface.ts";
import { draw, readCanvas } from "./picture.ts";
import { encodePng } from "./png.ts";
import type { Canvas } from "./screen.ts";
import { copySwapped, moduleBytes, moduleText } from "./swap.ts";

/** A picture whose pixel at x, y is [x, y, x + y, 255], rows `padding` pixels longer than they are wide. */
const pictureOf = (width: number, height: number, order: Picture["order"], padding = 0): Picture => {
  const stride = (width + padding) * 4;
  const pixels = new Uint8Array(stride * height).fill(77);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [red, blue] = order === "rgba" ? [0, 2] : [2, 0];
      const at = y * stride + x * 4;
      pixels[at + red] = x;
      pixels[at + 1] = y;
      pixels[at + blue] = x + y;
      pixels[at + 3] = 255;
    }
  return { pixels, width, height, stride, order };
};

const canvasOf = (width: number, height: number, order: Canvas["order"], padding = 0): Canvas => ({
  pixels: new Int32Array((width + padding) * height),
  width,
  height,
  pitch: width + padding,
  order,
});

/** The rule, said once more and slowly: the picture's pixel in whose area the middle of the canvas's pixel lies. */
const expected = (picture: Picture, width: number, height: number): number[] =>
  Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => {
      const column = Math.floor(((x + 0.5) / width) * picture.width);
      const row = Math.floor(((y + 0.5) / height) * picture.height);
      return [column, row, column + row, 255];
    }),
  ).flat(2);

test("a picture fills a canvas by the nearest pixel, in any order of bytes and with any rows", () => {
  for (const [width, height] of [
    [7, 5],
    [14, 10],
    [3, 2],
    [20, 3],
  ] as const)
    for (const from of ["rgba", "bgra"] as const)
      for (const to of ["rgba", "bgra"] as const)
        for (const padding of [0, 3]) {
          const picture = pictureOf(7, 5, from, padding);
          const canvas = canvasOf(width, height, to, padding);
          draw(picture, canvas);
          expect([...readCanvas(canvas)]).toEqual(expected(picture, width, height));
        }
});

test("a picture that does not begin at a word is drawn all the same", () => {
  const picture = pictureOf(4, 4, "rgba");
  const moved = new Uint8Array(65);
  moved.set(picture.pixels, 1);
  const canvas = canvasOf(4, 4, "bgra");
  draw({ ...picture, pixels: moved.subarray(1) }, canvas);
  expect([...readCanvas(canvas)]).toEqual(expected(picture, 4, 4));
});

test("the module that swaps is what its text says, and swaps pictures of every size", async () => {
  const { parse } = await wasmTools();
  expect(Buffer.from(await parse(moduleText)).equals(Buffer.from(moduleBytes()))).toBe(true);
  for (const length of [1, 3, 4, 5, 65_536, 65_537, 140_001]) {
    const source = Int32Array.from({ length }, (_, at) => Math.imul(at, 0x9e3779b1));
    const target = new Int32Array(length + 2).fill(7);
    copySwapped(source, target.subarray(1, length + 1));
    const wanted = source.map((word) => (word & 0xff00ff00) | ((word & 0xff) << 16) | ((word >>> 16) & 0xff));
    expect(target.subarray(1, length + 1)).toEqual(wanted);
    expect([target[0], target[length + 1]]).toEqual([7, 7]);
  }
});

test("a PNG holds the picture's rows, and its parts their sums", () => {
  const { pixels } = pictureOf(5, 3, "rgba");
  const png = encodePng(pixels, 5, 3);
  const view = new DataView(png.buffer, png.byteOffset);
  expect([...png.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  expect([view.getUint32(16), view.getUint32(20)]).toEqual([5, 3]);
  const length = view.getUint32(33);
  const data = png.subarray(41, 41 + length);
  expect(view.getUint32(41 + length)).toBe(Bun.hash.crc32(png.subarray(37, 41 + length)));
  const raw = inflateSync(data);
  const before = new Uint8Array(15);
  for (let y = 0; y < 3; y++) {
    expect(raw[y * 16]).toBe(2);
    for (let at = 0; at < 15; at++) before[at]! += raw[y * 16 + 1 + at]!;
    const row = Array.from({ length: 5 }, (_, x) => [x, y, x + y]).flat();
    expect([...before]).toEqual(row);
  }
});
