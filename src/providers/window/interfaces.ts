import { declared, fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { GuestExit, type Implementations, type InstanceContext } from "../../host/provider.ts";
import { deskOf, handOf } from "./desk.ts";
import { dropsOf } from "./drops.ts";
import { windowClass } from "./resource.ts";
import type { WindowHand } from "./users.ts";

/** Every interface of loop:window for one instance, in the JS mapping. */
export const implement = (context: InstanceContext): Implementations => {
  const desk = deskOf(context);
  const hand = handOf(context);
  return {
    "loop:window/windows@0.1.0": { Window: windowClass(hand) },
    "loop:window/events@0.1.0": {},
    "loop:window/drops@0.1.0": dropsOf(desk, context),
    "loop:window/frames@0.1.0": {
      setCap(framesPerSecond: number | undefined): void {
        hand.change(() => {
          desk.cap = framesPerSecond === undefined ? undefined : Math.max(1, framesPerSecond);
        });
      },
      request: () => hand.change(() => desk.want()),
      requestAfter(seconds: number): void {
        // Whatever is no time at all is now; nobody waits longer than a day.
        hand.change(() => desk.want(seconds > 0 ? Math.min(seconds, limits.windowSecondsMax) : 0));
      },
      stop: hand.stop,
      frameStats: () => ({
        frames: BigInt(desk.stats.frames),
        late: BigInt(desk.late),
        eventsLost: BigInt(desk.stats.lost),
        framesPerSecond: desk.stats.framesPerSecond,
        workMs: desk.stats.workMs,
        workMsMax: desk.stats.workMsMax,
        showMs: desk.stats.showMs,
      }),
    },
    "loop:window/polling@0.1.0": {
      nextEvent: async (seconds: number | undefined) => {
        requireServes(context, hand);
        const event = await desk.nextEvent(seconds);
        if (!event && desk.ended) throw new GuestExit(desk.exitCode ?? 0);
        return event;
      },
      nextFrame: async () => {
        requireServes(context, hand);
        const time = await desk.nextFrame();
        if (desk.ended) throw new GuestExit(desk.exitCode ?? 0);
        return time;
      },
    },
    "loop:window/displays@0.1.0": { list: () => desk.screen.displays() },
    "loop:window/clipboard@0.1.0": clipboard(context),
    "loop:window/gamepads@0.1.0": {
      list: () => desk.pads(),
    },
  };
};

/** Events and frames are for whoever serves. */
const requireServes = ({ component }: InstanceContext, hand: WindowHand): void => {
  if (!hand.waits) return;
  throw fault(
    "LK0734",
    `${component.identifier} waits for frames or events before it has taken the place of another`,
  );
};

const clipboard = (context: InstanceContext) => {
  const desk = deskOf(context);
  const noted = (action: string, text: string) =>
    context.audit?.({ capability: "clipboard", target: "text", action, bytes: Buffer.byteLength(text) });
  const bounded = (text: string): string => {
    const bytes = Buffer.byteLength(text);
    if (bytes <= limits.clipboardBytesMax) return text;
    throw declared({
      tag: "too-large",
      val: `The text is ${bytes} bytes; the limit is ${limits.clipboardBytesMax}`,
    });
  };
  return {
    readText(): string | undefined {
      const text = desk.screen.readClipboard();
      noted("read", text ?? "");
      return text === undefined ? undefined : bounded(text);
    },
    writeText(text: string): void {
      noted("write", text);
      desk.screen.writeClipboard(bounded(text));
    },
  };
};
