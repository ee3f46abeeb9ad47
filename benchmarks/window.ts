import { cpSync } from "node:fs";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { startDisplay } from "../tests/display.ts";
import { interleave, type Row, spawn, versus } from "./measure.ts";
import { helloComponent, withFolder } from "./peers.ts";

// A window on a display that nobody looks at (Xvfb): how many full frames of 800 x 600 a component shows a second,
// against the same drawing in TypeScript without a component; and how long a person waits for the first frame.
// The component is WebAssembly text, so that what is compared is the way and not the language.

const ratioMin = 0.8;

export const run = (): Promise<Row[]> =>
  withFolder(async (folder, plain) => {
    const display = await startDisplay(folder);
    try {
      const env = { ...plain, DISPLAY: display.name };
      return [...frames(folder, env), ...(await firstFrame(folder, env))];
    } finally {
      display.kill();
    }
  });

const frames = (folder: string, env: Record<string, string>): Row[] => {
  const project = join(folder, "xor");
  cpSync(join(import.meta.dir, "window"), project, { recursive: true });
  spawn([executable, "build"], { cwd: project, env });
  const screen = join(import.meta.dir, "window/screen.ts");
  const said = spawn([process.execPath, screen, join(project, "build/xor.wasm")], { env });
  const ms = JSON.parse(said) as Record<"component" | "picture" | "straight", number>;
  const row = (peer: "picture" | "straight", name: string): Row => {
    const ratio = ms[peer] / ms.component;
    return {
      work: "frames of 800 x 600 by a component",
      median: 1000 / ms.component,
      unit: "frames/s",
      against: { name, median: 1000 / ms[peer] },
      ratio,
      ...(peer === "picture" && { target: { text: `at least × ${ratioMin}`, met: ratio >= ratioMin } }),
    };
  };
  return [
    row("picture", "the same picture from TypeScript"),
    row("straight", "TypeScript straight into the window's own pixels"),
  ];
};

/** Whole processes; the parts are what loop says of itself. */
const firstFrame = async (folder: string, env: Record<string, string>): Promise<Row[]> => {
  spawn([executable, "new", "component", "spark", "--template", "window"], { cwd: folder, env });
  const cwd = join(folder, "spark");
  spawn([executable, "build"], { cwd, env });
  const hello = helloComponent("typescript", folder, env);
  const parts = new Map<string, number[]>();
  const medians = await interleave(
    [
      { name: "hello", once: () => spawn([executable, "run", hello], { env }) },
      { name: "first frame", once: () => spawn([executable, "run", "--frames", "1"], { cwd, env }) },
      {
        name: "headless",
        once: () => spawn([executable, "run", "--frames", "1", "--headless"], { cwd, env }),
      },
      {
        name: "parts",
        once() {
          for (const [name, ms] of timings([executable, "--timings", "run", "--frames", "1"], cwd, env))
            parts.set(name, [...(parts.get(name) ?? []), ms]);
        },
      },
    ],
    { rounds: 11, warm: 2 },
  );
  return [
    versus("command to first frame, TypeScript, on a display", medians, "first frame", "hello"),
    versus("command to first frame, TypeScript, headless", medians, "headless", "hello"),
    ...[...parts].map(
      ([name, values]): Row => ({
        work: `  of it: ${name}`,
        median: values.sort((a, b) => a - b)[values.length >> 1]!,
        unit: "ms",
      }),
    ),
  ];
};

/** The steps of a run that are not the command's own, by name. */
const timings = (argv: readonly string[], cwd: string, env: Record<string, string>): [string, number][] => {
  const { stderr } = Bun.spawnSync([...argv], { cwd, env, stderr: "pipe" });
  const wanted = new Set(["instantiate", "init", "display", "first frame"]);
  const steps = [...stderr.toString().matchAll(/^ +([\d.]+) ms {3,}(\S.*)$/gm)];
  return steps.flatMap(([, ms, name]) => (wanted.has(name!) ? [[name!, Number(ms)]] : []));
};
