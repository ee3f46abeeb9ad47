// What goes wrong with windows and graphics processors, as a person meets it, on a display and on none: what is said, and that
// the display is left as it was. Whole processes, since it is the process that goes wrong.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Display, startDisplay } from "./display.ts";
import { ended, homeFor, loopWords, root, soon } from "./home.ts";
import { decodePng } from "./png.ts";

const home = homeFor("trouble", { PATH: process.env.PATH ?? "", LOOP_GPU: "software", NO_COLOR: "1" });
const project = join(home.folder, "app");
const slow = 120_000;

let display: Display;
type Environment = Readonly<Record<string, string>>;
const start = (argv: readonly string[], env: Environment = {}) => home.start(argv, { cwd: project, env });
const loop = (words: readonly string[], env: Environment = {}) => start([...loopWords, ...words], env);

beforeAll(async () => {
  display = await startDisplay(home.folder);
  cpSync(join(root, "tests/fixtures/window/trouble"), project, { recursive: true });
  const { code, said } = await ended(loop(["build"]));
  if (code !== 0) throw new Error(said);
}, slow);
afterAll(() => display?.kill());

/** Nothing of ours is on the screen, and the pointer goes where it is sent. */
const expectAsItWas = async (): Promise<void> => {
  const xdotool = (...words: string[]) => ended(start(["xdotool", ...words], { DISPLAY: display.name }));
  expect((await xdotool("search", "--onlyvisible", "--name", "trouble|wide")).out).toBe("");
  for (const x of [5, 1200]) {
    await xdotool("mousemove", `${x}`, "700");
    expect((await xdotool("getmouselocation")).out).toContain(`x:${x} y:700`);
  }
};

const troubles: readonly (readonly [name: string, said: readonly (string | RegExp)[]])[] = [
  ["trap", ["LK0304", "frame: Error: no paint left", /src\/main\.js:\d+/]],
  ["never", ["LK0711", "loop:window/app@0.1.0#frame"]],
  ["wide", ["LK0304", "A window of 100000 x 100000 was asked for; the limit is"]],
  ["memory", ["LK0304", "of GPU memory are held, and the limit is"]],
  ["shader", ["LK0742", ":2:10 error: unresolved value 'nothing'"]],
  ["init closes", ["LK0734", "closed its window in init"]],
];

for (const [where, env] of [
  ["without a display", () => ({})],
  ["on a display", () => ({ DISPLAY: display.name })],
] as const)
  describe(where, () => {
    test.each(troubles)(
      "%s",
      async (name, parts) => {
        const flags = where === "on a display" ? [] : ["--headless"];
        const words = ["run", ...flags, "--frames", "600", "--allow=loop:gfx", "--", name];
        const { said, code } = await ended(loop(words, env()));
        expect(code).toBe(1);
        for (const part of parts)
          if (typeof part === "string") expect(said).toContain(part);
          else expect(said).toMatch(part);
        expect(said).not.toContain("This is a bug");
        if (where === "on a display") await expectAsItWas();
      },
      slow,
    );
  });

test(
  "a device that is lost in the middle is made anew, and the window shows what it should",
  async () => {
    const words = ["run", "--frames", "6", "--screenshot", "6:lost.png", "--allow=loop:gfx", "--", "lost"];
    const { out, said, code } = await ended(loop(words, { DISPLAY: display.name }));
    expect([code, out, said]).toEqual([0, "lost, and made anew\n", expect.not.stringContaining("error")]);
    const { rgb } = decodePng(readFileSync(join(project, "lost.png")));
    expect([...rgb.subarray(0, 3)]).toEqual([0, 255, 0]);
  },
  slow,
);

test(
  "a display that goes away ends the run, which says so",
  async () => {
    const gone = mkdtempSync(join(home.folder, "gone-"));
    const server = await startDisplay(gone, "320x240x24");
    const child = loop(["run"], { DISPLAY: server.name });
    await soon(() => server.area(0, 0, 320, 240).some((byte) => byte !== 0));
    server.kill();
    const { said, code } = await ended(child);
    expect([code, said]).toEqual([1, expect.stringContaining(server.name)]);
  },
  slow,
);

describe("a library that is none", () => {
  /** What the loader of the system would say of it: nothing, or something else. */
  const strange = Buffer.from(readFileSync(process.execPath).subarray(0, 4096));
  strange.writeUInt16LE(process.arch === "arm64" ? 62 : 183, 18);
  const files = {
    "garbage.so": ["this is no library", "it is no library of this system"],
    "strange.so": [strange, "it is made for"],
    folder: [undefined, "it is a folder"],
    "absent.so": [undefined, "there is no such file"],
  } as const;
  test.each(Object.entries(files))("%s", async (name, [bytes, why]) => {
    const path = name === "folder" ? home.folder : join(home.folder, name);
    if (bytes !== undefined) writeFileSync(path, bytes);
    for (const [words, env] of [
      [["--sdl", path], {}],
      [[], { LOOP_SDL: path }],
    ] as const) {
      const { said, code } = await ended(loop(["run", ...words], { DISPLAY: display.name, ...env }));
      expect(code).toBe(1);
      expect(said).toContain("LK0732");
      expect(said).toContain(why);
    }
  });
});

test("a display that does not answer is named, and nothing else is said", async () => {
  for (const name of [":4711", "nonsense"]) {
    const { said, code } = await ended(loop(["run"], { DISPLAY: name }));
    expect(code).toBe(1);
    expect(said).toStartWith(
      `error[LK0731]: A window needs a display, and none was found: DISPLAY is ${name}`,
    );
  }
});
