// loop:gfx/frame-buffer: a guest's own pixels in a window. Owns the checking of a picture; refuses to know where the
// window is shown (`providers/surface` is all it asks); listed in the app's table.
import { declared } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { atGlance } from "../../host/glance.ts";
import type { Provider } from "../../host/provider.ts";
import { surfaceOf } from "../surface.ts";

/** A surface keeps no picture, so none is copied on its way. */
const present = atGlance((window: object, width: number, height: number, pixels: Uint8Array): void => {
  const max = limits.windowPointsMax;
  if (width > max || height > max)
    throw declared({
      tag: "too-large",
      val: `A picture of ${width} x ${height} was presented; the limit is ${max} x ${max}`,
    });
  if (width === 0 || height === 0 || pixels.length !== width * height * 4)
    throw declared({
      tag: "invalid",
      val: `A picture of ${width} x ${height} has ${width * height * 4} bytes and at least one pixel; ${pixels.length} bytes were presented`,
    });
  const surface = surfaceOf(window);
  if (!surface) throw declared({ tag: "unsupported" });
  if (!surface.isOpen) throw declared({ tag: "closed" });
  surface.present({ pixels, width, height, stride: width * 4, order: "rgba" });
});

export const framebuffer: Provider = {
  name: "framebuffer",
  interfaces: ["loop:gfx/frame-buffer@0.1.0"],
  suspending: [],
  defaultGranted: "*",
  instantiate: () => ({ "loop:gfx/frame-buffer@0.1.0": { present } }),
};
