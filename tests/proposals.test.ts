// The public graphics proposals (wasi:webgpu, wasi:surface, wasi:graphics-context, wasi:frame-buffer, 0.0.1), called by
// a real guest, run as a person runs it. Owns that they mean what ours mean; a GPU in software is enough.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodePng } from "./png.ts";

const root = join(import.meta.dir, "..");
const project = realpathSync(mkdtempSync(join(tmpdir(), "loop-proposals-")));
afterAll(() => rmSync(project, { recursive: true, force: true }));

const loop = (...words: string[]) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [process.execPath, join(root, "src/main.ts"), ...words],
    {
      cwd: project,
      env: { ...process.env, LOOP_GPU: "software", NO_COLOR: "1" },
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  return { exitCode, out: `${stdout}`.trim().split("\n"), err: `${stderr}` };
};

beforeAll(() => {
  cpSync(join(root, "tests/fixtures/proposals"), project, { recursive: true });
  const { exitCode, err } = loop("build");
  if (exitCode !== 0) throw new Error(err);
}, 60_000);

const file = "build/proposals.wasm";

test("a component for wasi:webgpu and wasi:surface runs as it is, with frames, events and errors", () => {
  const events = [
    '{"frame": 2, "pointer-down": {"x": 5, "y": 6}}',
    '{"frame": 3, "resized": {"width": 50, "height": 20}}',
  ];
  writeFileSync(join(project, "events.txt"), events.join("\n"));
  const { exitCode, out, err } = loop(
    ...["run", file, "--allow=wasi:webgpu", "--headless", "--frames", "4", "--input", "events.txt"],
  );
  expect(err).toBe("");
  expect(exitCode).toBe(0);
  const isEvent = (line: string) => line.startsWith("down") || line.startsWith("resized");
  expect(out.filter((line) => !isEvent(line))).toEqual([
    "fallback true, 8192 pixels",
    "sixteen 16 9: 1,2,3,4",
    "validation-error",
    "line 2",
    "frame 40",
    "frame 40",
    "frame 50",
    "frame 50",
  ]);
  // The guest hears of them before or after the frame in which they happen.
  expect(out.filter(isEvent)).toEqual(['down {"x":5,"y":6}', 'resized {"height":20,"width":50}']);
}, 60_000);

test("a frame buffer is shown in a surface, without any grant", () => {
  const { exitCode, out, err } = loop(
    ...["run", file, "--deny-all", "--invoke", "bytes()", "--headless", "--frames", "3"],
    ...["--screenshot", "2:shot.png"],
  );
  expect(err).toBe("");
  expect(exitCode).toBe(0);
  expect(out).toEqual(Array(3).fill("10 x 6, 240 bytes"));
  const { width, height, rgb } = decodePng(readFileSync(join(project, "shot.png")));
  expect([width, height, ...rgb.slice(0, 3)]).toEqual([10, 6, 200, 20, 10]);
}, 60_000);

test("without the grant the GPU is denied, by its name", () => {
  const { exitCode, err } = loop("run", file, "--deny-all", "--headless");
  expect(exitCode).toBe(1);
  expect(err).toContain("LK0701");
  expect(err).toContain("wasi:webgpu/webgpu#get-gpu");
}, 60_000);
