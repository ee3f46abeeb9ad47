import { declared } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Size } from "./screen.ts";

// What a window may be, as declared errors of `loop:window/windows`.

export const checkTitle = (title: string): void => {
  if (title.length > limits.windowTitleMax)
    throw declared({
      tag: "too-large",
      val: `A title of ${title.length} characters was asked for; the limit is ${limits.windowTitleMax}`,
    });
};

/** A size in points, of a window beside `others`, whose sizes are in pixels. */
export const checkSize = (width: number, height: number, others: readonly Size[]): void => {
  const max = limits.windowPointsMax;
  const what = `A window of ${width} x ${height} was asked for`;
  if (width > max || height > max || width * height > limits.windowPixelsMax)
    throw declared({
      tag: "too-large",
      val: `${what}; the limit is ${max} a side and ${limits.windowPixelsMax} pixels`,
    });
  if (width === 0 || height === 0) throw declared({ tag: "invalid", val: `${what}; it has to have a pixel` });
  const pixels = others.reduce((sum, size) => sum + size.width * size.height, width * height);
  if (pixels > limits.windowsPixelsMax)
    throw declared({
      tag: "too-large",
      val: `The windows would have ${pixels} pixels together; the limit is ${limits.windowsPixelsMax}`,
    });
};
