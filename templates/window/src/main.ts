import { present } from "loop:gfx/frame-buffer@0.1.0";
import type { WindowEvent } from "loop:window/app@0.1.0";
import { Window } from "loop:window/windows@0.1.0";

// A fire that follows the pointer. Heat lies in a grid; each frame it rises by one row, spreads and cools, and a
// palette makes colours of it. Things to change: the palette, what feeds the fire, where the sparks fly.

const width = 160;
const height = 120;
const heat = new Uint8Array(width * (height + 1));
const pixels = new Uint32Array(width * height);

/** Colours from cold to hot, as 0xRRGGBB. Try [0x000000, 0x003344, 0x00aacc, 0xffffff]. */
const palette = blend([0x0b0a14, 0x3b0a45, 0xb0202e, 0xf7812a, 0xffe27a, 0xffffff]);

interface Spark {
  x: number;
  y: number;
  dx: number;
  dy: number;
  life: number;
}
let sparks: Spark[] = [];
let pointer = { x: width / 2, y: height - 20 };
let pressed = false;
let window: Window;
let scale = 1;

export const app = {
  /** Once, at the start. What is kept nowhere is closed again, so the window lies in a variable of the module. */
  init(): void {
    window = Window.open("{{name}}", 5 * width, 5 * height);
    window.setResizable(true);
    scale = window.size().width / width;
  },

  /** For each thing that happens, before the frame that can show it. */
  event({ what }: WindowEvent): void {
    if (what.tag === "pointer-moved") pointer = { x: what.val.x / scale, y: what.val.y / scale };
    else if (what.tag === "pointer-down") pressed = true;
    else if (what.tag === "pointer-up") pressed = false;
    else if (what.tag === "resized") scale = what.val.width / width;
    else if (what.tag === "key-down" && what.val.key === "Escape") window.close();
  },

  /** For each frame of the display; `time` is in seconds. True: something moves, so call again. */
  frame(time: number): boolean {
    feed(time);
    fly();
    rise();
    for (let at = 0; at < pixels.length; at++) pixels[at] = palette[heat[at]!]!;
    present(window, width, height, new Uint8Array(pixels.buffer));
    return true;
  },
};

/** Puts heat at the bottom, wandering with the time, and under the pointer. */
function feed(time: number): void {
  const bottom = width * height;
  for (let x = 0; x < width; x++) {
    const wave =
      Math.sin(x * 0.05 + time * 1.7) + Math.sin(x * 0.021 - time * 1.1) + Math.sin(x * 0.13 + time * 3);
    heat[bottom + x] = Math.max(0, 110 + wave * 50 + chance() * 60);
  }
  spot(pointer.x, pointer.y, pressed ? 9 : 4, 255);
  for (let count = pressed ? 12 : 2; count > 0; count--)
    sparks.push({ ...pointer, dx: chance() * 3 - 1.5, dy: -chance() * 2.5 - 0.5, life: 30 + chance() * 40 });
}

/** Moves the sparks, which leave heat where they have been. */
function fly(): void {
  for (const spark of sparks) {
    spark.x += spark.dx;
    spark.y += spark.dy;
    spark.dy += 0.04;
    spark.life--;
    spot(spark.x, spark.y, 1, 120 + spark.life * 2);
  }
  sparks = sparks.filter((spark) => spark.life > 0);
}

/** Each cell becomes the mean of four below it, a little cooler. */
function rise(): void {
  for (let at = 0; at < width * height; at++) {
    const below = at + width;
    const sum = heat[below - 1]! + heat[below]! + heat[below + 1]! + heat[at]!;
    heat[at] = sum > 8 ? (sum - 6) >> 2 : 0;
  }
}

function spot(x: number, y: number, radius: number, value: number): void {
  const size = Math.ceil(radius);
  for (let dy = -size; dy <= size; dy++)
    for (let dx = -size; dx <= size; dx++) {
      const column = Math.round(x) + dx;
      const row = Math.round(y) + dy;
      if (column < 0 || column >= width || row < 0 || row >= height || dx * dx + dy * dy > radius * radius)
        continue;
      heat[row * width + column] = Math.max(heat[row * width + column]!, Math.min(255, value));
    }
}

/** 256 colours between those given, as the words of RGBA bytes. */
function blend(colours: number[]): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, at) => {
    const place = (at / 255) * (colours.length - 1);
    const before = colours[Math.floor(place)]!;
    const after = colours[Math.ceil(place)]!;
    const channel = (shift: number) => {
      const from = (before >> shift) & 255;
      return Math.round(from + (((after >> shift) & 255) - from) * (place % 1));
    };
    return (255 << 24) | (channel(0) << 16) | (channel(8) << 8) | channel(16);
  });
}

/** From 0 to 1, always the same row of numbers: the same script of events gives the same pictures. */
let seed = 1;
function chance(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
}
