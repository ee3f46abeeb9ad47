import { present } from "loop:gfx/frame-buffer@0.1.0";
import type { WindowEvent } from "loop:window/app@0.1.0";
import { Window } from "loop:window/windows@0.1.0";
import { getArguments } from "wasi:cli/environment@0.2.12";
import { around, bar, disc, fill, height, mix, rgb, width } from "./shapes.ts";

// A clock over hills. The sky knows the hour; left and right turn it by one. Things to change: the colours of the
// hours, the hills, the hands.
//   loop run                        the time of day, in UTC
//   loop run -- 21:40:00            another one

const middle = { x: width / 2, y: 215 };
const radius = 150;
/** The sky above and at the hills, by the hour; those between are mixed. */
const skies: [hour: number, top: number, bottom: number][] = [
  [0, 0x0b1026, 0x1b2a4a],
  [5, 0x1d2b53, 0x7e5a7a],
  [7, 0x4a7ab5, 0xf7c59f],
  [12, 0x2e86c8, 0xbfe3f5],
  [17, 0x3f7cac, 0xf6d8a8],
  [19, 0x3d3462, 0xf08a5d],
  [22, 0x0f1733, 0x2b3a63],
  [24, 0x0b1026, 0x1b2a4a],
];

const pixels = new Uint32Array(width * height);
const scene = new Uint32Array(width * height);
let window: Window;
let startSeconds = 0;
let turned = 0;
/** The hour that the scene was made for. */
let painted = Number.NaN;

export const app = {
  init(): void {
    window = Window.open("clock", width, height);
    const given = /^(\d\d?):(\d\d)(?::(\d\d))?$/.exec(getArguments()[1] ?? "");
    startSeconds = given
      ? Number(given[1]) * 3600 + Number(given[2]) * 60 + Number(given[3] ?? 0)
      : (Date.now() / 1000) % 86400;
  },

  event({ what }: WindowEvent): void {
    if (what.tag !== "key-down") return;
    if (what.val.code === "ArrowRight") turned++;
    else if (what.val.code === "ArrowLeft") turned--;
    else if (what.val.code === "Escape") window.close();
  },

  frame(time: number): boolean {
    const seconds = (startSeconds + time + turned * 3600 + 100 * 86400) % 86400;
    const hour = seconds / 3600;
    // The sky changes slowly, so it is not painted for each frame.
    if (Math.abs(hour - painted) > 0.02 || Number.isNaN(painted)) paintScene(hour);
    pixels.set(scene);
    hand(hour / 12, 80, 6, rgb(0x22223b));
    hand(hour % 1, 118, 4, rgb(0x22223b));
    // It moves with the frame and rests at each second for a moment, as a good clock does.
    const second = seconds % 60;
    hand((Math.floor(second) + Math.min(1, (second % 1) * 2.5) ** 3) / 60, 126, 1.6, rgb(0xd62828));
    fill(pixels, disc(middle.x, middle.y, 7), around(7, [middle.x, middle.y]), rgb(0xd62828));
    present(window, width, height, new Uint8Array(pixels.buffer));
    return true;
  },
};

/** A hand at a share of the round, with a shadow. */
function hand(share: number, length: number, thickness: number, colour: number): void {
  const [dx, dy] = [Math.sin(share * 2 * Math.PI), -Math.cos(share * 2 * Math.PI)];
  for (const [shift, alpha, tone] of [
    [4, 0.18, 0],
    [0, 1, colour],
  ] as const) {
    const from = [middle.x - dx * 18 + shift, middle.y - dy * 18 + shift] as const;
    const to = [middle.x + dx * length + shift, middle.y + dy * length + shift] as const;
    fill(pixels, bar(...from, ...to, thickness), around(thickness, from, to), tone, alpha);
  }
}

/** Everything that stands still: sky, sun or moon, hills, dial. */
function paintScene(hour: number): void {
  painted = hour;
  paintSky(hour);
  paintHills(hour);
  const box = around(radius + 12, [middle.x, middle.y]);
  fill(
    scene,
    disc(middle.x + 5, middle.y + 8, radius + 8),
    around(radius + 20, [middle.x, middle.y]),
    0,
    0.25,
  );
  fill(scene, disc(middle.x, middle.y, radius + 8), box, rgb(0x8d6a4a));
  fill(scene, disc(middle.x, middle.y, radius), box, rgb(0xfbf7ee));
  for (let mark = 0; mark < 60; mark++) {
    const [dx, dy] = [Math.sin((mark * Math.PI) / 30), -Math.cos((mark * Math.PI) / 30)];
    const [inner, thickness] = mark % 5 === 0 ? [radius - 24, 3] : [radius - 13, 1];
    const from = [middle.x + dx * inner, middle.y + dy * inner] as const;
    const to = [middle.x + dx * (radius - 9), middle.y + dy * (radius - 9)] as const;
    fill(scene, bar(...from, ...to, thickness), around(thickness, from, to), rgb(0x4a4e69));
  }
}

function paintSky(hour: number): void {
  const next = skies.findIndex(([until]) => until > hour);
  const [since, top, bottom] = skies[next - 1]!;
  const [until, topAfter, bottomAfter] = skies[next]!;
  const share = (hour - since) / (until - since);
  const above = mix(rgb(top), rgb(topAfter), share);
  const below = mix(rgb(bottom), rgb(bottomAfter), share);
  for (let y = 0; y < height; y++)
    scene.fill(mix(above, below, Math.min(1, y / 400)), y * width, (y + 1) * width);
  const day = hour >= 6 && hour < 18;
  const dark = Math.min(1, Math.max(0, day ? 0 : hour < 12 ? 6 - hour : hour - 18) / 2);
  for (let star = 0; star < 70; star++) {
    const [x, y] = [(star * 197.3) % width, (star * 61.7) % 330];
    fill(scene, disc(x, y, 0.8 + (star % 3) * 0.4), around(2, [x, y]), rgb(0xffffff), dark * 0.8);
  }
  // From the left at six to the right at six; the moon after it.
  const way = ((hour + 18) % 12) / 12;
  const [x, y] = [30 + way * (width - 60), 330 - Math.sin(way * Math.PI) * 290];
  fill(scene, disc(x, y, 34), around(34, [x, y]), rgb(day ? 0xfff3b0 : 0xc9d1e8), 0.25);
  fill(scene, disc(x, y, 24), around(24, [x, y]), rgb(day ? 0xffd166 : 0xe8ecf5));
}

/** Three rows of hills, the nearest the darkest. */
function paintHills(hour: number): void {
  const light = 0.35 + 0.65 * Math.max(0, Math.sin(((hour - 5.5) / 14) * Math.PI));
  for (const [index, tone] of [0x7ba17d, 0x55825c, 0x345c3d].entries())
    for (let x = 0; x < width; x++) {
      const crest =
        370 + index * 32 + Math.sin(x * 0.012 + index * 2.1) * 22 + Math.sin(x * 0.031 + index) * 9;
      const colour = mix(rgb(0x0b1026), rgb(tone), light);
      for (let y = Math.ceil(crest); y < height; y++) scene[y * width + x] = colour;
    }
}
