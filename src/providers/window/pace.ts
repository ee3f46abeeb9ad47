// When frames come. Owns a desk's clock and its waiting; refuses to know windows; used by `desk`.

/** What the display shows where it does not say, and a scripted frame's share of a second. */
export const defaultRate = 60;

/** How often somebody who waits for the person looks for events: more often than anyone can press keys. */
const idleMs = 8;
/** Work that waits for nothing lets timers and promises of others go on this often. */
const breathMs = 4;

export interface Waiting {
  /** A frame is wanted as soon as the display can take one. */
  readonly moving: boolean;
  /** Whether something has happened that ends the waiting; asked again and again. */
  happened(): boolean;
  /** The display's frames a second. */
  readonly rate: number;
  /** Frames a second that the guest wants at most. */
  readonly cap: number | undefined;
}

export interface Pace {
  /** Counted from 1; 0 before the first. */
  readonly frame: number;
  /** Of this frame, in seconds since the start. */
  readonly time: number;
  /** Seconds since the start, now. */
  now(): number;
  /** Frames that came too late for the display. */
  readonly late: number;
  /** Waits for the next frame; until something happens, where nothing moves. */
  next(waiting: Waiting): Promise<void>;
  /** Waits where a guest has a loop of its own; at most so many seconds. */
  rest(seconds: number, happened: () => boolean): Promise<void>;
}

/** The wall's clock. */
export class RealPace implements Pace {
  frame = 0;
  time = 0;
  late = 0;
  readonly #startMs = performance.now();
  #frameMs = -Infinity;
  #breathedMs = -Infinity;

  now(): number {
    return (performance.now() - this.#startMs) / 1000;
  }

  async next({ moving, happened, rate, cap }: Waiting): Promise<void> {
    const intervalMs = 1000 / (cap ?? rate);
    if (!moving) while (!happened()) await Bun.sleep(idleMs);
    const wantedMs = this.#frameMs + intervalMs;
    const beforeMs = performance.now();
    if (moving && beforeMs > wantedMs + intervalMs && this.frame > 0) this.late++;
    await this.#until(wantedMs);
    // Kept to the beat as long as it is kept at all: the next one counts from when this one was due.
    this.#frameMs = Math.max(wantedMs, performance.now() - intervalMs);
    this.frame++;
    this.time = this.now();
  }

  /** Others go on meanwhile, and now and then where there is no time to wait. */
  async #until(ms: number): Promise<void> {
    const waits = ms > performance.now();
    await until(ms);
    const nowMs = performance.now();
    if (!waits && nowMs - this.#breathedMs < breathMs) return;
    if (!waits) await turn();
    this.#breathedMs = performance.now();
  }

  async rest(seconds: number, happened: () => boolean): Promise<void> {
    const endMs = performance.now() + seconds * 1000;
    for (;;) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return turn();
      await Bun.sleep(Math.min(idleMs / 2, leftMs));
      if (happened()) return;
    }
  }
}

/** Waits for a moment of `performance.now()`. */
const until = async (ms: number): Promise<void> => {
  // A timer comes up to a millisecond late.
  const coarse = ms - performance.now() - 1.5;
  if (coarse > 0) await Bun.sleep(coarse);
  while (performance.now() < ms) await turn();
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A sixtieth of a second a frame, whatever the clock says: a script gives the same pictures each time. */
export class ScriptedPace implements Pace {
  frame = 0;
  readonly late = 0;
  /** Whether a person looks on, so that frames take the time that they say. */
  readonly #watched: boolean;
  #breathedMs = performance.now();
  #shownMs = 0;

  constructor(watched: boolean) {
    this.#watched = watched;
  }

  get time(): number {
    return Math.max(0, this.frame - 1) / defaultRate;
  }

  now(): number {
    return this.time;
  }

  async next(): Promise<void> {
    this.frame++;
    if (this.#watched) {
      this.#shownMs = Math.max(this.#shownMs + 1000 / defaultRate, performance.now() - 1000 / defaultRate);
      await until(this.#shownMs);
    } else if (performance.now() - this.#breathedMs > breathMs) {
      await turn();
      this.#breathedMs = performance.now();
    }
  }

  async rest(): Promise<void> {
    await turn();
  }
}
