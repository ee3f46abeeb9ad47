import { present } from "loop:gfx/frame-buffer@0.1.0";
import type { WindowEvent } from "loop:window/app@0.1.0";
import { Window } from "loop:window/windows@0.1.0";
import { getDirectories } from "wasi:filesystem/preopens@0.2.12";
import { Canvas, type Point, rgb } from "./canvas.ts";
import { png } from "./png.ts";

// Paints with the pointer. Keys 1 to 8 or a click on the bar choose a colour, + and - or the wheel the size, z takes the
// last stroke back, c clears, s saves paint.png into the folder that was granted.

const width = 640;
const height = 420;
const bar = 36;
const paper = rgb(0xfbf7ee);
const colours = [0x22223b, 0xd62828, 0xf77f00, 0xfcbf49, 0x4f9d69, 0x2a6fbb, 0x7b4fa3, 0xfbf7ee].map(rgb);

const canvas = new Canvas(width, height, paper);
const undone: Uint32Array[] = [];
const undoneMax = 20;
let window: Window;
let chosen = 0;
let radius = 5;
let last: Point | undefined;

export const app = {
  init(): void {
    window = Window.open("paint", width, height);
    window.setCursor("crosshair");
    drawBar();
  },

  event({ what }: WindowEvent): void {
    if (what.tag === "pointer-down") press(what.val);
    else if (what.tag === "pointer-moved" && last) strokeTo(what.val);
    else if (what.tag === "pointer-up") last = undefined;
    else if (what.tag === "wheel-turned") resize(Math.sign(what.val.y));
    else if (what.tag === "key-down") pressKey(what.val.key);
  },

  /** Nothing moves by itself: there is a frame where something was painted, and none otherwise. */
  frame(): boolean {
    present(window, width, height, canvas.bytes);
    return false;
  },
};

function press(at: Point): void {
  if (at.y < bar) {
    choose(Math.floor(at.x / bar));
    return;
  }
  keep();
  last = at;
  strokeTo(at);
}

function strokeTo(at: Point): void {
  canvas.stroke(last ?? at, at, radius, colours[chosen]!, bar);
  last = at;
}

function pressKey(key: string): void {
  if (key >= "1" && key <= "8") choose(Number(key) - 1);
  else if (key === "+" || key === "=") resize(1);
  else if (key === "-") resize(-1);
  else if (key === "z") takeBack();
  else if (key === "s") save();
  else if (key === "Escape") window.close();
  else if (key === "c") {
    keep();
    canvas.rectangle(0, bar, width, height, paper);
  }
}

function choose(index: number): void {
  if (index < colours.length) chosen = index;
  drawBar();
}

function resize(by: number): void {
  radius = Math.min(16, Math.max(1, radius + by));
  drawBar();
}

function keep(): void {
  undone.push(canvas.words.slice(bar * width));
  if (undone.length > undoneMax) undone.shift();
}

function takeBack(): void {
  const before = undone.pop();
  if (before) canvas.words.set(before, bar * width);
}

/** The colours, the chosen one framed, and the brush as large as it is. */
function drawBar(): void {
  canvas.rectangle(0, 0, width, bar, rgb(0xddd6c6));
  for (const [index, colour] of colours.entries()) {
    const left = index * bar + 5;
    if (index === chosen) canvas.rectangle(left - 3, 2, bar - 4, bar - 4, rgb(0x22223b));
    canvas.rectangle(left, 5, bar - 10, bar - 10, colour);
  }
  const middle = { x: width - bar, y: bar / 2 };
  canvas.stroke(middle, middle, radius, colours[chosen]!);
}

/** Into the folder that was granted; without one the title says what is missing. */
function save(): void {
  const [folder] = getDirectories();
  if (!folder) {
    window.setTitle("paint: run it with --dir . to save");
    return;
  }
  const picture = png(canvas.words.subarray(bar * width), width, height - bar);
  const file = folder[0].openAt({}, "paint.png", { create: true, truncate: true }, { write: true });
  for (let at = 0; at < picture.length; at += 65536) file.write(picture.subarray(at, at + 65536), BigInt(at));
  window.setTitle(`paint: saved paint.png in ${folder[1]}`);
}
