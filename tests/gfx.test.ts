// Components that draw with a GPU, run as a person runs them, on no screen: their pictures against goldens, and what a
// person reads where they go wrong. Owns the examples' pictures (`examples/*/golden.png`); a GPU in software is enough.
//   GOLDEN=write bun test tests/gfx.test.ts     writes the goldens anew; look at them
import { afterAll, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guest } from "../benchmarks/gfx.ts";
import { startDisplay } from "./display.ts";
import { difference } from "./picture.ts";
import { decodePng } from "./png.ts";

const root = join(import.meta.dir, "..");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "loop-gfx-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const loop = (words: readonly string[], cwd: string, env: Record<string, string> = {}) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    [process.execPath, join(root, "src/main.ts"), ...words],
    {
      cwd,
      env: { ...process.env, LOOP_GPU: "software", NO_COLOR: "1", ...env },
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  return { exitCode, text: `${stdout}${stderr}` };
};

/** A copy of an example, so that what is built does not lie in the sources. */
const built = (
  example: string,
  change: (source: string) => string = (source) => source,
  more: Readonly<Record<string, string>> = {},
): string => {
  const project = mkdtempSync(join(folder, `${example}-`));
  for (const part of ["src", "wit", "loop.toml"])
    cpSync(join(root, "examples", example, part), join(project, part), { recursive: true });
  for (const [name, text] of Object.entries(more)) writeFileSync(join(project, "src", name), text);
  const main = join(project, "src/main.ts");
  writeFileSync(main, change(readFileSync(main, "utf8")));
  const { exitCode, text } = loop(["build"], project);
  if (exitCode !== 0) throw new Error(text);
  return project;
};

const shot = (project: string, frame: number, ...more: string[]) => {
  const words = [
    "run",
    "--headless",
    "--frames",
    `${frame + 1}`,
    "--screenshot",
    `${frame}:shot.png`,
    ...more,
  ];
  const { exitCode, text } = loop(words, project);
  if (exitCode !== 0) throw new Error(text);
  return readFileSync(join(project, "shot.png"));
};

const golden = (example: string, png: Uint8Array) => {
  const path = join(root, "examples", example, "golden.png");
  if (process.env.GOLDEN === "write") writeFileSync(path, png);
  return decodePng(readFileSync(path));
};

test("the triangle is what it was: no more than one pixel in 200 differs by more than 3 of 255", () => {
  const png = shot(built("triangle"), 2);
  expect(difference(decodePng(png), golden("triangle", png), 3)).toBeLessThan(0.005);
}, 60_000);

test("a pass that is written down draws what it draws call by call", () => {
  const pass = readFileSync(join(root, "templates/gpu/src/pass.ts"), "utf8");
  const change = (source: string) => {
    const changed = source
      .replace("encoder.beginRenderPass({", "new Pass(encoder.beginRenderPass({")
      .replace("],\n    });", "],\n    }));");
    expect(changed).toContain("new Pass(");
    return `import { Pass } from "./pass.ts";\n${changed}`;
  };
  const written = shot(built("triangle", change, { "pass.ts": pass }), 2);
  expect(decodePng(written)).toEqual(decodePng(shot(built("triangle"), 2)));
}, 60_000);

test("the triangle in C, by the canonical ABI alone, is the same picture", () => {
  const project = mkdtempSync(join(folder, "c-"));
  cpSync(join(root, "tests/fixtures/gpu"), project, { recursive: true });
  cpSync(join(root, "examples/ripples/src/window.h"), join(project, "src/window.h"));
  const { exitCode, text } = loop(["build"], project);
  expect([exitCode, text]).toEqual([0, expect.stringContaining("Built triangle")]);
  const png = shot(project, 2);
  expect(
    difference(decodePng(png), decodePng(readFileSync(join(root, "examples/triangle/golden.png"))), 3),
  ).toBeLessThan(0.005);
}, 120_000);

test("the particles are where they were: no square of 8 pixels differs by more than 16 of 255", () => {
  const png = shot(built("particles"), 30);
  expect(difference(decodePng(png), golden("particles", png), 16, 8)).toBe(0);
}, 60_000);

test("a picture that is another one differs", () => {
  const [triangle, other] = ["triangle", "particles"].map((example) =>
    decodePng(readFileSync(join(root, "examples", example, "golden.png"))),
  );
  expect(difference(triangle!, other!, 3)).toBe(1);
  const moved = { ...triangle!, rgb: triangle!.rgb.slice() };
  moved.rgb.copyWithin(0, 30 * 3);
  expect(difference(moved, triangle!, 3)).toBeGreaterThan(0.05);
});

test("a shader that does not compile is reported with its line, and nothing hangs", () => {
  const project = built("triangle", (source) =>
    source.replace("return vec4f(corner", "return vec4f(corners"),
  );
  const { exitCode, text } = loop(["run", "--headless"], project);
  expect(exitCode).toBe(1);
  expect(text).toContain("LK0742");
  expect(text).toMatch(/:\d+:\d+ error: unresolved value 'corners'/);
}, 60_000);

test("memory without end is reported with the limit", () => {
  const project = built("triangle", (source) =>
    source.replace(
      "frame(): boolean {",
      "frame(): boolean {\n const held = []; for (;;) held.push(device.createBuffer({ size: 64 << 20, usage: { copyDst: true } }));",
    ),
  );
  const { exitCode, text } = loop(["run", "--headless"], project);
  expect(exitCode).toBe(1);
  expect(text).toContain("of GPU memory are held, and the limit is");
}, 60_000);

test("without the grant it is not drawn, and the report says how to grant it", () => {
  const { exitCode, text } = loop(["run", "--headless", "--deny-all"], built("triangle"));
  expect(exitCode).toBe(1);
  expect(text).toContain("loop:gfx/surface");
  expect(text).toContain("--allow=loop:gfx");
}, 60_000);

test("without any GPU the report says what was looked for and what helps", () => {
  const { exitCode, text } = loop(["run", "--headless"], built("triangle"), {
    LOOP_GPU: "/nowhere/icd.json",
  });
  expect(exitCode).toBe(1);
  expect(text).toContain("LK0741");
  expect(text).toContain("/nowhere/icd.json");
}, 60_000);
test("a device that is lost is made anew, and the picture is the same", () => {
  const project = built("triangle", (source) =>
    source.replace("if (device.lost()) prepare();", "device.destroy();\n prepare();"),
  );
  const png = shot(project, 2);
  expect(difference(decodePng(png), golden("triangle", png), 3)).toBeLessThan(0.005);
}, 60_000);

test("a guest in WebAssembly text draws by the canonical ABI alone", async () => {
  const { exports, seen, settle } = await guest();
  await exports.frame();
  await settle();
  // The red of a pixel in the middle of the triangle.
  expect(seen).toEqual({ frames: 1, pixel: 255 });
  await exports.draws(100);
  await exports.wait();
});

test("the same pixels come in a real window", async () => {
  const project = built("triangle");
  const headless = shot(project, 2);
  const display = await startDisplay(folder);
  try {
    const words = ["run", "--frames", "3", "--screenshot", "2:real.png"];
    const { exitCode, text } = loop(words, project, { DISPLAY: display.name });
    expect([exitCode, text]).toEqual([0, expect.not.stringContaining("error")]);
    expect(readFileSync(join(project, "real.png"))).toEqual(headless);
  } finally {
    display.kill();
  }
}, 60_000);
