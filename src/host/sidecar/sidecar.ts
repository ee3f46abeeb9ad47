import { fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { type Call, Conversation, SidecarFailure, type Start } from "./conversation.ts";
import { type Agreement, helloOf, settle } from "./hello.ts";

export interface SidecarOptions extends Agreement {
  readonly start: Start;
  /** Throws where the file is not the one that was trusted any more. */
  requireSame(): void;
}

/** A program that serves, whichever of its processes does so at the moment: one that failed is followed by another. */
export class Sidecar {
  readonly #options: SidecarOptions;
  #now: Promise<Conversation> | undefined;
  #talk: Conversation | undefined;
  #failures = 0;
  #notBeforeMs = 0;
  #starts = 0;
  #ended = false;
  /** Instances that it serves: one, and two while one takes the other's place. */
  #users = 1;
  #health: ReturnType<typeof setInterval> | undefined;
  /** Of `extras`, by the names of ours, what it said that it serves, by its names. */
  #served = new Map<string, string>();

  constructor(options: SidecarOptions) {
    this.#options = options;
  }

  /** The process that serves now. */
  get pid(): number | undefined {
    return this.#talk?.pid;
  }

  /** How often it was started after the first time. */
  get restarts(): number {
    return Math.max(0, this.#starts - 1);
  }

  /** Whether it said that it serves an interface. */
  serves(name: string): boolean {
    return this.#served.has(name);
  }

  /** Starts it, for the first time. Faults: LK0402, LK0431; LK0105 where the file changed. */
  async begin(): Promise<void> {
    try {
      await this.#ready(performance.now() + limits.sidecarHelloMsMax);
    } catch (error) {
      throw error instanceof SidecarFailure ? this.failed(error) : error;
    }
  }

  /** A call's result. Throws within `ms` what `Conversation.call` throws; faults as `begin`. */
  async call<T>(call: Call<T>): Promise<T> {
    const endMs = performance.now() + call.ms;
    const talk = await this.#ready(endMs);
    const contract = this.#served.get(call.contract) ?? call.contract;
    const answer = await talk.call({ ...call, contract, ms: endMs - performance.now() });
    this.#failures = 0;
    return answer;
  }

  /** Lets it read anew what it was made of, and waits until it answers again. Faults as `begin`. */
  async reload(): Promise<void> {
    const endMs = performance.now() + limits.sidecarHelloMsMax;
    try {
      const talk = await this.#ready(endMs);
      talk.reload();
      await talk.ping(endMs - performance.now());
    } catch (error) {
      throw error instanceof SidecarFailure ? this.failed(error) : error;
    }
  }

  /** The fault of a failure. */
  failed({ message }: SidecarFailure) {
    return fault("LK0431", `The sidecar ${this.#options.identifier} ${message}`, {
      hint: "what it said on standard error may tell why; knowledge/sidecars.md tells how one is written",
    });
  }

  /** Another instance is served by it: it ends with the last. */
  share(): this {
    this.#users++;
    return this;
  }

  end(): void {
    this.#users--;
    if (this.#users > 0) return;
    this.#ended = true;
    clearInterval(this.#health);
    this.#talk?.end();
    this.#forget();
  }

  async #ready(endMs: number): Promise<Conversation> {
    if (this.#ended) throw new SidecarFailure("was ended");
    this.#now ??= this.#start();
    const mine = this.#now;
    try {
      return await until(endMs, mine);
    } catch (error) {
      if (this.#now === mine && !(error instanceof Late)) this.#forget();
      throw error instanceof Late ? new SidecarFailure(this.#lateText()) : error;
    }
  }

  #lateText(): string {
    const waitMs = Math.ceil(this.#notBeforeMs - performance.now());
    return waitMs > 0
      ? `failed ${this.#failures} times in a row and is started again in ${waitMs} ms`
      : "was not ready within the deadline of the call";
  }

  async #start(): Promise<Conversation> {
    const waitMs = this.#notBeforeMs - performance.now();
    if (waitMs > 0) await Bun.sleep(waitMs);
    if (this.#ended) throw new SidecarFailure("was ended");
    this.#options.requireSame();
    this.#starts++;
    let talk: Conversation | undefined;
    try {
      talk = new Conversation(this.#options.start, () => this.#gone(talk));
      const hello = await talk.greet(helloOf(this.#options), limits.sidecarHelloMsMax);
      this.#served = settle(hello, this.#options);
    } catch (error) {
      talk?.end();
      this.#backOff();
      throw error;
    }
    this.#talk = talk;
    // While it was greeted it may have been ended.
    if (talk.failure) throw talk.failure;
    this.#watch(talk);
    return talk;
  }

  /** Asks now and then, while nobody else does, and keeps no process alive for it. */
  #watch(talk: Conversation): void {
    clearInterval(this.#health);
    this.#health = setInterval(() => {
      // Whoever calls has a deadline of its own, and what answers one thing at a time has no time for a ping.
      if (!talk.busy && !talk.failure) talk.ping(limits.sidecarPingMsMax).catch(() => {});
    }, limits.sidecarPingEveryMs);
    this.#health.unref();
  }

  #gone(talk: Conversation | undefined): void {
    if (!talk || this.#talk !== talk) return;
    this.#forget();
    if (!this.#ended) this.#backOff();
  }

  #forget(): void {
    this.#now = undefined;
    this.#talk = undefined;
  }

  /** The first one is followed at once; where that fails as well, each wait is longer, and no two alike. */
  #backOff(): void {
    this.#failures++;
    const { sidecarBackOffMs: first, sidecarBackOffMsMax: most } = limits;
    const ms = this.#failures < 2 ? 0 : Math.min(most, first * 2 ** (this.#failures - 2));
    this.#notBeforeMs = performance.now() + ms * (0.5 + Math.random() / 2);
  }
}

/** A deadline came before the work was done; the work goes on. */
class Late extends Error {}

const until = async <T>(endMs: number, work: Promise<T>): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late()), Math.max(0, endMs - performance.now()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
};
