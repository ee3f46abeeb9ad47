// loop:devserver: developing a workspace: building what is stale, running it, watching, and swapping what changed in.
// Owns the order of that; refuses to know how anything is built, run or swapped (its services do); listed in the app's
// table.
import { resolve } from "node:path";
import { fault } from "../../base/fault.ts";
import { answering } from "../../host/crossing.ts";
import type { InstanceContext, Provider } from "../../host/provider.ts";
import type { SessionServices } from "./services.ts";
import type { Session } from "./session.ts";
import type { Telling, Voices } from "./voices.ts";

/** `loop:run/runner#options` in the JS mapping, as they are passed on. */
type RunOptions = unknown;

/** What the composition root gives. */
export interface DevServices {
  /** Absolute; relative folders are relative to it. */
  readonly folder: string;
  /** What a session in a folder (absolute) needs, for an application that is run with these options and speaks through `caller`'s streams. */
  readonly session: (
    run: {
      readonly folder: string;
      readonly options: RunOptions;
      readonly address: string;
      readonly voices: Voices;
    },
    caller: InstanceContext,
  ) => Promise<SessionServices>;
  /** Runs work until it ends or a person interrupts it, which the signal says. */
  readonly interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

export const devserverProvider = (services: DevServices): Provider => ({
  name: "devserver",
  interfaces: [
    "loop:devserver/workspace@0.1.0",
    "loop:devserver/loader@0.1.0",
    "loop:devserver/commands@0.1.0",
    "loop:devserver/session@0.1.0",
  ],
  suspending: [
    "loop:devserver/workspace#scan",
    "loop:devserver/loader#load",
    "loop:devserver/loader#providers",
    "loop:devserver/commands#list",
    "loop:devserver/session#start",
    "loop:devserver/session#next",
  ],
  defaultGranted: [],
  instantiate: (context) => {
    let session: Session | undefined;
    context.onDrop(() => void session?.stop());
    return {
      "loop:devserver/workspace@0.1.0": {
        scan: answering(async (folder: string) => (await import("./graph.ts")).scan(folder)),
      },
      "loop:devserver/loader@0.1.0": {
        load: answering(async () => (await import("./loader.ts")).load()),
        providers: answering(async () => (await import("./loader.ts")).providers()),
      },
      "loop:devserver/commands@0.1.0": {
        list: answering(async (folder: string) => (await import("./registry.ts")).commands(folder)),
      },
      "loop:devserver/session@0.1.0": {
        start: answering(async (folder: string, options: RunOptions, address: string, telling: Telling) => {
          if (session) throw fault("LK0004", "A session was started before, and there is one at a time");
          const { Session } = await import("./session.ts");
          const { Voices } = await import("./voices.ts");
          const voices = new Voices(context.stdio, telling);
          const where = resolve(services.folder, folder);
          session = new Session(
            where,
            await services.session({ folder: where, options, address, voices }, context),
            voices,
          );
          // From the start to the end, not only while somebody waits for what is next: an interruption in between
          // would end the process where it stands.
          const begun = session;
          services.interruptible((signal) => untilStopped(begun, signal)).catch((error) => begun.fail(error));
          await session.start();
        }),
        next: answering(() => {
          if (!session) throw fault("LK0004", "The session was not started");
          return session.next();
        }),
      },
    };
  },
});

/** Resolves when all of it has ended; an interruption ends it. */
const untilStopped = (session: Session, signal: AbortSignal): Promise<void> => {
  signal.addEventListener("abort", () => void session.stop());
  return session.stopped;
};
