import type { Event } from "./poll.ts";

const nsPerMs = 1_000_000n;
/** The longest that a timer of the engine can wait; longer waits are made of several. */
const timerMsMax = 2 ** 31 - 1;

/** Nanoseconds since this clock was made, so a guest learns nothing of the host's own uptime. */
export class MonotonicClock {
  readonly #start = process.hrtime.bigint();

  now(): bigint {
    return process.hrtime.bigint() - this.#start;
  }

  /** Happens when this clock passes `instant`. */
  at(instant: bigint): Moment {
    return new Moment(this, instant);
  }
}

/** An instant of a clock, to be waited for. */
export class Moment implements Event {
  readonly #clock: MonotonicClock;
  readonly #instant: bigint;

  constructor(clock: MonotonicClock, instant: bigint) {
    this.#clock = clock;
    this.#instant = instant;
  }

  ready(): boolean {
    return this.#left() <= 0n;
  }

  listen(wake: () => void): () => void {
    let timer: ReturnType<typeof setTimeout>;
    const arm = () => {
      const left = this.#left();
      // Rounded up: a timer that ends a little early would make its waiter wait again.
      const ms = left <= 0n ? 0n : (left + nsPerMs - 1n) / nsPerMs;
      timer = setTimeout(() => (this.ready() ? wake() : arm()), ms > timerMsMax ? timerMsMax : Number(ms));
    };
    arm();
    return () => clearTimeout(timer);
  }

  #left(): bigint {
    return this.#instant - this.#clock.now();
  }
}

/** A zone's offset from UTC at one moment. */
export interface ZoneDisplay {
  readonly offsetSeconds: number;
  readonly name: string;
  readonly summer: boolean;
}

const utc: ZoneDisplay = { offsetSeconds: 0, name: "UTC", summer: false };

/** What `zone` (an IANA name, as TZ holds it) shows at a moment; UTC where the zone or moment is unknown. */
export const zoneDisplay = (zone: string | undefined, epochSeconds: number): ZoneDisplay => {
  if (!zone || !Number.isFinite(epochSeconds) || Math.abs(epochSeconds) > 8.64e12) return utc;
  try {
    const offsetSeconds = offsetAt(zone, epochSeconds);
    const year = new Date(epochSeconds * 1000).getUTCFullYear();
    // Winter time is the smaller offset of the year, in both hemispheres.
    const winter = Math.min(
      offsetAt(zone, Date.UTC(year, 0, 1) / 1000),
      offsetAt(zone, Date.UTC(year, 6, 1) / 1000),
    );
    return { offsetSeconds, name: nameAt(zone, epochSeconds), summer: offsetSeconds > winter };
  } catch (error) {
    if (error instanceof RangeError) return utc;
    throw error;
  }
};

const offsetAt = (zone: string, epochSeconds: number): number => {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    era: "short",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const part: Record<string, string> = {};
  for (const { type, value } of format.formatToParts(epochSeconds * 1000)) part[type] = value;
  const year = part.era === "BC" ? 1 - Number(part.year) : Number(part.year);
  const local = new Date(0);
  local.setUTCFullYear(year, Number(part.month) - 1, Number(part.day));
  local.setUTCHours(Number(part.hour), Number(part.minute), Number(part.second));
  return local.getTime() / 1000 - Math.floor(epochSeconds);
};

const nameAt = (zone: string, epochSeconds: number): string => {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "short" });
  const parts = format.formatToParts(epochSeconds * 1000);
  return parts.find(({ type }) => type === "timeZoneName")?.value ?? zone;
};
