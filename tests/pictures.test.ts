// What the examples and the template draw: each is built as a person would build it, run without a screen, and its
// picture compared with the one that lies beside it. To make a picture anew run the command that a failure shows.
import { describe, expect, test } from "bun:test";
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createFromTemplate } from "../src/builders/template.ts";
import { homeFor, root } from "./home.ts";
import { decodePng } from "./png.ts";

const home = homeFor("pictures", { PATH: process.env.PATH ?? "" });

/** A channel may be off by so much on average, and so large a share of the pixels by more than the eye forgives. */
const tolerance = { mean: 0.5, pixels: 0.001, channel: 16 } as const;

interface Difference {
  readonly mean: number;
  /** The share of pixels of which a channel is further off than `tolerance.channel`. */
  readonly pixels: number;
}

const differenceOf = (actual: string, golden: string): Difference => {
  const [a, b] = [decodePng(readFileSync(actual)), decodePng(readFileSync(golden))];
  expect([a.width, a.height]).toEqual([b.width, b.height]);
  let [sum, far] = [0, 0];
  for (let at = 0; at < a.rgb.length; at += 3) {
    const off = [0, 1, 2].map((channel) => Math.abs(a.rgb[at + channel]! - b.rgb[at + channel]!));
    sum += off[0]! + off[1]! + off[2]!;
    if (Math.max(...off) > tolerance.channel) far++;
  }
  return { mean: sum / a.rgb.length, pixels: (far * 3) / a.rgb.length };
};

const drawn = async (project: string, words: readonly string[], golden: string): Promise<void> => {
  const { out, said, code } = await home.loop(project, "run", "--headless", ...words);
  expect(code === 0 ? "" : out + said).toBe("");
  const { mean, pixels } = differenceOf(join(project, "seen.png"), golden);
  const again = `loop run --headless ${words.join(" ").replace("seen.png", "picture.png")}`;
  expect([again, mean <= tolerance.mean, pixels <= tolerance.pixels]).toEqual([again, true, true]);
};

describe("the picture of an example is the one beside it", () => {
  for (const [name, words] of [
    ["paint", ["--input", "events.txt", "--screenshot", "26:seen.png"]],
    ["ripples", ["--input", "events.txt", "--screenshot", "120:seen.png"]],
    ["clock", ["--screenshot", "45:seen.png", "--", "16:50:12"]],
  ] as const)
    test(name, async () => {
      const project = join(home.folder, name);
      cpSync(join(root, "examples", name), project, {
        recursive: true,
        filter: (path) => !/\/(build|generated)$/.test(path),
      });
      await drawn(project, words, join(root, "examples", name, "picture.png"));
    }, 60_000);
});

test("what paint saves in the folder that it was granted is what it shows below its bar", async () => {
  const saved = decodePng(readFileSync(join(home.folder, "paint/paint.png")));
  const seen = decodePng(readFileSync(join(root, "examples/paint/picture.png")));
  const bar = seen.height - saved.height;
  expect([saved.width, bar]).toEqual([640, 36]);
  expect(Buffer.from(saved.rgb).equals(Buffer.from(seen.rgb.subarray(bar * 640 * 3)))).toBe(true);
});

test("the window template draws its fire", async () => {
  const project = join(home.folder, "spark");
  await createFromTemplate("window", "spark", project);
  await drawn(project, ["--screenshot", "120:seen.png"], join(import.meta.dir, "fixtures/window/fire.png"));
}, 60_000);
