import type { Picture } from "../surface.ts";
import type { Canvas } from "./screen.ts";
import { copySwapped } from "./swap.ts";

// Words are signed here: an engine keeps those in its registers as they are, and makes a floating-point number of a
// word from 2^31 on where it is unsigned, which is every pixel with alpha.

/**
 * Draws a picture over a whole canvas: pixel by pixel where the sizes agree, else each of the canvas's pixels is the
 * nearest of the picture's. The same arithmetic wherever it is shown, so that the same component gives the same pixels.
 */
export const draw = (picture: Picture, canvas: Canvas): void => {
  const source = wordsOf(picture);
  const swap = picture.order !== canvas.order;
  const pitch = picture.stride >>> 2;
  if (picture.width === canvas.width && picture.height === canvas.height) {
    if (swap) copyRowsSwapped(source, pitch, canvas);
    else copy(source, pitch, canvas);
  } else scale(source, pitch, picture, swap, canvas);
};

/** Bytes as words; a picture that begins in between is moved. */
const wordsOf = ({ pixels, stride, height }: Picture): Int32Array => {
  const aligned = pixels.byteOffset % 4 === 0 ? pixels : pixels.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, Math.min(stride * height, aligned.length) >>> 2);
};

const copy = (source: Int32Array, from: number, { pixels, width, height, pitch }: Canvas): void => {
  if (from === width && pitch === width) return void pixels.set(source.subarray(0, width * height));
  for (let y = 0; y < height; y++) pixels.set(source.subarray(y * from, y * from + width), y * pitch);
};

const copyRowsSwapped = (source: Int32Array, from: number, canvas: Canvas): void => {
  const { pixels, width, height, pitch } = canvas;
  if (from === width && pitch === width) copySwapped(source.subarray(0, width * height), pixels);
  else
    for (let y = 0; y < height; y++)
      copySwapped(source.subarray(y * from, y * from + width), pixels.subarray(y * pitch));
};

const scale = (
  source: Int32Array,
  from: number,
  picture: Picture,
  swap: boolean,
  { pixels, width, height, pitch }: Canvas,
): void => {
  const columns = new Int32Array(width);
  for (let x = 0; x < width; x++) columns[x] = nearest(x, picture.width, width);
  let before = -1;
  for (let y = 0; y < height; y++) {
    const row = nearest(y, picture.height, height);
    const to = y * pitch;
    // Rows that come of one row are copies of each other.
    if (row === before) {
      pixels.copyWithin(to, to - pitch, to - pitch + width);
      continue;
    }
    before = row;
    const start = row * from;
    if (swap)
      for (let x = 0; x < width; x++) {
        const word = source[start + columns[x]!]!;
        pixels[to + x] = (word & 0xff00ff00) | ((word & 0xff) << 16) | ((word >>> 16) & 0xff);
      }
    else for (let x = 0; x < width; x++) pixels[to + x] = source[start + columns[x]!]!;
  }
};

/** The pixel whose middle is nearest to the middle of `at`. */
const nearest = (at: number, there: number, here: number): number =>
  Math.min(there - 1, Math.floor(((at + 0.5) * there) / here));

/** What a canvas shows, as RGBA bytes without alpha. */
export const readCanvas = ({ pixels, width, height, pitch, order }: Canvas): Uint8Array => {
  const bytes = new Uint8Array(width * height * 4);
  const words = new Int32Array(bytes.buffer);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const word = pixels[y * pitch + x]!;
      words[y * width + x] =
        order === "rgba"
          ? word | 0xff000000
          : 0xff000000 | (word & 0xff00) | ((word & 0xff) << 16) | ((word >>> 16) & 0xff);
    }
  return bytes;
};
