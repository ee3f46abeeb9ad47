import { resolve } from "node:path";
import type { InstanceContext } from "../../host/provider.ts";
import { type AdapterWorld, softwareDrivers } from "./adapter.ts";
import type { GfxServices } from "./gfx.ts";

/** Where an instance's adapters are looked for. */
export const worldOf = (
  { screen }: Pick<InstanceContext, "screen">,
  { environment, windowDawn }: Pick<GfxServices, "environment" | "windowDawn">,
): AdapterWorld => {
  const drivers = softwareDrivers;
  if (windowDawn) return { environment, drivers, windowDawn };
  if (!screen || !isSeen(screen, environment)) return { environment, drivers };
  const named =
    screen.webgpu === undefined || screen.webgpu === "off"
      ? screen.webgpu
      : resolve(screen.folder, screen.webgpu);
  return {
    environment,
    drivers,
    windowDawn: async () => (await import("./wgpu/library.ts")).findWindowDawn(named, environment),
  };
};

/** Whether somebody looks at its windows, and nobody wants their pixels back: frames that are counted or kept are read. */
const isSeen = (
  { headless, frames, screenshots = [], input, record }: NonNullable<InstanceContext["screen"]>,
  { DISPLAY, SDL_VIDEODRIVER }: GfxServices["environment"],
): boolean =>
  !headless &&
  frames === undefined &&
  screenshots.length === 0 &&
  input === undefined &&
  record === undefined &&
  // The Dawn that draws into windows knows those of X alone, which SDL takes first.
  Boolean(DISPLAY) &&
  (SDL_VIDEODRIVER || "x11") === "x11";
