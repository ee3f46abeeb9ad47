import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Instance } from "../../host/instance.ts";
import type { Seat } from "./seat.ts";

/** How long a request waits for an instance before another is made: most are free again within that. */
const growAfterMs = 5;
/** How often instances that had nothing to do are let go. */
const shrinkEveryMs = 15_000;
/** How many get an instance before a long request that waits as well, so that those starve nobody and do not starve. */
const passMax = 8;

export interface PoolOptions {
  make(): Promise<Seat>;
  /** Instances serve again, one request at a time; else each serves once. */
  readonly reuse: boolean;
  /** How many may be alive now; at least one. */
  instancesMax(): number;
}

/** A place in the line for a seat. */
export interface Place {
  readonly seat: Seat | Promise<Seat>;
  /** It turned out to be no long one: it waits no longer for the long ones' share. */
  hurry(): void;
}

interface Waiting {
  resolve(seat: Seat): void;
  reject(error: unknown): void;
}

/**
 * The instances of a served component. Each serves one request at a time; the pool grows only where that is slow.
 * Requests that may take as long as their client likes ("long") never have the last instances, which are kept for
 * those that do not. Where each request has an instance of its own, a few are made before they are needed.
 */
export class Pool {
  readonly #options: PoolOptions;
  readonly #idle: Seat[] = [];
  #waiting: Waiting[] = [];
  #waitingLong: Waiting[] = [];
  readonly #long = new Set<Seat>();
  #passed = 0;
  #live = 0;
  #making = 0;
  #idleLeast = 0;
  #growth: ReturnType<typeof setTimeout> | undefined;
  #refilling: ReturnType<typeof setTimeout> | undefined;
  readonly #shrinking: ReturnType<typeof setInterval>;
  #closed = false;
  /** Told when the last instance of a retired pool is gone. */
  #gone: (() => void) | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#shrinking = setInterval(() => this.#shrink(), shrinkEveryMs);
    this.#shrinking.unref();
  }

  /** Instances that are alive. */
  get live(): number {
    return this.#live;
  }

  /** Nobody gets an instance before another request is over. */
  get exhausted(): boolean {
    const full = this.#live - this.#idle.length >= this.#options.instancesMax();
    return (full && this.#waiting.length > 0) || (!this.#mayLong && this.#waitingLong.length > 0);
  }

  /**
   * Makes the first instance, so that a component that cannot start is known before the first request, and lets it be
   * looked at before it serves.
   */
  async begin(look: (instance: Instance) => Promise<void> = async () => {}): Promise<void> {
    const seat = await this.take();
    try {
      await look(seat.instance);
    } catch (error) {
      this.#drop(seat);
      throw error;
    }
    this.#place(seat);
  }

  /** An instance that nobody else uses; at once where one lies idle. Fault LK0204 where too many wait. */
  take(): Seat | Promise<Seat> {
    return this.#idled() ?? this.#line(this.#waiting).promise;
  }

  /** As `take`, for a request of which nobody knows how long its client takes over it. */
  takeLong(): Place {
    const idle = this.#mayLong ? this.#idled() : undefined;
    if (idle) {
      this.#long.add(idle);
      return { seat: idle, hurry() {} };
    }
    const { promise, waiting } = this.#line(this.#waitingLong);
    const hurry = () => {
      const left = this.#waitingLong.filter((one) => one !== waiting);
      if (left.length === this.#waitingLong.length) return;
      this.#waitingLong = left;
      const seat = this.#idled();
      if (seat) return waiting.resolve(seat);
      this.#waiting.push(waiting);
      this.#growAsNeeded();
    };
    return { seat: promise, hurry };
  }

  /** Back from a request. */
  give(seat: Seat, healthy: boolean): void {
    this.#long.delete(seat);
    if (this.#options.reuse && healthy && !seat.worn && !this.#closed) this.#place(seat);
    else {
      this.#drop(seat);
      this.#growAsNeeded();
    }
    this.#refill();
  }

  /** Nobody asks any more: who waits is served, and each instance goes when nobody needs it. `gone` is told of the last. */
  retire(gone: () => void): void {
    this.#gone = gone;
    for (const seat of this.#idle.splice(0)) this.#drop(seat);
    this.#mayBeGone();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#shrinking);
    clearTimeout(this.#growth);
    clearTimeout(this.#refilling);
    for (const seat of this.#idle.splice(0)) this.#drop(seat);
    const waiting = [...this.#waiting.splice(0), ...this.#waitingLong.splice(0)];
    for (const { reject } of waiting) reject(fault("LK0304", "The server was stopped"));
  }

  get #longMax(): number {
    const instancesMax = this.#options.instancesMax();
    return instancesMax - (instancesMax > 1 ? Math.ceil(instancesMax * limits.serveShortShare) : 0);
  }

  get #mayLong(): boolean {
    return this.#long.size < this.#longMax;
  }

  #idled(): Seat | undefined {
    const idle = this.#idle.pop();
    if (idle) this.#idleLeast = Math.min(this.#idleLeast, this.#idle.length);
    this.#refill();
    return idle;
  }

  #line(line: Waiting[]): { readonly promise: Promise<Seat>; readonly waiting: Waiting } {
    const count = this.#waiting.length + this.#waitingLong.length;
    if (count >= limits.serveWaitingMax)
      throw fault("LK0204", `${count} requests wait for the component; the limit is that many`);
    const { promise, resolve, reject } = Promise.withResolvers<Seat>();
    const waiting = { resolve, reject };
    line.push(waiting);
    this.#growAsNeeded();
    return { promise, waiting };
  }

  /** An instance that is free, to who waits for it; else it lies idle. Long ones let several others pass first. */
  #place(seat: Seat): void {
    const isLong =
      this.#mayLong &&
      this.#waitingLong.length > 0 &&
      (this.#waiting.length === 0 || this.#passed >= passMax);
    this.#passed = isLong ? 0 : this.#passed + 1;
    const next = isLong ? this.#waitingLong.shift() : this.#waiting.shift();
    if (!next && this.#gone) this.#drop(seat);
    else if (!next) this.#idle.push(seat);
    else {
      if (isLong) this.#long.add(seat);
      next.resolve(seat);
    }
  }

  /** Those in the line who could have an instance now if there were one. */
  get #eligible(): number {
    return this.#waiting.length + Math.min(this.#waitingLong.length, this.#longMax - this.#long.size);
  }

  #growAsNeeded(): void {
    if (this.#eligible <= this.#making) return;
    if (!this.#options.reuse || this.#live === 0) this.#grow();
    else this.#growLater();
  }

  #growLater(): void {
    this.#growth ??= setTimeout(() => {
      this.#growth = undefined;
      if (this.#eligible > 0 && this.#making === 0) this.#grow();
      if (this.#eligible > 0 && !this.#closed) this.#growLater();
    }, growAfterMs);
  }

  #grow(): void {
    if (this.#live >= this.#options.instancesMax() || this.#closed) return;
    this.#live++;
    this.#making++;
    this.#options.make().then(
      (seat) => {
        this.#making--;
        if (this.#closed) this.#drop(seat);
        else this.#place(seat);
        this.#refill();
      },
      (error) => {
        this.#making--;
        this.#live--;
        (this.#waiting.shift() ?? this.#waitingLong.shift())?.reject(error);
        this.#growAsNeeded();
        this.#mayBeGone();
      },
    );
  }

  /** Fresh instances lie ready, made one after the other while nobody waits. */
  #refill(): void {
    if (this.#options.reuse || this.#refilling) return;
    const wanted = () =>
      !this.#closed &&
      !this.#gone &&
      this.#eligible === 0 &&
      this.#idle.length + this.#making < limits.serveSparesMax;
    if (!wanted()) return;
    this.#refilling = setTimeout(() => {
      this.#refilling = undefined;
      if (wanted()) this.#grow();
    }, 0);
  }

  #drop(seat: Seat): void {
    this.#live--;
    seat.drop();
    this.#mayBeGone();
  }

  #mayBeGone(): void {
    if (!this.#gone || this.#live > 0 || this.#waiting.length + this.#waitingLong.length > 0) return;
    this.close();
    this.#gone();
  }

  /** Those that lay idle all the while go; one stays, or the spares. */
  #shrink(): void {
    const kept = this.#options.reuse ? 1 : limits.serveSparesMax;
    for (const seat of this.#idle.splice(kept, Math.max(0, this.#idleLeast - kept))) this.#drop(seat);
    this.#idleLeast = this.#idle.length;
  }
}
