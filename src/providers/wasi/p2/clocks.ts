import { type MonotonicClock, zoneDisplay } from "../state/clocks.ts";
import { type Held, Pollable } from "./io.ts";

// wasi:clocks 0.2: monotonic-clock, wall-clock, timezone.

/** `datetime` of wasi:clocks/wall-clock. */
export interface Datetime {
  readonly seconds: bigint;
  /** Always under 1,000,000,000. */
  readonly nanoseconds: number;
}

const nsPerMs = 1_000_000;
const u64Max = 2n ** 64n - 1n;

export const monotonicClock = (held: Held, clock: MonotonicClock) => ({
  now: () => clock.now(),
  resolution: () => 1n,
  subscribeInstant: (when: bigint) => new Pollable(held, clock.at(when)),
  subscribeDuration(duration: bigint) {
    const when = clock.now() + duration;
    return new Pollable(held, clock.at(when > u64Max ? u64Max : when));
  },
});

/** The engine tells the time of day in milliseconds, and `resolution` says so. */
export const wallClock = {
  now(): Datetime {
    const ms = Date.now();
    return { seconds: BigInt(Math.floor(ms / 1000)), nanoseconds: (ms % 1000) * nsPerMs };
  },
  resolution: (): Datetime => ({ seconds: 0n, nanoseconds: nsPerMs }),
};

/** The zone is the guest's own environment variable TZ: without that grant it learns nothing and sees UTC. */
export const timezone = (zone: string | undefined) => ({
  display({ seconds }: Datetime) {
    const { offsetSeconds, name, summer } = zoneDisplay(zone, Number(seconds));
    return { utcOffset: offsetSeconds, name, inDaylightSavingTime: summer };
  },
  utcOffset: ({ seconds }: Datetime) => zoneDisplay(zone, Number(seconds)).offsetSeconds,
});
