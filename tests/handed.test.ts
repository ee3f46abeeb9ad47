// State that crosses swaps: a counter's number, what was typed into an editor and two scenes on the GPU, each in a window
// that stays, in one process. A GPU in software is enough (Debian's chromium-common brings one).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { typescript } from "../src/builders/typescript.ts";
import { completed } from "../src/builders/wit.ts";
import { Live, type Swapped } from "../src/host/live.ts";
import { succeeding } from "../src/host/places.ts";
import { type LinkedPlan, link } from "../src/host/plan.ts";
import type { InstanceContext } from "../src/host/provider.ts";
import { core } from "../src/providers/core/core.ts";
import { gfxProvider } from "../src/providers/gfx/gfx.ts";
import { wasi } from "../src/providers/wasi/index.ts";
import { kept } from "../src/providers/wasi/kept/index.ts";
import { deskOf } from "../src/providers/window/desk.ts";
import { begin, drive } from "../src/providers/window/drive.ts";
import { windowProvider } from "../src/providers/window/window.ts";
import { noGrants } from "../src/trust/grants.ts";
import { verify } from "../src/trust/verify.ts";
import { decodePng } from "./png.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-handed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const guests = join(import.meta.dir, "fixtures/handed");
const gfx = gfxProvider({ environment: { ...process.env, LOOP_GPU: "software" }, desk: async () => deskOf });

/** One version of a guest, of bytes of its own. */
const planOf = async (world: string, version: string): Promise<LinkedPlan> => {
  const source = readFileSync(join(guests, `${world}.guest.js`), "utf8").replaceAll("VERSION", version);
  writeFileSync(join(folder, `${world}.js`), source);
  const text = readFileSync(join(guests, "handed.wit"), "utf8");
  const wit = await completed(new Map([["wit/handed.wit", text]]));
  const request = { folder, name: world, main: `${world}.js`, world, wit, settings: {} };
  const { component } = await typescript.build(request);
  return link(verify(`${world}-${version}.wasm`, component), {
    providers: [wasi, core, kept, windowProvider, gfx],
  });
};

const editors: LinkedPlan[] = [];
const scenes: LinkedPlan[] = [];
const fields: LinkedPlan[] = [];
const counters: LinkedPlan[] = [];
beforeAll(async () => {
  for (const version of ["1", "2"]) {
    editors.push(await planOf("editor", version));
    scenes.push(await planOf("scene", version));
    fields.push(await planOf("field", version));
    counters.push(await planOf("counter", version));
  }
}, 120_000);

interface Played {
  readonly lines: readonly string[];
  readonly swaps: readonly Swapped[];
  /** Why swaps failed that did. */
  readonly failures: readonly string[];
  /** Windows that were opened in all. */
  readonly opened: number;
}

/** Draws, and before some of the frames swaps what draws for its other version, or for one that fails. */
const play = async (
  plans: readonly LinkedPlan[],
  events: readonly string[],
  swapBefore: readonly number[],
  screenshots: readonly string[] = [],
  failing?: LinkedPlan,
): Promise<Played> => {
  writeFileSync(join(folder, "events"), events.join("\n"));
  let out = "";
  const stdout = {
    write(bytes: Uint8Array) {
      out += Buffer.from(bytes);
    },
    flush() {},
    isTerminal: false,
  };
  const context: InstanceContext = {
    component: { identifier: "handed", digest: plans[0]!.component.digest },
    args: [],
    grants: { ...noGrants, capabilities: new Set(["loop:gfx"]) },
    stdio: { stdin: { read: () => undefined, isTerminal: false }, stdout, stderr: stdout },
    screen: { folder, headless: true, frames: "40", input: "events", screenshots },
    onDrop() {},
  };
  const first = await plans[0]!.instantiate(context);
  const live = new Live(
    { place: "application", contract: { ...plans[0]!.world, imports: new Map() }, waits: true },
    plans[0]!,
    first,
  );
  const desk = deskOf(first.context);
  await begin(first);
  const swaps: Swapped[] = [];
  const failures: string[] = [];
  const swapFor = (plan: LinkedPlan) => {
    const start = async (before: InstanceContext | undefined) => {
      const made = await plan.instantiate(succeeding(context, before));
      await begin(made);
      return made;
    };
    return live.swap(async () => ({ plan, start }));
  };
  const swap = async () => {
    if (failing) await swapFor(failing).catch((error: unknown) => failures.push(`${error}`));
    swaps.push(await swapFor(plans[live.generation % 2]!));
  };
  const due = [...swapBefore];
  // The application calls through this, so a swap comes exactly between two frames.
  const paced = {
    get instance() {
      return live.instance;
    },
    get generation() {
      return live.generation;
    },
    async callWhileThere(name: string, func: string, args: readonly unknown[]) {
      while (func === "frame" && due.length > 0 && desk.frame >= due[0]!) {
        due.shift();
        await swap();
      }
      return live.callWhileThere(name, func, args);
    },
  } as unknown as Live;
  try {
    expect(await drive(paced)).toBe(0);
    return { lines: out.split("\n").slice(0, -1), swaps, failures, opened: desk.opened };
  } finally {
    live.drop();
  }
};

const typed = (frame: number, text: string) => `{"frame": ${frame}, "text-entered": "${text}"}`;

test("what was typed into an editor, and where its cursor stood, is there after swaps, in the same window", async () => {
  const left = (frame: number) => `{"frame": ${frame}, "key-down": {"code": "ArrowLeft"}}`;
  const { lines, swaps, opened } = await play(
    editors,
    [typed(2, "helo"), left(3), typed(8, "l"), typed(16, "é"), typed(24, "!")],
    [5, 12, 13, 14, 20],
  );
  expect(swaps.map(({ state }) => state)).toEqual(Array(5).fill("handed-over"));
  expect(lines).toEqual([
    "1 1 editor 1 helo",
    "2 1 editor 2 hello",
    "1 1 editor 1 helléo",
    "2 1 editor 2 hellé!o",
  ]);
  expect(opened).toBe(1);
}, 60_000);

test("a scene on the GPU is drawn as it was described before the swap, by a device of the new one's own", async () => {
  const shots = ["10:before.png", "20:after.png", "30:later.png"];
  const { swaps, opened } = await play(
    scenes,
    [typed(3, "r"), typed(4, "w"), typed(26, "r"), typed(27, "w")],
    [15, 24, 25],
    shots,
  );
  expect(swaps.map(({ state }) => state)).toEqual(Array(3).fill("handed-over"));
  expect(opened).toBe(1);
  const [before, after, later] = shots.map((shot) => decodePng(readFileSync(join(folder, shot.slice(3)))));
  // A green field of so many columns on a red ground, as the scene says: 6 of 16 and one fifth, then 4 and two.
  const seen = ({ rgb }: { readonly rgb: Uint8Array }) => ({
    green: Array.from({ length: 16 }, (_, x) => rgb[x * 3 + 1]!).filter((green) => green === 255).length,
    red: rgb[15 * 3]!,
  });
  expect(seen(before!)).toEqual({ green: 6, red: 51 });
  expect(after!.rgb).toEqual(before!.rgb);
  expect(seen(later!)).toEqual({ green: 4, red: 102 });
}, 60_000);

test("what one version computed on the GPU is drawn by the next, which goes on with it, in a window that does not blink", async () => {
  const shots = [9, 10, 11, 12, 13, 14, 24, 30].map((frame) => `${frame}:field-${frame}.png`);
  const failing = await planOf("field", "3");
  const { lines, swaps, failures, opened } = await play(
    fields,
    [typed(3, "s"), typed(4, "s"), typed(20, "s"), typed(27, "s")],
    [11, 13, 14, 23],
    shots,
    failing,
  );
  expect([swaps.length, opened]).toEqual([4, 1]);
  expect(failures.map((text) => text.includes("It fails after it has taken"))).toEqual(Array(4).fill(true));
  // Nobody but the first made anything, and those that failed had taken it as well.
  const taken = (version: number) => [
    "3 took a device took heights",
    `${version} took a device took heights`,
  ];
  expect(lines.filter((line) => /^\d (took|made) /.test(line))).toEqual([
    "1 made a device made heights",
    ...taken(2),
    ...taken(1),
    ...taken(2),
    ...taken(1),
  ]);
  const pictures = shots.map((shot) => decodePng(readFileSync(join(folder, shot.split(":")[1]!))).rgb);
  const columns = (rgb: Uint8Array) => Array.from({ length: 16 }, (_, x) => rgb[(15 * 16 + x) * 3]!);
  const after = (steps: number) => Array.from({ length: 16 }, (_, x) => (x + 1) * steps);
  expect(pictures.map(columns)).toEqual([2, 2, 2, 2, 2, 2, 3, 4].map(after));
  // Around the swaps each frame is the same, down to the pixel.
  for (const picture of pictures.slice(1, 6)) expect(picture).toEqual(pictures[0]!);
}, 60_000);

test("a counter goes on counting from where it was, through every swap", async () => {
  const { identifier, digest } = counters[0]!.component;
  const sink = { write() {}, flush() {}, isTerminal: false };
  const context: InstanceContext = {
    component: { identifier, digest },
    args: [],
    grants: noGrants,
    stdio: { stdin: { read: () => undefined, isTerminal: false }, stdout: sink, stderr: sink },
    onDrop() {},
  };
  const first = await counters[0]!.instantiate(context);
  const contract = { ...counters[0]!.world, imports: new Map() };
  const live = new Live({ place: "counter", contract, waits: true }, counters[0]!, first);
  const count = () => live.callNow(undefined, "count", []);
  const numbers = [await count()];
  for (let i = 1; i <= 6; i++) {
    const plan = counters[i % 2]!;
    const start = (before: InstanceContext | undefined) => plan.instantiate(succeeding(context, before));
    expect((await live.swap(async () => ({ plan, start }))).state).toBe("handed-over");
    numbers.push(await count());
  }
  live.drop();
  // The second version counts by two.
  expect(numbers).toEqual([1, 3, 4, 6, 7, 9, 10]);
}, 60_000);
