import { monotonicClock as older, type Witnesses, wallClock } from "../p2/clocks.ts";
import type { MonotonicClock } from "../state/clocks.ts";
import { zoneDisplay } from "../state/clocks.ts";
import type { Holding } from "./pipe.ts";

// wasi:clocks 0.3: monotonic-clock, system-clock, timezone.

/** `instant` of wasi:clocks/system-clock; seconds before 1970 are negative. */
export interface Instant {
  readonly seconds: bigint;
  /** Always under 1,000,000,000. */
  readonly nanoseconds: number;
}

const nsPerSecond = 1_000_000_000n;

export const monotonicClock = (holding: Holding, clock: MonotonicClock, witnesses: Witnesses = {}) => {
  const { now, resolution, subscribeInstant, subscribeDuration } = older(holding, clock, witnesses);
  const wait = async (pollable: ReturnType<typeof subscribeInstant>): Promise<void> => {
    try {
      await pollable.block();
    } finally {
      pollable[Symbol.dispose]();
    }
  };
  return {
    now,
    getResolution: resolution,
    waitUntil: (when: bigint) => wait(subscribeInstant(when)),
    waitFor: (duration: bigint) => wait(subscribeDuration(duration)),
  };
};

export const systemClock = (witnesses: Witnesses = {}) => {
  const { now, resolution } = wallClock(witnesses);
  return {
    now: (): Instant => now(),
    getResolution: (): bigint => BigInt(resolution().nanoseconds),
  };
};

/** The zone is the guest's own environment variable TZ: without that grant it learns nothing. */
export const timezone = (zone: string | undefined) => ({
  ianaId: () => zone,
  utcOffset: ({ seconds }: Instant): bigint | undefined =>
    zone === undefined ? undefined : BigInt(zoneDisplay(zone, Number(seconds)).offsetSeconds) * nsPerSecond,
  toDebugString: () => zone ?? "no time zone",
});
