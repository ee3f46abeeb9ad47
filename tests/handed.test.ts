// State that crosses swaps: what was typed into an editor and a scene on the GPU, each in a window that stays, in one
// process. A GPU in software is enough (Debian's chromium-common brings one).
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
import { gfxProvider } from "../src/providers/gfx/gfx.ts";
import { wasi } from "../src/providers/wasi/index.ts";
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
  return link(verify(`${world}-${version}.wasm`, component), { providers: [wasi, windowProvider, gfx] });
};

const editors: LinkedPlan[] = [];
const scenes: LinkedPlan[] = [];
beforeAll(async () => {
  for (const version of ["1", "2"]) {
    editors.push(await planOf("editor", version));
    scenes.push(await planOf("scene", version));
  }
}, 120_000);

interface Played {
  readonly lines: readonly string[];
  readonly swaps: readonly Swapped[];
  /** Windows that were opened in all. */
  readonly opened: number;
}

/** Draws, and before some of the frames swaps what draws for its other version. */
const play = async (
  plans: readonly LinkedPlan[],
  events: readonly string[],
  swapBefore: readonly number[],
  screenshots: readonly string[] = [],
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
  const swap = async () => {
    const plan = plans[live.generation % 2]!;
    const start = async (before: InstanceContext | undefined) => {
      const made = await plan.instantiate(succeeding(context, before));
      await begin(made);
      return made;
    };
    swaps.push(await live.swap(async () => ({ plan, start })));
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
    return { lines: out.split("\n").slice(0, -1), swaps, opened: desk.opened };
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
