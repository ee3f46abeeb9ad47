import type { InstanceContext } from "../../../host/provider.ts";
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

export const monotonicClock = (held: Held, clock: MonotonicClock, { audit, chance }: Witnesses = {}) => {
  // A replayed clock says what it said before, and an instant of it lies as far off as it did then.
  let ahead = 0n;
  return {
    now() {
      audit?.({ capability: "clocks", action: "read", target: "monotonic" });
      const now = clock.now();
      if (!chance) return now;
      const told = chance.clock("monotonic", () => now);
      ahead = now - told;
      return told;
    },
    resolution: () => 1n,
    subscribeInstant: (when: bigint) => new Pollable(held, clock.at(when + ahead)),
    subscribeDuration(duration: bigint) {
      const when = clock.now() + duration;
      return new Pollable(held, clock.at(when > u64Max ? u64Max : when));
    },
  };
};

/** Who is told of the use of a clock or of randomness, and who answers in its place. */
export type Witnesses = Pick<InstanceContext, "audit" | "chance">;

/** The engine tells the time of day in milliseconds, and `resolution` says so. */
export const wallClock = ({ audit, chance }: Witnesses = {}) => ({
  now(): Datetime {
    audit?.({ capability: "clocks", action: "read", target: "wall" });
    const ms = chance ? Number(chance.clock("wall", () => BigInt(Date.now()))) : Date.now();
    return { seconds: BigInt(Math.floor(ms / 1000)), nanoseconds: (ms % 1000) * nsPerMs };
  },
  resolution: (): Datetime => ({ seconds: 0n, nanoseconds: nsPerMs }),
});

/** The zone is the guest's own environment variable TZ: without that grant it learns nothing and sees UTC. */
export const timezone = (zone: string | undefined) => ({
  display({ seconds }: Datetime) {
    const { offsetSeconds, name, summer } = zoneDisplay(zone, Number(seconds));
    return { utcOffset: offsetSeconds, name, inDaylightSavingTime: summer };
  },
  utcOffset: ({ seconds }: Datetime) => zoneDisplay(zone, Number(seconds)).offsetSeconds,
});
