import { fault } from "../../base/fault.ts";
import { timed } from "../../base/timings.ts";
import type { Instance } from "../../host/instance.ts";
import type { Live } from "../../host/live.ts";
import { deskOf, endedBy, windowsOf } from "./desk.ts";

/** What a component that draws exports. */
const appInterface = "loop:window/app@0.1.0";

/**
 * Begins a component that draws: `init`. Answers with its exit code where it ends right there. One that takes
 * another's place is given its windows. Faults: LK0731 to LK0734, and those of the call.
 */
export const begin = async (instance: Instance): Promise<number | undefined> => {
  const { context } = instance;
  const desk = deskOf(context);
  const { identifier } = context.component;
  await timed("init", async () => instance.callNow(appInterface, "init", []));
  if (context.before && endedBy(context))
    throw fault("LK0734", `${identifier} ended itself in init, where it was to take another's place`);
  if (!context.before && desk.exitCode !== undefined) return desk.exitCode;
  if (windowsOf(context) > 0) return undefined;
  const closed = desk.opened > 0 && !context.before;
  throw fault(
    "LK0734",
    closed
      ? `${identifier} closed its window in init, or let go of it, so there is nothing to show`
      : `${identifier} opened no window in init, so there is nothing to show`,
    {
      hint: closed
        ? "keep the window where it outlives init: a window that nothing holds is closed"
        : 'init() { window = Window.open("title", 640, 480); }',
    },
  );
};

/**
 * Calls a component that draws for as long as a window of it is open: for each frame what happened, and `frame`. What
 * stands in the place may be another component from one frame to the next. Answers with its exit code. Faults: those
 * of its calls.
 */
export const drive = async (live: Live): Promise<number> => {
  const desk = deskOf(live.instance.context);
  // One whose call does not end can be replaced all the same.
  const call = (func: string, args: readonly unknown[]) => live.callWhileThere(appInterface, func, args);
  let moving = true;
  let generation = live.generation;
  while (await desk.next(moving)) {
    let happened = generation !== live.generation;
    generation = live.generation;
    for (let event = desk.take(); event && desk.exitCode === undefined; event = desk.take()) {
      happened = true;
      await call("event", [event]);
    }
    if (desk.over) break;
    const wished = desk.takeWish();
    if (!moving && !happened && !wished) continue;
    const startMs = performance.now();
    const drawn = () => call("frame", [desk.time]);
    const answer = await (desk.stats.frames === 0 ? timed("first frame", async () => drawn()) : drawn());
    moving = answer === true || generation !== live.generation;
    desk.stats.worked(performance.now() - startMs);
  }
  return desk.exitCode ?? 0;
};
