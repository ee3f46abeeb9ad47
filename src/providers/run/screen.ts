import { fault } from "../../base/fault.ts";
import type { LinkedPlan } from "../../host/plan.ts";
import type { ScreenSettings } from "../../host/provider.ts";

/** Whoever speaks of windows, in our words or in those of the public proposals. */
const ofWindows =
  /^(?:loop:(?:window|gfx)|wasi:(?:surface|graphics-context|frame-buffer|webgpu)|wasi-gfx:[^/]*)\//;

/** LK0004 where a flag says how windows are shown, and the component has none. */
export const requireWindows = (
  { component, world }: LinkedPlan,
  screen: ScreenSettings | undefined,
): void => {
  const flag = screen && flagOf(screen);
  if (!flag || [...world.imports.keys(), ...world.exports.keys()].some((name) => ofWindows.test(name)))
    return;
  throw fault(
    "LK0004",
    `${flag} says how windows are shown, and ${component.identifier} neither imports nor exports anything of loop:window`,
    { hint: `loop run ${component.identifier}` },
  );
};

const flagOf = ({ headless, frames, screenshots, input, record, library, webgpu }: ScreenSettings) => {
  if (headless) return "--headless";
  if (frames !== undefined) return "--frames";
  if (screenshots && screenshots.length > 0) return "--screenshot";
  if (input !== undefined) return "--input";
  if (record !== undefined) return "--record-input";
  if (library !== undefined) return "--sdl";
  return webgpu === undefined ? undefined : "--webgpu";
};
