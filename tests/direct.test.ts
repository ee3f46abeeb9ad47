// A GPU that draws into windows itself, on a real display (Xvfb) with a GPU in software: the same pixels as read back, and
// a way back from everything that fails. Each case is a process of its own (direct.ts), since what goes wrong with a
// surface goes wrong for a whole process. Fails without Xvfb, SDL 2, SwiftShader and the development package bun-webgpu.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Display, startDisplay } from "./display.ts";
import { soon } from "./home.ts";
import { library } from "./painted.ts";

const root = join(import.meta.dir, "..");
const folder = mkdtempSync(join(tmpdir(), "loop-direct-"));
const slow = 90_000;

let display: Display;
beforeAll(async () => {
  if (!existsSync(library)) throw new Error("The package bun-webgpu is needed: npm ci");
  display = await startDisplay(folder);
}, slow);
afterAll(() => {
  display?.kill();
  rmSync(folder, { recursive: true, force: true });
});

const environment = (more: Readonly<Record<string, string>> = {}) => ({
  PATH: process.env.PATH ?? "",
  HOME: folder,
  DISPLAY: display.name,
  LOOP_GPU: "software",
  NO_COLOR: "1",
  XDG_DATA_HOME: join(folder, "data"),
  XDG_CACHE_HOME: join(folder, "cache"),
  ...more,
});

const drawn = async (name: string): Promise<unknown> => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "direct.ts"), name, folder], {
    cwd: folder,
    env: environment(),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`${name} ended with ${child.signalCode ?? code}: ${err}`);
  expect(err).toBe("");
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
  const { code, err } = await loop(["build"], project);
  if (code !== 0) throw new Error(err);
  return project;
};

const started = (words: readonly string[], cwd: string, more: Readonly<Record<string, string>> = {}) =>
  Bun.spawn([process.execPath, join(root, "src/main.ts"), ...words], {
    cwd,
    env: environment(more),
    stdout: "pipe",
    stderr: "pipe",
  });

const loop = async (words: readonly string[], cwd: string, more: Readonly<Record<string, string>> = {}) => {
  const child = started(words, cwd, more);
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { out, err, code };
};

test(
  "a run that somebody sees draws with the library that is named, and one that nobody sees does not load it",
  async () => {
    const project = await triangle("seen");
    const child = started(["run", "--webgpu", library], project);
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
      const { code, err } = await loop(["run", ...words, "--webgpu", garbage], project);
      expect([code, err]).toEqual([0, ""]);
    }
    const { code, err } = await loop(["run"], project, { LOOP_WEBGPU: garbage });
    expect(code).toBe(1);
    expect(err).toContain("LK0744");
    expect(err).toContain(garbage);
  },
  slow,
);

test(
  "what draws is swapped while its window is open, and the next draws into the same window",
  async () => {
    const moving = (source: string) => source.replace("return false;", "return true;");
    const project = await triangle("swapped", moving);
    const child = started(["dev", "--plain", "--webgpu", library], project);
    const maps = () => readFileSync(`/proc/${child.pid}/maps`, "utf8");
    const windows = () =>
      Bun.spawnSync(["xdotool", "search", "--onlyvisible", "--name", "."], { env: environment() })
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
    const { code, err } = await loop(["run", "--webgpu", library], project);
    expect(code).toBe(1);
    expect(err).toContain("LK0742");
    expect(err).toMatch(/:\d+:\d+ error: unresolved value 'corners'/);
  },
  slow,
);
