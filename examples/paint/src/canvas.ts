// A canvas of words, red in the lowest byte, and what is drawn on it.

export interface Point {
  readonly x: number;
  readonly y: number;
}

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly words: Uint32Array;

  constructor(width: number, height: number, colour: number) {
    this.width = width;
    this.height = height;
    this.words = new Uint32Array(width * height).fill(colour);
  }

  get bytes(): Uint8Array {
    return new Uint8Array(this.words.buffer);
  }

  rectangle(left: number, top: number, width: number, height: number, colour: number): void {
    for (let y = Math.max(0, top); y < Math.min(this.height, top + height); y++) {
      const row = y * this.width;
      this.words.fill(colour, row + Math.max(0, left), row + Math.min(this.width, left + width));
    }
  }

  /** A line with round ends, soft at its edge by one pixel. */
  stroke(from: Point, to: Point, radius: number, colour: number, top = 0): void {
    const reach = radius + 1;
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const squared = dx * dx + dy * dy;
    const first = Math.max(top, Math.floor(Math.min(from.y, to.y) - reach));
    const last = Math.min(this.height - 1, Math.ceil(Math.max(from.y, to.y) + reach));
    const left = Math.max(0, Math.floor(Math.min(from.x, to.x) - reach));
    const right = Math.min(this.width - 1, Math.ceil(Math.max(from.x, to.x) + reach));
    for (let y = first; y <= last; y++)
      for (let x = left; x <= right; x++) {
        const [px, py] = [x - from.x, y - from.y];
        const along = squared === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
        const far = Math.hypot(px - along * dx, py - along * dy);
        const cover = Math.min(1, radius + 0.5 - far);
        if (cover > 0) this.blend(y * this.width + x, colour, cover);
      }
  }

  /** Puts so much of a colour over what is there. */
  blend(at: number, colour: number, cover: number): void {
    const under = this.words[at]!;
    const mix = (shift: number) => {
      const from = (under >> shift) & 255;
      return Math.round(from + (((colour >> shift) & 255) - from) * cover) << shift;
    };
    this.words[at] = mix(0) | mix(8) | mix(16) | (255 << 24);
  }
}

/** 0xRRGGBB as a word of a canvas. */
export const rgb = (colour: number): number =>
  ((255 << 24) | ((colour & 255) << 16) | (colour & 0xff00) | (colour >> 16)) >>> 0;
