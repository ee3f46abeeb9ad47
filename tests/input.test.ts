// Input that few machines have at hand, for real: SDL's own gamepads, fingers, input methods and dropped files in the library
// that loop uses (fixtures/window/inject.ts), keys with modifiers and dead keys from an X server. What was heard is played
// again without a display and has to give the same words and the same pixels.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Display, startDisplay } from "./display.ts";
import { ended, homeFor, loopWords, root, Said, soon } from "./home.ts";
import { decodePng } from "./png.ts";

const home = homeFor("input", { PATH: process.env.PATH ?? "" });
const project = join(home.folder, "app");
const slow = 120_000;

let display: Display;
const start = (argv: readonly string[], env: Record<string, string> = {}) =>
  home.start(argv, { cwd: project, env });
const run = async (argv: readonly string[]) => {
  const { out, said, code } = await ended(start(argv));
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${out}${said}`);
  return out;
};
const xdotool = async (...words: string[]) => (await run(["xdotool", ...words])).trim();

beforeAll(async () => {
  if (!Bun.which("xdotool")) throw new Error("xdotool is needed: apt install xdotool");
  display = await startDisplay(home.folder);
  home.env.DISPLAY = display.name;
  cpSync(join(root, "tests/fixtures/window/person"), project, { recursive: true });
  await run([...loopWords, "build"]);
}, slow);
afterAll(() => display?.kill());

const shownWindow = () =>
  soon(async () => {
    const found = await ended(start(["xdotool", "search", "--onlyvisible", "--name", "^person$"]));
    return found.out.split("\n").filter(Boolean)[0];
  });

/** What a window of this size shows. */
const seen = async (id: string, width: number, height: number): Promise<Uint8Array> => {
  const said = await xdotool("getwindowgeometry", "--shell", id);
  const place = (name: string) => Number(new RegExp(`^${name}=(-?\\d+)$`, "m").exec(said)?.[1]);
  return display.area(place("X"), place("Y"), width, height);
};

test(
  "pads, fingers, composed text and dropped files reach a component, and play again to the same pixels",
  async () => {
    const file = join(home.folder, "letter.txt");
    writeFileSync(file, "dear loop");
    const inject = join(root, "tests/fixtures/window/inject.ts");
    const [bun, main] = loopWords;
    const words = [bun, "--preload", inject, main, "run", "--record-input", "recorded"];
    const child = start(words, { INJECT_FILE: file });
    const out = new Said(child.stdout);
    const id = await shownWindow();
    await xdotool("windowfocus", id);
    await out.until(/pad-disconnected 1/);
    const recorded = readFileSync(join(project, "recorded"), "utf8").trim();
    writeFileSync(join(project, "script"), recorded);
    const last = JSON.parse(recorded.split("\n").at(-1)!).frame;
    const again = ["run", "--headless", "--input", "script", "--screenshot", `${last}:again.png`];
    const replayed = await run([...loopWords, ...again]);
    const { width, height, rgb } = decodePng(readFileSync(join(project, "again.png")));
    await soon(async () => Buffer.from(await seen(id, width, height)).equals(rgb));
    await xdotool("key", "Escape");
    expect([await child.exited, await new Response(child.stderr).text()]).toEqual([0, ""]);
    const heard = await out.whole;
    expect(heard.split("\n").slice(0, -2)).toEqual([
      "pad-connected 1",
      "pad-down 1 south",
      "pad-up 1 south",
      "pad-down 1 up",
      "pad-axis-moved 1 left-x 0.50",
      "pad-axis-moved 1 right-trigger 1.00",
      "touch-down 0 40 60 0.5",
      "touch-down 1 120 60 0.5",
      "touch-moved 0 80 30 0.5",
      "touch-up 0 80 30 0.5",
      "touch-up 1 120 60 0.5",
      "text-composing にほ 1 1",
      `text-composing ${"にほんご".repeat(20)} 80 0`,
      "text-composing  0 1",
      "file-dropped letter.txt dear loop",
      "text-entered words",
      // One that goes lets go of what was held.
      "pad-axis-moved 1 left-x 0.00",
      "pad-axis-moved 1 right-trigger 0.00",
      "pad-up 1 up",
      "pad-disconnected 1",
    ]);
    expect(heard).toBe(`${replayed}key-down Escape Escape\n`);
  },
  slow,
);

test(
  "keys come with their modifiers, and dead keys make the text that the person meant",
  async () => {
    const child = start([...loopWords, "run", "--record-input", "keys"]);
    const out = new Said(child.stdout);
    await xdotool("windowfocus", await shownWindow());
    // A key that is held while the window learns that it has the keyboard would be heard twice.
    await soon(() => readFileSync(join(project, "keys"), "utf8").includes('"focused"'));
    const typed = ["ctrl+shift+a", "alt+F4", "dead_acute", "e", "Up", "Escape"];
    for (const keys of typed) await xdotool("key", keys);
    expect([await child.exited, await new Response(child.stderr).text()]).toEqual([0, ""]);
    expect((await out.whole).split("\n")).toEqual([
      "key-down ControlLeft Control control",
      "key-down ShiftLeft Shift shift control",
      "key-down KeyA a shift control",
      "key-down AltLeft Alt alt",
      "key-down F4 F4 alt",
      // The input method of X keeps the dead key for itself, and what is typed is one letter.
      "key-down KeyE e",
      "text-entered é",
      "key-down ArrowUp ArrowUp",
      "key-down Escape Escape",
      "",
    ]);
  },
  slow,
);

test(
  "a file that is dropped on a window is for the component that has it, and for no other of the process",
  async () => {
    const source = (path: string) => JSON.stringify(join(root, "src/providers/window", path));
    const script = `
      import { dlopen, FFIType, ptr } from "bun:ffi";
      import { Desk } from ${source("desk.ts")};
      import { type } from ${source("sdl/events.ts")};
      import { event as at, eventBytes } from ${source("sdl/layout.ts")};
      import { settingsOf } from ${source("settings.ts")};
      const { ptr: pointer, i32 } = FFIType;
      import { libraryInUse } from ${JSON.stringify(join(root, "tests/fixtures/window/library.ts"))};
      const sdl = dlopen(libraryInUse, {
        SDL_PushEvent: { args: [pointer], returns: i32 },
        SDL_strdup: { args: [pointer], returns: pointer },
      }).symbols;
      const desks = [1, 2].map(() => new Desk(settingsOf({ folder: "." })));
      for (const desk of desks) desk.open("dropped", 40, 30);
      const heard = [];
      // SDL counts windows from 1; there is no third.
      for (const window of [2, 3]) {
        const view = new DataView(new ArrayBuffer(eventBytes));
        view.setUint32(0, type.dropFile, true);
        view.setBigUint64(at.drop.file, BigInt(sdl.SDL_strdup(Buffer.from("/etc/hostname\\0"))), true);
        view.setUint32(at.drop.windowID, window, true);
        sdl.SDL_PushEvent(ptr(view));
        for (const [index, desk] of desks.entries())
          for (let event = await desk.nextEvent(0.05); event; event = await desk.nextEvent(0))
            if (event.what.tag === "file-dropped") heard.push([window, index, desk.takeDrop(event.what.val.drop)]);
      }
      const kept = desks.map((desk) => [1, 2].map((drop) => desk.takeDrop(drop) ?? null));
      for (const desk of desks) desk.end();
      console.log(JSON.stringify({ heard, kept }));`;
    writeFileSync(join(home.folder, "dropped.ts"), script);
    const said = JSON.parse(await run([process.execPath, join(home.folder, "dropped.ts")]));
    const none = [null, null];
    expect(said).toEqual({ heard: [[2, 1, "/etc/hostname"]], kept: [none, none] });
  },
  slow,
);

/** A compositor of Wayland in a window of the display: what it shows is seen there. */
const startWayland = async (name: string, ...words: string[]) => {
  if (!Bun.which("weston")) throw new Error("weston is needed: apt install weston libegl1 libgl1-mesa-dri");
  const runtime = join(home.folder, "runtime");
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  // Nothing on the screen but what is shown there.
  const config = join(home.folder, "weston.ini");
  writeFileSync(
    config,
    "[shell]\nbackground-color=0xff000000\npanel-position=none\nlocking=false\nanimation=none\nstartup-animation=none\n",
  );
  const server = home.start(
    [
      "weston",
      "--backend=x11-backend.so",
      `--socket=${name}`,
      "--use-pixman",
      "--idle-time=0",
      `--config=${config}`,
      ...words,
    ],
    { env: { XDG_RUNTIME_DIR: runtime } },
  );
  await soon(() => existsSync(join(runtime, name)));
  const { DISPLAY: _, ...rest } = home.env;
  const env = { ...rest, XDG_RUNTIME_DIR: runtime, WAYLAND_DISPLAY: name };
  return { env, kill: () => server.kill() };
};

/** Where a colour begins on the screen, from the upper left. */
const placeOf = (colour: number, [width, height]: readonly [number, number] = [1280, 800]) => {
  const rgb = Buffer.from(display.area(0, 0, width, height));
  const wanted = Buffer.from([colour >> 16, (colour >> 8) & 255, colour & 255]);
  for (let at = rgb.indexOf(wanted); at >= 0; at = rgb.indexOf(wanted, at + 1))
    if (at % 3 === 0) return { left: (at / 3) % width, top: Math.floor(at / 3 / width) };
  return undefined;
};

test(
  "a window on Wayland shows what it shows anywhere, with twice the pixels where a point has them",
  async () => {
    for (const scale of [1, 2]) {
      const size = [`--width=${800 / scale}`, `--height=${600 / scale}`, `--scale=${scale}`];
      const wayland = await startWayland(`loop-${scale}`, ...size);
      try {
        const child = Bun.spawn([...loopWords, "run"], {
          cwd: project,
          env: wayland.env,
          stdout: "pipe",
          stderr: "pipe",
        });
        // What it shows before anybody did anything.
        const ground = 0x204060;
        const { left, top } = await soon(() => placeOf(ground));
        const wanted = Buffer.alloc(160 * 120 * scale * scale * 3, Buffer.from([0x20, 0x40, 0x60]));
        await soon(() => wanted.equals(display.area(left, top, 160 * scale, 120 * scale)));
        child.kill("SIGINT");
        await child.exited;
      } finally {
        wayland.kill();
      }
    }
  },
  slow,
);
