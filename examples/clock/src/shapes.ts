// Shapes on a canvas of words, soft at their edges. A shape is a function that says how far a point is outside of it.

export const width = 480;
export const height = 480;

export type Shape = (x: number, y: number) => number;

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export const disc =
  (cx: number, cy: number, radius: number): Shape =>
  (x, y) =>
    Math.hypot(x - cx, y - cy) - radius;

/** A line with round ends. */
export const bar = (ax: number, ay: number, bx: number, by: number, radius: number): Shape => {
  const [dx, dy] = [bx - ax, by - ay];
  const squared = dx * dx + dy * dy || 1;
  return (x, y) => {
    const along = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / squared));
    return Math.hypot(x - ax - along * dx, y - ay - along * dy) - radius;
  };
};

export const around = (radius: number, ...points: (readonly [x: number, y: number])[]): Box => {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const reach = radius + 1;
  return {
    left: Math.max(0, Math.floor(Math.min(...xs) - reach)),
    top: Math.max(0, Math.floor(Math.min(...ys) - reach)),
    right: Math.min(width - 1, Math.ceil(Math.max(...xs) + reach)),
    bottom: Math.min(height - 1, Math.ceil(Math.max(...ys) + reach)),
  };
};

/** Fills a shape inside a box with a colour, of which `alpha` covers what is below. */
export function fill(words: Uint32Array, shape: Shape, box: Box, colour: number, alpha = 1): void {
  for (let y = box.top; y <= box.bottom; y++)
    for (let x = box.left; x <= box.right; x++) {
      const cover = Math.min(1, 0.5 - shape(x + 0.5, y + 0.5));
      if (cover > 0) words[y * width + x] = mix(words[y * width + x]!, colour, cover * alpha);
    }
}

/** So much of the second colour over the first; words with red in the lowest byte. */
export function mix(from: number, to: number, share: number): number {
  const channel = (shift: number) => {
    const before = (from >> shift) & 255;
    return Math.round(before + (((to >> shift) & 255) - before) * share) << shift;
  };
  return (channel(0) | channel(8) | channel(16) | (255 << 24)) >>> 0;
}

/** 0xRRGGBB as a word. */
export const rgb = (colour: number): number =>
  ((255 << 24) | ((colour & 255) << 16) | (colour & 0xff00) | (colour >> 16)) >>> 0;
