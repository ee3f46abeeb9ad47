import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Instance } from "../../host/instance.ts";

/** How long a request waits for an instance before another is made: most are free again within that. */
const growAfterMs = 5;
/** How often instances that had nothing to do are let go. */
const shrinkEveryMs = 15_000;

export interface PoolOptions {
  make(): Promise<Instance>;
  /** Instances serve again, one request at a time; else each serves once. */
  readonly reuse: boolean;
  readonly instancesMax: number;
}

/** The instances of a served component. Each serves one request at a time; the pool grows only where that is slow. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #idle: Instance[] = [];
  readonly #waiting: { resolve(instance: Instance): void; reject(error: unknown): void }[] = [];
  #live = 0;
  #making = 0;
  #idleLeast = 0;
  #growth: ReturnType<typeof setTimeout> | undefined;
  readonly #shrinking: ReturnType<typeof setInterval>;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#shrinking = setInterval(() => this.#shrink(), shrinkEveryMs);
    this.#shrinking.unref();
  }

  /** Instances that are alive. */
  get live(): number {
    return this.#live;
  }

  /** An instance that nobody else uses; at once where one lies idle. Fault LK0204 where too many wait. */
  take(): Instance | Promise<Instance> {
    const idle = this.#idle.pop();
    if (idle) {
      this.#idleLeast = Math.min(this.#idleLeast, this.#idle.length);
      return idle;
    }
    if (this.#waiting.length >= limits.serveWaitingMax)
      throw fault(
        "LK0204",
        `${this.#waiting.length} requests wait for the component; the limit is that many`,
      );
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (!this.#options.reuse || this.#live === 0) this.#grow();
      else this.#growLater();
    });
  }

  /** Back from a request. */
  give(instance: Instance, healthy: boolean): void {
    if (this.#options.reuse && healthy && !this.#closed) {
      const next = this.#waiting.shift();
      if (next) next.resolve(instance);
      else this.#idle.push(instance);
      return;
    }
    this.#drop(instance);
    if (this.#waiting.length > this.#making) this.#grow();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#shrinking);
    clearTimeout(this.#growth);
    for (const instance of this.#idle.splice(0)) this.#drop(instance);
    for (const { reject } of this.#waiting.splice(0)) reject(fault("LK0304", "The server was stopped"));
  }

  #growLater(): void {
    this.#growth ??= setTimeout(() => {
      this.#growth = undefined;
      if (this.#waiting.length > 0 && this.#making === 0) this.#grow();
      if (this.#waiting.length > 0 && !this.#closed) this.#growLater();
    }, growAfterMs);
  }

  #grow(): void {
    if (this.#live >= this.#options.instancesMax || this.#closed) return;
    this.#live++;
    this.#making++;
    this.#options.make().then(
      (instance) => {
        this.#making--;
        const next = this.#waiting.shift();
        if (next) next.resolve(instance);
        else if (this.#options.reuse && !this.#closed) this.#idle.push(instance);
        else this.#drop(instance);
      },
      (error) => {
        this.#making--;
        this.#live--;
        this.#waiting.shift()?.reject(error);
      },
    );
  }

  #drop(instance: Instance): void {
    this.#live--;
    instance.drop();
  }

  /** Those that lay idle all the while go; one stays. */
  #shrink(): void {
    for (const instance of this.#idle.splice(1, Math.max(0, this.#idleLeast - 1))) this.#drop(instance);
    this.#idleLeast = this.#idle.length;
  }
}
