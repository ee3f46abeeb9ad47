import { dlopen, type Pointer } from "bun:ffi";
import type { NativeWindow } from "../src/providers/surface.ts";
import { startDisplay } from "../tests/display.ts";
import { instance, paint } from "../tests/painted.ts";
import { interleave, type Row, spawn } from "./measure.ts";
import { withFolder } from "./peers.ts";

// Frames that come into a real window (Xvfb): drawn into it by the GPU itself, against read back into it. The window, the
// picture and the driver are the same; so is the process, in which both take turns. Here the GPU may be software.

const sizes = [
  [800, 600],
  [1600, 1000],
] as const;
const framesARound = 60;

type Measured = Readonly<Record<string, { readonly direct: number; readonly read: number }>>;

export const presenters = (): Promise<Row[]> =>
  withFolder(async (folder, plain) => {
    const display = await startDisplay(folder, "3300x1100x24");
    try {
      const env = { ...plain, LOOP_GPU: process.env.LOOP_GPU ?? "", DISPLAY: display.name };
      const measured = JSON.parse(spawn([process.execPath, import.meta.path], { env })) as Measured;
      return Object.entries(measured).map(([size, { direct, read }]) => ({
        work: `frames of ${size} drawn into a window`,
        median: (framesARound * 1000) / direct,
        unit: "frames/s",
        against: { name: "read back", median: (framesARound * 1000) / read },
        ratio: read / direct,
      }));
    } finally {
      display.kill();
    }
  });

/** The display has done what it was told: what lies before it is no picture that somebody sees. */
const settle = (window: NativeWindow | undefined): void => {
  if (window?.kind !== "x11") throw new Error("Frames are measured on an X server");
  const { symbols } = dlopen("libX11.so.6", { XSync: { args: ["ptr", "i32"], returns: "i32" } });
  symbols.XSync(window.display as Pointer, 0);
};

const measure = async (): Promise<Measured> => {
  const { Desk } = await import("../src/providers/window/desk.ts");
  const { settingsOf } = await import("../src/providers/window/settings.ts");
  const measured: Record<string, { direct: number; read: number }> = {};
  for (const [width, height] of sizes) {
    const desk = new Desk(settingsOf({ folder: "." }));
    const contender = async (name: "direct" | "read") => {
      const { device, context } = await instance(name);
      const pane = desk.open(name, width, height);
      // Beside each other: of a window that lies under another nothing is copied.
      pane.shown!.place(name === "direct" ? 0 : width, 0);
      const [gpu, canvas] = [await device(), context(pane)];
      canvas.configure({ device: gpu });
      return {
        name,
        once: async () => {
          for (let frame = 0; frame < framesARound; frame++) {
            await paint(gpu, canvas, [frame * 4, 128, 0]);
            await desk.finishFrame();
            desk.screen.poll();
          }
          settle(pane.native);
        },
      };
    };
    const medians = await interleave([await contender("direct"), await contender("read")], {
      rounds: 9,
      warm: 2,
    });
    measured[`${width} x ${height}`] = { direct: medians.get("direct")!, read: medians.get("read")! };
    desk.end();
  }
  return measured;
};

if (import.meta.main) {
  console.log(JSON.stringify(await measure()));
  process.exit(0);
}
