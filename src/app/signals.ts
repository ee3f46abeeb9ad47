import { dlopen } from "bun:ffi";
import { constants } from "node:os";
import { libc } from "./libc.ts";

// What the system does when a signal comes for this process: read and changed through `sigaction`. Whoever is not on the
// main thread can see there whether one has come, though nobody has heard it yet.

export type Ending = "SIGINT" | "SIGTERM";

/** How a `struct sigaction` lies in memory: it begins with the handler, and the flag lets that be called once. */
interface Layout {
  readonly bytes: number;
  readonly flagsAt: number;
  /** SA_RESETHAND. */
  readonly once: number;
}

const layouts: Partial<Record<NodeJS.Platform, Layout>> = {
  // A mask of 1024 signals lies between, in glibc and in musl.
  linux: { bytes: 152, flagsAt: 136, once: 0x8000_0000 },
  darwin: { bytes: 16, flagsAt: 12, once: 0x4 },
};

const layout = layouts[process.platform];

const system =
  libc !== undefined && layout
    ? dlopen(libc, { sigaction: { args: ["i32", "ptr", "ptr"], returns: "i32" } }).symbols
    : undefined;

/** 0 for none. */
export const numberOf = (signal: Ending | undefined): number => (signal ? constants.signals[signal] : 0);

/** Undefined where the system has no such thing, or does not say. */
const dispositionOf = (signal: Ending): DataView | undefined => {
  if (!system || !layout) return undefined;
  const bytes = new Uint8Array(layout.bytes);
  const told = system.sigaction(numberOf(signal), null, bytes) === 0;
  return told ? new DataView(bytes.buffer) : undefined;
};

/** Whoever listens for a signal is called for the first one alone: the next one ends the process. */
export const hearOnce = (signal: Ending): void => {
  const found = dispositionOf(signal);
  if (!found || !layout) return;
  found.setUint32(layout.flagsAt, found.getUint32(layout.flagsAt, true) | layout.once, true);
  system?.sigaction(numberOf(signal), new Uint8Array(found.buffer), null);
};

/** Whether the next one ends the process: nobody listens for it, or the one who did was called. */
export const isDeadly = (signal: Ending): boolean => dispositionOf(signal)?.getBigUint64(0, true) === 0n;
