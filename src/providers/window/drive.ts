import { fault } from "../../base/fault.ts";
import type { Instance } from "../../host/instance.ts";
import { deskOf } from "./desk.ts";

/** What a component that draws exports. */
const appInterface = "loop:window/app@0.1.0";

/**
 * Calls a component that draws for as long as a window of it is open: `init`, then for each frame what happened and
 * `frame`. Answers with its exit code. Faults: LK0731 to LK0734, and those of its calls.
 */
export const drive = async (instance: Instance): Promise<number> => {
  const desk = deskOf(instance.context);
  const call = (func: string, args: readonly unknown[]) => instance.callNow(appInterface, func, args);
  await call("init", []);
  if (desk.exitCode !== undefined) return desk.exitCode;
  const { identifier } = instance.context.component;
  if (desk.opened === 0)
    throw fault("LK0734", `${identifier} opened no window in init, so there is nothing to show`, {
      hint: 'init() { window = Window.open("title", 640, 480); }',
    });
  if (desk.openNow === 0)
    throw fault(
      "LK0734",
      `${identifier} closed its window in init, or let go of it, so there is nothing to show`,
      {
        hint: "keep the window where it outlives init: a window that nothing holds is closed",
      },
    );
  let moving = true;
  while (await desk.next(moving)) {
    let happened = false;
    for (let event = desk.take(); event && desk.exitCode === undefined; event = desk.take()) {
      happened = true;
      await call("event", [event]);
    }
    if (desk.over) break;
    const wished = desk.takeWish();
    if (!moving && !happened && !wished) continue;
    const startMs = performance.now();
    moving = (await call("frame", [desk.time])) === true;
    desk.stats.worked(performance.now() - startMs);
  }
  return desk.exitCode ?? 0;
};
