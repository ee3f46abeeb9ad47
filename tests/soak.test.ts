// What is done ten thousand times leaves nothing behind: no memory, no descriptor, no resource, nothing that keeps the
// process alive. Owns the bounds; the work is soak.ts, in a process of its own, so that nobody else's garbage counts.
// It takes some forty seconds.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDisplay } from "./display.ts";
import type { Held } from "./soak.ts";

/** Rounds of so many times; the first two warm up what is kept for good: compiled code, shapes, caches. */
const soak = async (
  work: string,
  rounds: number,
  times: number,
  linker = "loop",
  env: Readonly<Record<string, string>> = {},
): Promise<readonly Held[]> => {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "soak.ts"), work, `${rounds}`, `${times}`, linker],
    { stdout: "pipe", stderr: "pipe", env: { ...process.env, DISPLAY: "", ...env } },
  );
  const [out, said] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  // It was not told to exit: something that is still open would have kept it.
  expect({ code: await child.exited, said }).toEqual({ code: 0, said: "" });
  const lines = out.trim().split("\n");
  expect(lines.pop()).toBe("done");
  expect(lines).toHaveLength(rounds);
  return lines.map((line) => JSON.parse(line));
};

/**
 * The least of the last rounds against the least of the first: the engine's collector takes some words on the stack
 * for references, and keeps an instance more or less in any one round.
 */
const growth = (rounds: readonly Held[], key: keyof Held): number => {
  const least = (some: readonly Held[]) => Math.min(...some.map((held) => held[key]));
  const half = rounds.length >> 1;
  return least(rounds.slice(half)) - least(rounds.slice(0, half));
};

const expectFlat = (rounds: readonly Held[], times: number): void => {
  expect(new Set(rounds.map(({ descriptors }) => descriptors)).size).toBe(1);
  expect(new Set(rounds.map(({ handles }) => handles))).toEqual(new Set([0]));
  // One object for each time that it was done would be twice as much and more.
  expect(growth(rounds, "objects")).toBeLessThan(Math.max(times, 500));
  expect(growth(rounds, "heapMib")).toBeLessThan(2);
  expect(growth(rounds, "rssMib")).toBeLessThan(24);
};

test("ten thousand instances are made and dropped, and the engine's room for memories is not used up", async () => {
  const rounds = await soak("instances", 5, 2000);
  expectFlat(rounds, 2000);
  // 4 GiB for each memory that the engine makes fast; it has room for some eight of them.
  for (const { virtualGib } of rounds) expect(virtualGib).toBeLessThan(128);
}, 240_000);

test.each(["loop", "jco"])(
  "instances of a TypeScript guest, linked by %s, are made and dropped",
  async (linker) => expectFlat(await soak("scripts", 5, 60, linker), 60),
  120_000,
);

test("ten thousand files are opened and closed by a guest", async () => {
  expectFlat(await soak("files", 5, 2000), 2000);
}, 120_000);

test("an hour of seconds, each a millisecond long, and beside each a timer of an hour that is given up", async () => {
  expectFlat(await soak("timers", 4, 900), 900);
}, 120_000);

test("two thousand connections are opened and closed by a guest, at both their ends", async () => {
  expectFlat(await soak("connections", 5, 400), 400);
}, 120_000);

// A hundred thousand, which take a minute: bun tests/soak.ts pictures 10 10000
test("ten thousand pictures of a GPU are drawn, read back and shown, and all is as it was", async () => {
  expectFlat(await soak("pictures", 5, 2000), 2000);
}, 120_000);

test("a hundred windows with a GPU are opened and closed, without a display and on one", async () => {
  expectFlat(await soak("surfaces", 5, 20), 20);
  const folder = mkdtempSync(join(tmpdir(), "loop-surfaces-"));
  const display = await startDisplay(folder);
  try {
    expectFlat(await soak("surfaces", 5, 20, "loop", { DISPLAY: display.name }), 20);
    // The server has none of their windows and pictures any more: its screen is as black as it was.
    expect(display.area(0, 0, 1280, 800).every((byte) => byte === 0)).toBe(true);
  } finally {
    display.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);

test("requests are served, and every fourth client goes away half-way", async () => {
  expectFlat(await soak("requests", 5, 100), 100);
}, 120_000);
