import type { decodePng } from "./png.ts";

// How far two pictures differ, as tests of the GPU ask.

type Picture = ReturnType<typeof decodePng>;

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
