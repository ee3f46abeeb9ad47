// A GPU that draws into windows itself, on a real display (Xvfb) with a GPU in software: the same pixels as read back, and
// a way back from everything that fails. Each case is a process of its own (direct.ts), since what goes wrong with a
// surface goes wrong for a whole process. Fails without Xvfb, SDL 2, SwiftShader and the development package bun-webgpu.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Display, startDisplay } from "./display.ts";
import { ended, homeFor, loopWords, root, soon } from "./home.ts";
import { library } from "./painted.ts";

const home = homeFor("direct", { PATH: process.env.PATH ?? "", LOOP_GPU: "software", NO_COLOR: "1" });
const { folder } = home;
const slow = 90_000;

let display: Display;
beforeAll(async () => {
  if (!existsSync(library)) throw new Error("The package bun-webgpu is needed: npm ci");
  display = await startDisplay(folder);
  home.env.DISPLAY = display.name;
}, slow);
afterAll(() => display?.kill());

const drawn = async (name: string): Promise<unknown> => {
  const child = home.start([loopWords[0], join(import.meta.dir, "direct.ts"), name, folder]);
  const { out, said, code } = await ended(child);
  if (code !== 0) throw new Error(`${name} ended with ${child.signalCode ?? code}: ${said}`);
  expect(said).toBe("");
  return JSON.parse(out);
};

test(
  "what is drawn into the window is, pixel for pixel, what is read back into it",
  async () => {
    const direct = (await drawn("triangle")) as { digest: string; colours: number; reads: number };
    const read = (await drawn("triangle read back")) as typeof direct;
    expect(direct.digest).toBe(read.digest);
    expect(direct.colours).toBeGreaterThan(500);
    expect([direct.reads, read.reads > 0]).toEqual([0, true]);
  },
  slow,
);

const wholly = { reads: 0 };
const readBack = { seen: true, readBack: true, error: null };

test.each([
  ["resize", { seen: [true, true, true], ...wholly }],
  ["two windows", { seen: true, after: true, ...wholly }],
  ["two contexts of one window", { seen: true, ...wholly }],
  ["swap", { before: true, tried: true, back: true, ...wholly }],
  ["loss", { reason: "unknown", message: "taken out", seen: true, ...wholly }],
  ["destroyed device", { open: false }],
  ["window closed in a frame", { open: false }],
  ["what lay over it", { seen: true, ...wholly }],
  ["a picture that comes late", { seen: true, ...wholly }],
  ["no surface", readBack],
  ["no format", readBack],
  ["configuration that fails", readBack],
  ["surface that is lost", readBack],
  ["surface that is outdated for ever", readBack],
] as const)(
  "%s",
  async (name, expected) => {
    expect(await drawn(name)).toEqual(expected);
  },
  slow,
);

test(
  "three thousand frames leave no memory behind",
  async () => {
    const { grownBy, reads } = (await drawn("many")) as { grownBy: number; reads: number };
    expect(reads).toBe(0);
    expect(grownBy).toBeLessThan(40);
  },
  slow,
);

/** A copy of the smallest example, changed, and built. */
const triangle = async (name: string, change = (source: string) => source): Promise<string> => {
  const project = join(folder, name);
  for (const part of ["src", "wit", "loop.toml"])
    cpSync(join(root, "examples/triangle", part), join(project, part), { recursive: true });
  const main = join(project, "src/main.ts");
  writeFileSync(main, change(readFileSync(main, "utf8")));
  const { code, said } = await home.loop(project, "build");
  if (code !== 0) throw new Error(said);
  return project;
};

test(
  "a run that somebody sees draws with the library that is named, and one that nobody sees does not load it",
  async () => {
    const project = await triangle("seen");
    const child = home.spawn(project, "run", "--webgpu", library);
    const maps = () => readFileSync(`/proc/${child.pid}/maps`, "utf8");
    await soon(() => (maps().includes("libwebgpu_wrapper.so") ? true : undefined));
    // The middle of the screen is in the triangle, which is no grey.
    const colour = await soon(() => display.pixel(640, 400) || undefined);
    expect(new Set([colour >> 16, (colour >> 8) & 255, colour & 255]).size).toBeGreaterThan(1);
    child.kill("SIGINT");
    await child.exited;
    expect(await new Response(child.stderr).text()).not.toContain("error");

    const garbage = join(folder, "garbage.so");
    writeFileSync(garbage, "none");
    for (const words of [["--headless"], ["--frames", "2"], ["--screenshot", "1:shot.png"]]) {
      const { code, said } = await home.loop(project, "run", ...words, "--webgpu", garbage);
      expect([code, said]).toEqual([0, ""]);
    }
    const run = home.start([...loopWords, "run"], { cwd: project, env: { LOOP_WEBGPU: garbage } });
    const { code, said } = await ended(run);
    expect(code).toBe(1);
    expect(said).toContain("LK0744");
    expect(said).toContain(garbage);
  },
  slow,
);

test(
  "what draws is swapped while its window is open, and the next draws into the same window",
  async () => {
    const moving = (source: string) => source.replace("return false;", "return true;");
    const project = await triangle("swapped", moving);
    const child = home.spawn(project, "dev", "--plain", "--webgpu", library);
    const maps = () => readFileSync(`/proc/${child.pid}/maps`, "utf8");
    const windows = () =>
      Bun.spawnSync(["xdotool", "search", "--onlyvisible", "--name", "."], { env: home.env })
        .stdout.toString()
        .trim();
    const before = await soon(() => display.pixel(640, 400) || undefined);
    const open = await soon(() => windows() || undefined);
    expect(maps()).toContain("libwebgpu_wrapper.so");
    const main = join(project, "src/main.ts");
    const source = readFileSync(main, "utf8");
    const changed = source.replace("vec4f(corner.colour, 1)", "vec4f(0, 1, 0, 1)");
    expect(changed).not.toBe(source);
    writeFileSync(main, changed);
    await soon(() => (display.pixel(640, 400) === 0x00ff00 ? true : undefined));
    expect(before).not.toBe(0x00ff00);
    expect(windows()).toBe(open);
    child.kill("SIGINT");
    await child.exited;
    expect(await new Response(child.stderr).text()).not.toContain("error");
  },
  slow,
);

test(
  "a shader that does not compile is reported with its line here too",
  async () => {
    const project = await triangle("wrong", (source) =>
      source.replace("return vec4f(corner", "return vec4f(corners"),
    );
    const { code, said } = await home.loop(project, "run", "--webgpu", library);
    expect(code).toBe(1);
    expect(said).toContain("LK0742");
    expect(said).toMatch(/:\d+:\d+ error: unresolved value 'corners'/);
  },
  slow,
);
