// Windows on a real display: Xvfb, with a person's input made by xdotool. Owns what only a display shows: the same
// pixels as without one, real keys and buttons, handles given back. A machine without Xvfb, xdotool and SDL 2 fails
// here, and is told what to install.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Display, startDisplay } from "./display.ts";
import { ended, homeFor, root, soon } from "./home.ts";
import { decodePng } from "./png.ts";

const home = homeFor("screen", { PATH: process.env.PATH ?? "" });
const slow = 120_000;

let display: Display;
const run = (...argv: string[]) => ended(home.start(argv));

const xdotool = async (...words: string[]): Promise<string> => {
  const { out, said, code } = await run("xdotool", ...words);
  if (code !== 0) throw new Error(`xdotool ${words.join(" ")}: ${said}`);
  return out.trim();
};
/** Windows of this title that are to be seen. */
const windowsNamed = async (title: string): Promise<string[]> => {
  const { out } = await run("xdotool", "search", "--onlyvisible", "--name", `^${title}$`);
  return out.split("\n").filter(Boolean);
};

/** Where the upper left corner of a window is on the screen. */
const placeOf = async (id: string): Promise<[left: number, top: number]> => {
  const said = await xdotool("getwindowgeometry", "--shell", id);
  const field = (name: string) => Number(new RegExp(`^${name}=(-?\\d+)$`, "m").exec(said)?.[1]);
  return [field("X"), field("Y")];
};

const pixel = (x: number, y: number) => display.pixel(x, y);

const project = join(home.folder, "app");
beforeAll(async () => {
  if (!Bun.which("xdotool")) throw new Error("xdotool is needed: apt install xdotool");
  display = await startDisplay(home.folder);
  home.env.DISPLAY = display.name;
  cpSync(join(root, "tests/fixtures/window/person"), project, { recursive: true });
  const built = await home.loop(project, "build");
  if (built.code !== 0) throw new Error(built.said);
}, slow);
afterAll(() => display?.kill());

test(
  "the same component and the same script give the same pixels with a display and without",
  async () => {
    const lines = [
      '{"frame": 2, "pointer-moved": {"x": 30, "y": 40}}',
      '{"frame": 3, "pointer-down": {}}',
      '{"frame": 4, "key-down": {"code": "KeyR"}}',
      '{"frame": 6, "resized": {"width": 333, "height": 222}}',
      '{"frame": 8, "pointer-moved": {"x": 200, "y": 100}}',
    ];
    writeFileSync(join(project, "events"), lines.join("\n"));
    const words = ["run", "--input", "events", "--frames", "12"];
    const pictures = (kind: string) =>
      [5, 12].flatMap((frame) => ["--screenshot", `${frame}:${kind}${frame}.png`]);
    const seen = await home.loop(project, ...words, ...pictures("seen"));
    const unseen = await home.loop(project, ...words, "--headless", ...pictures("unseen"));
    expect([seen.said, unseen.said]).toEqual(["", ""]);
    expect(seen.out).toBe(unseen.out);
    for (const frame of [5, 12])
      expect(
        readFileSync(join(project, `seen${frame}.png`)).equals(
          readFileSync(join(project, `unseen${frame}.png`)),
        ),
      ).toBe(true);
    expect(readFileSync(join(project, "seen12.png")).readUInt32BE(16)).toBe(333);
  },
  slow,
);

test(
  "what a person does reaches the component, is seen on the screen, and plays again without one",
  async () => {
    const child = home.spawn(project, "run", "--record-input", "recorded");
    const id = await soon(async () => (await windowsNamed("person"))[0]);
    const [left, top] = await placeOf(id);
    const at = (x: number, y: number) => pixel(left + x, top + y);
    await soon(() => at(10, 10) === 0x204060);
    await xdotool("mousemove", "--window", id, "50", "60");
    await xdotool("click", "1");
    await soon(() => at(52, 62) === 0xffffff);
    await xdotool("windowfocus", id);
    await xdotool("key", "--clearmodifiers", "r");
    await soon(() => at(10, 10) === 0x802020);
    await xdotool("type", "hi");
    await xdotool("key", "Escape");
    const { out, code } = await ended(child);
    expect(code).toBe(0);
    expect(out).toContain("pointer-down left 50 60");
    expect(out).toContain("key-down KeyR r");
    expect(out).toContain("text-entered h");
    expect(out).toContain("key-down Escape Escape");
    expect(await windowsNamed("person")).toEqual([]);
    const recorded = readFileSync(join(project, "recorded"), "utf8");
    expect(recorded).toContain('"pointer-down"');
    const again = await home.loop(project, "run", "--headless", "--input", "recorded");
    const told = (text: string) =>
      text.split("\n").filter((line) => /^(pointer-down|key-down|text-entered)/.test(line));
    expect(told(again.out)).toEqual(told(out));
  },
  slow,
);

test(
  "paint is painted on with a real pointer, and saves with a real key what is to be seen",
  async () => {
    const paint = join(home.folder, "paint");
    cpSync(join(root, "examples/paint"), paint, {
      recursive: true,
      filter: (path) => !/\/(build|generated)$/.test(path),
    });
    const child = home.spawn(paint, "run");
    const id = await soon(async () => (await windowsNamed("paint"))[0]);
    const [left, top] = await placeOf(id);
    const paper = 0xfbf7ee;
    await soon(() => pixel(left + 100, top + 200) === paper);
    const pointer = (x: number, y: number) => xdotool("mousemove", "--window", id, `${x}`, `${y}`);
    // The second colour of the bar, then a stroke.
    await pointer(50, 18);
    await xdotool("click", "1");
    await pointer(60, 200);
    await xdotool("mousedown", "1");
    for (let x = 60; x <= 300; x += 20) await pointer(x, 200);
    await xdotool("mouseup", "1");
    await soon(() => pixel(left + 200, top + 200) === 0xd62828);
    expect(pixel(left + 200, top + 230)).toBe(paper);
    await xdotool("windowfocus", id);
    await xdotool("key", "s");
    await soon(() => existsSync(join(paint, "paint.png")));
    const shown = (x: number, y: number) =>
      [16, 8, 0].map((shift) => (pixel(left + x, top + y) >> shift) & 255);
    const seen = places.map(([x, y]) => shown(x, y));
    await xdotool("key", "Escape");
    const { said, code } = await ended(child);
    expect(code).toBe(0);
    expect(said).not.toContain("error");
    const { rgb } = decodePng(readFileSync(join(paint, "paint.png")));
    const saved = places.map(([x, y]) => [...rgb.subarray(((y - 36) * 640 + x) * 3).subarray(0, 3)]);
    expect(saved).toEqual(seen);
  },
  slow,
);

/** In the stroke, at its edge, at its beginning and beside it; where it ends there is the cursor. */
const places = [
  [100, 200],
  [200, 205],
  [55, 200],
  [400, 300],
] as const;

test(
  "Ctrl-C, and a window that the person closes, leave no window behind",
  async () => {
    for (const end of ["interrupt", "close"]) {
      const child = home.spawn(project, "run");
      const id = await soon(async () => (await windowsNamed("person"))[0]);
      if (end === "interrupt") child.kill("SIGINT");
      // Without a window manager nobody has a button to close it; this is what one does.
      else await xdotool("windowquit", id).catch(() => xdotool("windowclose", id));
      expect((await ended(child)).said).not.toContain("error");
      expect(await windowsNamed("person")).toEqual([]);
    }
  },
  slow,
);

test(
  "a window does what it is told: title, size, place, cursor, capture, icon, fullscreen, clipboard",
  async () => {
    const script = `
      import { deskOf } from ${JSON.stringify(join(root, "src/providers/window/desk.ts"))};
      import { implement } from ${JSON.stringify(join(root, "src/providers/window/interfaces.ts"))};
      import { cursors } from ${JSON.stringify(join(root, "src/providers/window/screen.ts"))};
      const releases = [];
      const context = { shared: {}, onDrop: (release) => releases.push(release) };
      const given = implement(context);
      const of = (name) => given["loop:window/" + name + "@0.1.0"];
      const { Window } = of("windows");
      const settle = async () => {
        for (let tries = 0; tries < 10; tries++) {
          await Bun.sleep(10);
          while (await of("polling").nextEvent(0));
        }
      };
      const window = Window.open("first", 100, 80);
      const answers = [];
      window.setTitle("told");
      window.setSize(140, 90);
      window.setPosition(30, 40);
      window.setResizable(true);
      await settle();
      answers.push(window.size(), window.pixelSize(), window.scale(), window.position());
      for (const cursor of cursors) window.setCursor(cursor);
      for (const mode of ["hidden", "captured", "free"]) window.setPointer(mode);
      window.setIcon(2, 2, new Uint8Array(16).fill(255));
      window.setTextInput(false);
      window.setTextInput(true);
      window.setTextArea(1, 2, 3, 4);
      of("clipboard").writeText("ö kept");
      answers.push(of("clipboard").readText(), of("displays").list().map(({ width, height }) => [width, height]));
      answers.push(of("gamepads").list());
      window.setFullscreen(true);
      await settle();
      answers.push(window.isFullscreen(), window.size());
      window.setFullscreen(false);
      await settle();
      window.minimise();
      window.restore();
      await settle();
      answers.push(window.isFullscreen(), deskOf(context).openNow);
      for (const release of releases.reverse()) release();
      console.log(JSON.stringify(answers));`;
    writeFileSync(join(home.folder, "told.ts"), script);
    const { out, said } = await run(process.execPath, join(home.folder, "told.ts"));
    expect(said).toBe("");
    const size = { width: 140, height: 90 };
    const [all, area] = [[1280, 800], { width: 1280, height: 800 }];
    expect(JSON.parse(out)).toEqual([
      size,
      size,
      1,
      { x: 30, y: 40 },
      "ö kept",
      [all],
      [],
      true,
      area,
      false,
      1,
    ]);
  },
  slow,
);

test(
  "a hundred windows, opened and closed, leave no handle",
  async () => {
    const script = `
    import { readdirSync } from "node:fs";
    import { Desk } from ${JSON.stringify(join(root, "src/providers/window/desk.ts"))};
    import { settingsOf } from ${JSON.stringify(join(root, "src/providers/window/settings.ts"))};
    const handles = () => readdirSync("/proc/self/fd").length;
    const once = async () => {
      const desk = new Desk(settingsOf({ folder: ".", frames: "3" }));
      const pane = desk.open("many", 200, 100);
      await desk.next(true);
      pane.present({ pixels: new Uint8Array(200 * 100 * 4), width: 200, height: 100, stride: 800, order: "rgba" });
      await desk.next(true);
      pane.close();
      desk.end();
    };
    for (let count = 0; count < 5; count++) await once();
    const before = { handles: handles(), memory: process.memoryUsage.rss() };
    for (let count = 0; count < 100; count++) await once();
    console.log(handles() - before.handles, Math.round((process.memoryUsage.rss() - before.memory) / 1e6));`;
    writeFileSync(join(home.folder, "many.ts"), script);
    const { out, said } = await run(process.execPath, join(home.folder, "many.ts"));
    expect(said).toBe("");
    const [handles, megabytes] = out.trim().split(" ").map(Number);
    expect(handles).toBe(0);
    expect(megabytes).toBeLessThan(60);
    expect(await windowsNamed("many")).toEqual([]);
  },
  slow,
);
