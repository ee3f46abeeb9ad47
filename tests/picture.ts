import { inflateSync } from "node:zlib";

// Pictures that tests compare: those that loop writes (8 bits a channel, RGB, no interlacing) and how far two differ.

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel, rows from the top. */
  readonly rgb: Uint8Array;
}

/** Reads what `--screenshot` wrote. Source: W3C, PNG third edition; filters none, sub and up. */
export const decodePng = (png: Uint8Array): Picture => {
  const bytes = Buffer.from(png);
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  if (bytes[24] !== 8 || bytes[25] !== 2) throw new Error("Only RGB with 8 bits a channel is read");
  const data: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at))
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT")
      data.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)));
  const raw = inflateSync(Buffer.concat(data));
  const row = width * 3;
  const rgb = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)]!;
    if (filter > 2) throw new Error(`Filter ${filter} is not read`);
    for (let x = 0; x < row; x++) {
      const at = y * row + x;
      const before = filter === 1 ? (x < 3 ? 0 : rgb[at - 3]!) : filter === 2 && y > 0 ? rgb[at - row]! : 0;
      rgb[at] = raw[y * (row + 1) + 1 + x]! + before;
    }
  }
  return { width, height, rgb };
};

/**
 * What part of the pixels differs in a channel by more than `tolerance`. With `block` squares of so many pixels are
 * compared by their average: for pictures of many small things whose edges each driver rounds in its own way.
 */
export const difference = (a: Picture, b: Picture, tolerance: number, block = 1): number => {
  if (a.width !== b.width || a.height !== b.height) return 1;
  const [across, down] = [Math.floor(a.width / block), Math.floor(a.height / block)];
  let differing = 0;
  for (let y = 0; y < down; y++)
    for (let x = 0; x < across; x++)
      if (apart(average(a, x, y, block), average(b, x, y, block)) > tolerance) differing++;
  return differing / (across * down);
};

const average = ({ rgb, width }: Picture, x: number, y: number, block: number): number[] => {
  const sums = [0, 0, 0];
  for (let row = 0; row < block; row++)
    for (let column = 0; column < block; column++)
      for (let channel = 0; channel < 3; channel++)
        sums[channel]! += rgb[((y * block + row) * width + x * block + column) * 3 + channel]!;
  return sums.map((sum) => sum / block ** 2);
};

const apart = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
