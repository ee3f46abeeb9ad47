// A GPU that draws into windows itself, on a real display (Xvfb) with a GPU in software: the same pixels as read back, and
// a way back from everything that fails. Each case is a process of its own (direct.ts), since what goes wrong with a
// surface goes wrong for a whole process. Fails without Xvfb, SDL 2, SwiftShader and the development package bun-webgpu.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Display, soon, startDisplay } from "./display.ts";

const root = join(import.meta.dir, "..");
const library = join(root, "node_modules/bun-webgpu-linux-x64/libwebgpu_wrapper.so");
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
