// A component that draws, called by the host, and one that calls for itself: what can go wrong, and what is seen.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeclaredError, Fault } from "../src/base/fault.ts";
import { typescript } from "../src/builders/typescript.ts";
import { completed } from "../src/builders/wit.ts";
import type { Instance } from "../src/host/instance.ts";
import { Live } from "../src/host/live.ts";
import { type LinkedPlan, link } from "../src/host/plan.ts";
import { GuestExit, type InstanceContext, type ScreenSettings } from "../src/host/provider.ts";
import { framebuffer } from "../src/providers/framebuffer/framebuffer.ts";
import { wasi } from "../src/providers/wasi/index.ts";
import { deskOf } from "../src/providers/window/desk.ts";
import { begin, drive } from "../src/providers/window/drive.ts";
import { windowProvider } from "../src/providers/window/window.ts";
import { type Grants, noGrants } from "../src/trust/grants.ts";
import { verify } from "../src/trust/verify.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-drive-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** `NAME.guest.js` in the world NAME of `NAME.wit`, linked. */
const planOf = async (name: string): Promise<LinkedPlan> => {
  const guests = join(import.meta.dir, "fixtures/window");
  const text = readFileSync(join(guests, `${name}.wit`), "utf8");
  const wit = await completed(new Map([[`wit/${name}.wit`, text]]));
  const request = { folder: guests, name, main: `${name}.guest.js`, world: name, wit, settings: {} };
  const { component } = await typescript.build(request);
  return link(verify(`${name}.wasm`, component), { providers: [wasi, windowProvider, framebuffer] });
};

let app: LinkedPlan;
let polling: LinkedPlan;
beforeAll(async () => {
  app = await planOf("app");
  polling = await planOf("polling");
}, 60_000);

interface Run {
  readonly outcome: unknown;
  /** Lines of standard output. */
  readonly lines: readonly string[];
  readonly opened: number;
  /** Still open at the end. */
  readonly open: number;
}

/** Runs an instance on no screen. */
const run = async (
  plan: LinkedPlan,
  script: string,
  screen: Partial<ScreenSettings>,
  work: (instance: Instance) => Promise<unknown>,
  grants: Grants = noGrants,
): Promise<Run> => {
  let out = "";
  const sink = {
    write(bytes: Uint8Array) {
      out += Buffer.from(bytes);
    },
    flush() {},
    isTerminal: false,
  };
  const context: InstanceContext = {
    component: { identifier: "app.wasm", digest: plan.component.digest },
    args: ["app", script],
    grants,
    stdio: {
      stdin: { read: () => undefined, isTerminal: false },
      stdout: sink,
      stderr: { ...sink, write() {} },
    },
    limits: { callMsMax: 1000 },
    screen: { folder, headless: true, ...screen },
    onDrop() {},
  };
  const instance = await plan.instantiate(context);
  const desk = deskOf(instance.context);
  let outcome: unknown;
  try {
    outcome = await work(instance);
  } catch (error) {
    outcome = error;
  }
  instance.drop();
  return { outcome, lines: out.split("\n").slice(0, -1), opened: desk.opened, open: desk.openNow };
};

/** The place of an application that draws. */
const placed = (instance: Instance): Live => {
  const contract = { name: undefined, imports: new Map(), exports: app.world.exports };
  return new Live({ place: "application", contract, waits: true }, app, instance);
};

const draw = (functions: string, screen: Partial<ScreenSettings> = {}): Promise<Run> =>
  run(app, `{ ${functions} }`, screen, async (instance) => {
    const ended = await begin(instance);
    return ended ?? drive(placed(instance));
  });
const opening = "init() { kept.push(Window.open('t', 4, 3)); }";

/** A file of events. */
const events = (...lines: string[]): string => {
  writeFileSync(join(folder, "events"), lines.join("\n"));
  return "events";
};

test("init comes first, then for each frame what happened and the frame with its time", async () => {
  const input = events(
    '{"frame": 2, "pointer-moved": {"x": 1, "y": 2}}',
    '{"frame": 2, "text-entered": "a"}',
  );
  const { outcome, lines } = await draw(
    `init() { kept.push(Window.open('t', 4, 3)); console.log('init'); },
     event({ window, what }) { console.log(window, what.tag, JSON.stringify(what.val)); },
     frame(time) { console.log(Math.round(time * 60)); return true; }`,
    { input, frames: "3" },
  );
  expect(outcome).toBe(0);
  expect(lines).toEqual([
    "init",
    "0",
    '1 pointer-moved {"x":1,"y":2,"dx":1,"dy":2}',
    '1 text-entered "a"',
    "1",
    "2",
  ]);
});

test("where nothing moves no frame is made, but for what happens and what was asked for", async () => {
  const input = events('{"frame": 5, "focused": true}');
  const { lines } = await draw(
    `${opening},
     frame(time) { console.log(Math.round(time * 60)); if (time === 0) frames.requestAfter(8.5 / 60); return false; }`,
    { input, frames: "20" },
  );
  expect(lines).toEqual(["0", "4", "9"]);
});

test("it ends with its last window, after it heard of that", async () => {
  const input = events('{"frame": 3, "close-asked": true}');
  const { outcome, lines } = await draw(
    `${opening}, event({ what }) { console.log(what.tag); }, frame() { return true; }`,
    { input, frames: "100" },
  );
  expect([outcome, lines]).toEqual([0, ["closed"]]);
});

test("it ends when it says so, with its own code", async () => {
  const stopping = `${opening}, frame(time) { if (time > 0.1) frames.stop(7); return true; }`;
  expect((await draw(stopping)).outcome).toBe(7);
  expect((await draw("init() { frames.stop(3); }")).outcome).toBe(3);
});

test("a trap in frame says where it was and what the guest said, and leaves no window", async () => {
  const { outcome, open, opened } = await draw(`${opening}, frame() { throw new Error("no paint left"); }`);
  expect(outcome).toBeInstanceOf(Fault);
  expect([(outcome as Fault).code, opened, open]).toEqual(["LK0304", 1, 0]);
  expect((outcome as Fault).message).toContain("loop:window/app@0.1.0#frame: Error: no paint left");
});

test("a frame that never returns is stopped after its time, and leaves no window", async () => {
  const { outcome, open } = await draw(`${opening}, frame() { for (;;); }`);
  expect([(outcome as Fault).code, open]).toEqual(["LK0711", 0]);
  expect((outcome as Fault).message).toContain("loop:window/app@0.1.0#frame");
});

test("no window after init is said, with the reason", async () => {
  const none = (await draw("init() {}")).outcome as Fault;
  expect([none.code, none.message]).toEqual(["LK0734", expect.stringContaining("opened no window")]);
  const closed = (await draw("init() { Window.open('t', 4, 3).close(); }")).outcome as Fault;
  expect([closed.code, closed.message]).toEqual([
    "LK0734",
    expect.stringContaining("closed its window in init"),
  ]);
  const dropped = (await draw("init() { Window.open('t', 4, 3); }")).outcome as Fault;
  expect(dropped.code).toBe("LK0734");
});

test("a window of 100,000 pixels is refused, and the guest may go on", async () => {
  const { outcome, lines } = await draw(
    `init() {
       try { Window.open('t', 100000, 100000); } catch (error) { console.log(JSON.stringify(error.payload ?? error)); }
       frames.stop(0);
     }`,
  );
  expect(outcome).toBe(0);
  expect(lines[0]).toContain("too-large");
  expect(lines[0]).toContain("100000 x 100000");
});

test("what a guest presents is the picture of its frame", async () => {
  await draw(
    `${opening}, frame(time) {
       present(kept[0], 2, 1, Uint8Array.of(time * 60, 0, 0, 0, 0, time * 60, 0, 0)); return true;
     }`,
    { screenshots: ["3:three.png"] },
  );
  const png = readFileSync(join(folder, "three.png"));
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([4, 3]);
  const raw = Bun.inflateSync(png.subarray(43, png.length - 20));
  expect([...raw.subarray(0, 13)]).toEqual([2, 2, 0, 0, 2, 0, 0, 0, 2, 0, 0, 2, 0]);
});

test("displays have a size, and statistics count frames", async () => {
  const { lines } = await draw(
    `${opening}, frame(time) {
       if (time > 0.09) { console.log(displays()[0].width, frames.frameStats().frames, frames.frameStats().workMsMax > 0); frames.stop(0); }
       return true;
     }`,
  );
  expect(lines).toEqual(["1920 6n true"]);
});

test("a guest with a loop of its own waits for frames and events, and ends by itself or with the script", async () => {
  const input = events('{"frame": 2, "key-down": {"code": "KeyA"}}', '{"frame": 4, "close-asked": true}');
  const call = (instance: Instance) => instance.call("wasi:cli/run@0.2.0", "run", []);
  const { outcome, lines } = await run(polling, "", { input, frames: "50" }, call);
  expect(outcome).not.toBeInstanceOf(Error);
  // Nobody granted it the clipboard.
  expect(lines).toEqual(["clipboard denied", "1 key-down", "3 closed", "ended"]);
  const cut = await run(polling, "", { frames: "5" }, call);
  expect(cut.outcome).toBeInstanceOf(GuestExit);
  expect(cut.outcome).not.toBeInstanceOf(DeclaredError);
});

/** Frames without a display come as fast as they can be made, and a swap takes its time. */
const long = { frames: "1000000" };

/** Draws, and meanwhile swaps what draws for another instance of it. */
const swapping = (first: string, second: string, screen: Partial<ScreenSettings>) =>
  run(app, `{ ${first} }`, screen, async (instance) => {
    await begin(instance);
    const live = placed(instance);
    const driving = drive(live);
    while (deskOf(instance.context).frame < 3) await new Promise((resolve) => setImmediate(resolve));
    const swapped = await live
      .swap(async () => ({
        plan: app,
        start: async (before) => {
          const args = ["app", `{ ${second} }`];
          const made = await app.instantiate({
            ...instance.context,
            args,
            shared: {},
            ...(before && { before }),
          });
          await begin(made).catch((error: unknown) => {
            made.drop();
            throw error;
          });
          return made;
        },
      }))
      .catch((error: unknown) => error);
    const exitCode = await driving;
    live.drop();
    return { exitCode, swapped };
  });

const drawing = (name: string) =>
  `init() { kept.push(Window.open('${name}', 4, 3)); console.log('${name}', kept[0].id()); },
   frame(time) { if (time === 0 || '${name}' === 'new') { console.log('${name}', kept[0].isOpen()); }
                 if ('${name}' === 'new') frames.stop(5); return true; }`;

test("a window stays while what draws in it is swapped between two frames", async () => {
  const { outcome, lines, opened, open } = await swapping(drawing("old"), drawing("new"), long);
  expect(outcome).toMatchObject({ exitCode: 5, swapped: { generation: 2 } });
  expect(lines).toEqual(["old 1", "old true", "new 1", "new true"]);
  expect([opened, open]).toEqual([1, 0]);
});

test("what fails in init, opens nothing or ends there takes nobody's window", async () => {
  const old = `init() { kept.push(Window.open('old', 4, 3)); },
    frame(time) { if (time > 50) { console.log(kept[0].title(), kept[0].isOpen()); frames.stop(0); } return true; }`;
  for (const second of [
    "init() { throw new Error('no'); }",
    "init() {}",
    "init() { Window.open('another', 4, 3); frames.stop(9); }",
  ]) {
    const { outcome, lines } = await swapping(old, second, long);
    expect(outcome).toMatchObject({
      exitCode: 0,
      swapped: { code: expect.stringMatching(/^LK0(304|734)$/) },
    });
    expect(lines.at(-1)).toMatch(/ true$/);
  }
}, 30_000);
test("who fails to take a place leaves no trace of what it wanted of windows, frames and the end", async () => {
  const old = `init() { kept.push(Window.open('old', 4, 3)); },
    frame(time) { if (time > 20) {
      const { width, height } = kept[0].size();
      console.log(kept[0].title(), width, height, kept[0].isFullscreen()); frames.stop(3); } return true; }`;
  for (const wish of [
    "frames.stop(9)",
    "frames.setCap(1)",
    "kept[0].setSize(400, 300)",
    "kept[0].setFullscreen(true)",
    "kept[0].setTitle('stolen')",
    "kept[0].close()",
  ]) {
    const second = `init() { kept.push(Window.open('another', 4, 3)); ${wish}; throw new Error('no'); }`;
    const { outcome, lines } = await swapping(old, second, long);
    expect([wish, outcome]).toMatchObject([wish, { exitCode: 3, swapped: { code: "LK0304" } }]);
    expect([wish, lines.at(-1)]).toEqual([wish, "old 4 3 false"]);
  }
}, 30_000);

test("what is wanted in init of windows that were there comes with the exchange", async () => {
  const second = `init() { kept.push(Window.open('new', 4, 3)); kept[0].setSize(8, 6); console.log(kept[0].title()); },
    frame() { const { width } = kept[0].size(); console.log(kept[0].title(), width); frames.stop(5); return true; }`;
  const { outcome, lines } = await swapping(drawing("old"), second, long);
  expect(outcome).toMatchObject({ exitCode: 5, swapped: { generation: 2 } });
  expect(lines.slice(-2)).toEqual(["new", "new 8"]);
});

test("a hundred thousand frames, with a person at work, leave memory as it was", async () => {
  // Half an hour of a person's work, at sixty frames a second.
  const lines: string[] = [];
  for (let frame = 1; frame < 100_000; frame += 20)
    lines.push(
      `{"frame": ${frame}, "pointer-moved": {"x": ${frame % 97}, "y": ${frame % 89}}}`,
      `{"frame": ${frame}, "text-entered": "${frame}"}`,
    );
  const input = events(...lines);
  const memory: number[] = [];
  const watching = setInterval(() => {
    Bun.gc(true);
    memory.push(process.memoryUsage.rss());
  }, 100);
  const { outcome, lines: said } = await draw(
    `init() { kept.push(Window.open('t', 16, 12), new Uint8Array(16 * 12 * 4), 0); },
     event() { kept[2]++; },
     frame(time) {
       kept[1].fill(time * 60);
       present(kept[0], 16, 12, kept[1]);
       if (time > 1666.5) { console.log(frames.frameStats().frames, kept[2]); frames.stop(0); }
       return true;
     }`,
    { input, frames: "100000" },
  );
  clearInterval(watching);
  expect(outcome).toBe(0);
  expect(said).toEqual(["99991n 10000"]);
  // From when the engine has compiled what it will: the later half against the middle.
  const middle = memory.slice(memory.length >> 2, memory.length >> 1);
  const late = memory.slice(-(memory.length >> 2));
  const least = (values: number[]) => Math.min(...values) / 2 ** 20;
  expect(memory.length).toBeGreaterThan(8);
  expect(least(late) - least(middle)).toBeLessThan(16);
}, 120_000);
