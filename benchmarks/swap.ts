import { contextOf } from "../src/host/fixture.ts";
import { Live } from "../src/host/live.ts";
import { link } from "../src/host/plan.ts";
import type { Provider } from "../src/host/provider.ts";
import { Undoable } from "../src/host/undo.ts";
import { verify } from "../src/trust/verify.ts";
import { callsComponent, interfaceName } from "./guests.ts";
import { medianOf, type Row } from "./measure.ts";
import { withFolder } from "./peers.ts";

// A component of 100 KB that is called for each of sixty frames a second, and swapped for another one that nobody has
// met: how late the frames around a swap are, and what a swap takes.

const frameMs = 1000 / 60;
const bytes = 100 * 1024;
const swaps = 40;
const framesBetween = 8;

export const run = (): Promise<Row[]> =>
  withFolder(async (folder) => {
    const before = process.env.XDG_CACHE_HOME;
    process.env.XDG_CACHE_HOME = folder;
    try {
      return await rows();
    } finally {
      if (before === undefined) delete process.env.XDG_CACHE_HOME;
      else process.env.XDG_CACHE_HOME = before;
    }
  });

const rows = async (): Promise<Row[]> => {
  const components = await Promise.all(
    Array.from({ length: swaps + 1 }, async (_, i) => ({
      name: `swap-${i}`,
      bytes: await callsComponent(bytes, `swap-${i}`),
    })),
  );
  const linked = (at: number) =>
    link(verify(components[at]!.name, components[at]!.bytes), { providers: [host] });
  const first = await linked(0);
  const live = new Live(
    { place: "bench", contract: { ...first.world, imports: new Map() }, waits: true },
    first,
    await first.instantiate(contextOf(first)),
  );
  const gaps: number[] = [];
  const took: number[] = [];
  const works: number[] = [];
  let lastWorkMs = workMs();
  let lastMs = performance.now();
  for (let swap = 1; swap <= swaps; swap++) {
    const startMs = performance.now();
    const swapping = live
      .swap(async (phases) => {
        phases.enter("link");
        const plan = await linked(swap);
        return { plan, start: () => plan.instantiate(contextOf(plan)) };
      })
      .then(() => took.push(performance.now() - startMs));
    for (let frame = 0; frame < framesBetween; frame++) {
      await nextFrame(lastMs);
      await live.callNow(interfaceName, "add", [frame, 1]);
      const nowMs = performance.now();
      gaps.push(nowMs - lastMs);
      lastMs = nowMs;
      const worked = workMs();
      works.push(worked - lastWorkMs);
      lastWorkMs = worked;
    }
    await swapping;
  }
  live.drop();
  const longest = Math.max(...gaps);
  const work = Math.max(...works);
  return [
    {
      // On a machine that others use as well, a late frame is mostly theirs.
      work: "most processor time that the frames' own thread took for one of them",
      median: work,
      unit: "ms",
      against: { name: "a frame time", median: frameMs },
      ratio: work / frameMs,
      target: { text: "at most × 1", met: work <= frameMs },
    },
    {
      work: "longest frame while a 100 KB component is swapped forty times",
      median: longest,
      unit: "ms",
      against: { name: "two frame times", median: 2 * frameMs },
      ratio: longest / (2 * frameMs),
      target: { text: "at most × 1", met: longest <= 2 * frameMs },
    },
    { work: "a swap of it, from its bytes to its first call", median: medianOf(took), unit: "ms" },
    ...[1, 4, 16].map(remembering),
  ];
};

/** What has to be there before `save` is called, so that it can be undone: a copy of the memory, all of it in use. */
const remembering = (mebibytes: number): Row => {
  const pages = mebibytes * 16;
  const memory = new WebAssembly.Memory({ initial: pages });
  new Uint8Array(memory.buffer).fill(7);
  const instance = new Undoable();
  const state = { memories: ["memory"], globals: [], tables: [], tablesChange: false };
  instance.made({ exports: { memory } }, state);
  instance.inside({ mark: () => () => true });
  const took = Array.from({ length: 15 }, () => {
    const startMs = performance.now();
    if (!instance.mark()) throw new Error("An instance that can be undone was not remembered");
    return performance.now() - startMs;
  });
  const median = medianOf(took);
  return {
    work: `remembering an instance with ${mebibytes} MiB of memory before it saves its state`,
    median,
    unit: "ms",
    target: { text: "at most a frame time", met: median <= frameMs },
  };
};

/** Processor time of this thread, which Bun has and its types do not. */
const workMs = (): number => {
  const { user, system } = (
    process as unknown as { threadCpuUsage(): { user: number; system: number } }
  ).threadCpuUsage();
  return (user + system) / 1000;
};

/** Sleeps to the next sixtieth of a second after the last frame. */
const nextFrame = (lastMs: number): Promise<void> =>
  Bun.sleep(Math.max(0, lastMs + frameMs - performance.now() - 1));

const host: Provider = {
  name: "host",
  interfaces: ["bench:calls/host"],
  suspending: [],
  defaultGranted: "*",
  instantiate: () => ({ "bench:calls/host": { ask: (text: string) => text } }),
};
