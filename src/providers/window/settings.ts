import { resolve } from "node:path";
import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { ScreenSettings } from "../../host/provider.ts";
import { type InputScript, readScript } from "./script.ts";

/** `ScreenSettings`, read and checked. */
export interface Settings {
  readonly headless: boolean;
  /** The frame with which it ends; Infinity for none. */
  readonly lastFrame: number;
  /** Absolute paths by frame. */
  readonly screenshots: ReadonlyMap<number, readonly string[]>;
  readonly script: InputScript | undefined;
  /** Absolute. */
  readonly record: string | undefined;
  readonly library: string | undefined;
  /** Frames are a sixtieth of a second each, whatever the clock says, and come one after the other. */
  readonly scripted: boolean;
}

/** Frames of a headless run that says nothing of its length. */
const framesDefault = 60;

/** Faults: LK0004 a flag that does not read, LK0007 and LK0733 the script. */
export const settingsOf = (given: ScreenSettings | undefined): Settings => {
  const folder = given?.folder ?? ".";
  const headless = given?.headless ?? false;
  const screenshots = new Map<number, string[]>();
  for (const text of given?.screenshots ?? []) {
    const match = /^(\d{1,9}):(.+\.png)$/i.exec(text);
    if (!match) throw misread("--screenshot", "N:FILE.png", text, "--screenshot 60:picture.png");
    const frame = frameOf(match[1]!, "--screenshot", text);
    screenshots.set(frame, [...(screenshots.get(frame) ?? []), resolve(folder, match[2]!)]);
  }
  const script = given?.input === undefined ? undefined : readScript(resolve(folder, given.input));
  const frames = given?.frames === undefined ? undefined : frameOf(given.frames, "--frames", given.frames);
  const needed = Math.max(0, ...screenshots.keys(), script ? script.lastFrame + 1 : 0);
  if (frames !== undefined && frames < Math.max(0, ...screenshots.keys()))
    throw fault("LK0004", `A screenshot of a frame after the last one was asked for: --frames is ${frames}`, {
      hint: `--frames ${needed}`,
    });
  const scripted = headless || frames !== undefined || needed > 0;
  return {
    headless,
    lastFrame: frames ?? (needed > 0 ? needed : headless ? framesDefault : Infinity),
    screenshots,
    script,
    record: given?.record === undefined ? undefined : resolve(folder, given.record),
    library: given?.library === undefined ? undefined : resolve(folder, given.library),
    scripted,
  };
};

const frameOf = (text: string, flag: string, whole: string): number => {
  const frame = Number(text);
  if (/^\d+$/.test(text) && frame >= 1 && frame <= limits.framesMax) return frame;
  throw misread(flag, `a frame from 1 to ${limits.framesMax}`, whole, `${flag} 60`);
};

const misread = (flag: string, wanted: string, text: string, hint: string) =>
  fault("LK0004", `${flag} takes ${wanted}, and "${text}" was written`, { hint });
