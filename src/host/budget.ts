// What one instance may use up: time, memory, output. Owns the counting and the faults that say which limit was
// passed; refuses to know how a guest is made to ask (`meter` does that); made by `instance` for each instance.
import { type Fault, fault } from "../base/fault.ts";
import { limits as bounds } from "../base/limits.ts";
import { printBytes, printMs } from "../base/quantity.ts";
import { suspending } from "./jspi.ts";
import type { MeterImports, Metering } from "./meter/meter.ts";
import type { OutputSink } from "./provider.ts";
import type { Turns } from "./turns.ts";

/** What an instance is held to. A limit that is not asked for costs nothing. */
export interface InstanceLimits {
  /** Milliseconds of its whole life, from its start; waiting counts. */
  readonly lifeMsMax?: number;
  /** Milliseconds of its start and of each call into it; waiting counts. */
  readonly callMsMax?: number;
  /** Whether a single call into it can be held to a time of its own (`enter`), as a swap does with `restore`. */
  readonly stoppable?: boolean;
  /** With whom it takes turns while it computes: without it, nothing else happens meanwhile. */
  readonly turns?: Turns;
  /** Milliseconds of its start, where that is not what a call may take. */
  readonly startMsMax?: number;
  /** Milliseconds to come to an end once it is asked to stop. */
  readonly graceMsMax?: number;
  /** Bytes of all its memories and tables together, and of those of the instances that serve it. */
  readonly memoryBytesMax?: number;
  /** Bytes written to standard output and standard error together. */
  readonly outputBytesMax?: number;
  /** What helps where each is passed: "loop run ./x.wasm --timeout 4s". */
  readonly hints?: { readonly time?: string; readonly memory?: string; readonly output?: string };
}

/** What passed a limit: a fault's code, the reason as a report says it, and what helps. */
interface Excess {
  readonly code: "LK0711" | "LK0712" | "LK0713" | "LK0005";
  readonly reason: string;
  readonly hint: string | undefined;
  /** Whether a single call passed it, and not the instance. */
  readonly ofCall?: boolean;
}

/**
 * What has to be metered for an instance with these limits, which serves another and may have state to hand over;
 * undefined for nothing.
 */
export const meteringOf = (
  { lifeMsMax, callMsMax, stoppable, memoryBytesMax, turns: ownTurns }: InstanceLimits,
  above?: Budget,
  handsOver = false,
): Metering | undefined => {
  const turns = ownTurns !== undefined || above?.turns === true;
  const own = turns || lifeMsMax !== undefined || callMsMax !== undefined || stoppable === true;
  const time = own || (above?.metering?.time ?? false);
  const memory = memoryBytesMax !== undefined || (above?.metering?.memory ?? false);
  // What it changes while it saves its state can be put back.
  return time || memory ? { time, memory, turns, state: time && handsOver } : undefined;
};

export class Budget {
  /** As `meteringOf` says. */
  readonly metering: Metering | undefined;
  readonly #component: string;
  readonly #limits: InstanceLimits;
  /** That of the instance which this one serves: what is used here is used there as well. */
  readonly #parent: Budget | undefined;
  readonly #stop: AbortSignal | undefined;
  readonly #turns: Turns | undefined;
  readonly #lifeEndMs: number;
  /** Ends of the calls that are running. */
  readonly #calls = new Set<{ readonly endMs: number; readonly ms: number }>();
  #graceEndMs = Infinity;
  #memoryBytes = 0;
  #grantedBytes = 0;
  #outputBytes = 0;
  #refusedBytes = 0;
  /** Resolves when the guest, which is suspended in the middle of computing, goes on. */
  #turn: Promise<void> | undefined;
  /** Changes when a call was given up: it is never woken. */
  #era = 0;
  #excess: Excess | undefined;

  constructor(component: string, limits: InstanceLimits, parent?: Budget, stop?: AbortSignal) {
    this.#component = component;
    this.#limits = limits;
    this.#parent = parent;
    this.#stop = stop;
    this.#turns = limits.turns ?? (parent ? parent.#turns : undefined);
    this.metering = meteringOf(limits, parent);
    this.#lifeEndMs = limits.lifeMsMax === undefined ? Infinity : performance.now() + limits.lifeMsMax;
  }

  /** Whether a limit was passed; the instance is not to be used any more. */
  get exceeded(): boolean {
    return this.#excess !== undefined;
  }

  /** Whether others have their turn while it computes. */
  get turns(): boolean {
    return this.#turns !== undefined;
  }

  /** Whether the guest is suspended in the middle of computing: nobody may enter it then. */
  get suspended(): boolean {
    return this.#turn !== undefined;
  }

  /** Resolves when it is not suspended in the middle of computing, and may be entered. */
  async resumed(): Promise<void> {
    while (this.#turn) await this.#turn;
  }

  readonly imports: MeterImports = {
    check: () => this.#check(performance.now()),
    turn: suspending(() => this.#suspend()),
    reserve: (bytes) => {
      const granted = this.#reserve(bytes);
      this.#grantedBytes = granted ? bytes : 0;
      return granted ? 1 : 0;
    },
    undo: () => {
      this.#release(this.#grantedBytes);
      this.#grantedBytes = 0;
    },
  };

  /** A call begins, or the start; the answer ends it. It may take `ms`, which is what calls may take at most. */
  enter(ms = this.#limits.callMsMax): () => void {
    if (ms === undefined) return nothing;
    const call = { endMs: performance.now() + ms, ms };
    this.#calls.add(call);
    return () => void this.#calls.delete(call);
  }

  /** Its start begins; the answer ends it. */
  enterStart(): () => void {
    const { startMsMax, callMsMax = Infinity } = this.#limits;
    return this.enter(startMsMax === undefined ? this.#limits.callMsMax : Math.min(startMsMax, callMsMax));
  }

  /** Takes what a core instance has from the start. Fault LK0712. */
  begin(bytes: number): void {
    if (this.#reserve(bytes)) return;
    throw this.#fault(this.#memoryExcess(), "cannot start");
  }

  /** As `promise`, or a rejection at the moment when its time is over, however long the guest goes on waiting. */
  until<T>(promise: Promise<T>): Promise<T> {
    if (!this.metering?.time) return promise;
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const watch = () => {
        const nowMs = performance.now();
        if (this.#late(nowMs)) return reject(new WebAssembly.RuntimeError("Out of time"));
        const leftMs = this.#endMs() - nowMs;
        // A little later than the moment, so that the clock has certainly passed it.
        if (leftMs < Infinity) timer = setTimeout(watch, Math.min(leftMs + 0.5, bounds.timerMsMax));
      };
      watch();
      const stop = () => {
        clearTimeout(timer);
        watch();
      };
      this.#stop?.addEventListener("abort", stop);
      promise.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        this.#stop?.removeEventListener("abort", stop);
      });
    });
  }

  /** A sink that refuses what goes beyond the output limit, fault LK0713; the sink itself where there is none. */
  capped(sink: OutputSink): OutputSink {
    const { outputBytesMax, hints } = this.#limits;
    if (outputBytesMax === undefined) return sink;
    return {
      get isTerminal() {
        return sink.isTerminal;
      },
      flush: () => sink.flush(),
      write: (bytes) => {
        this.#outputBytes += bytes.length;
        if (this.#outputBytes <= outputBytesMax) return sink.write(bytes);
        this.#excess ??= {
          code: "LK0713",
          reason: `it wrote more than ${printBytes(outputBytesMax)}`,
          hint: hints?.output,
        };
        throw this.#fault(this.#excess, "was stopped");
      },
    };
  }

  /** The fault for what ended a call in `where`; undefined where no limit had to do with it. */
  explain(where: string, isTrap: boolean): Fault | undefined {
    if (this.#excess) return this.#fault(this.#excess, `was stopped in ${where}`);
    if (!isTrap || this.#refusedBytes === 0) return undefined;
    return this.#fault(this.#memoryExcess(), `trapped in ${where}`);
  }

  /**
   * Forgets that a call took too long, or was refused memory: what it did has been put back. False where something else
   * passed a limit, which stands.
   */
  forgive(): boolean {
    if (this.#excess && !this.#excess.ofCall) return false;
    this.#excess = undefined;
    this.#refusedBytes = 0;
    this.#turn = undefined;
    this.#era++;
    return true;
  }

  /** Gives back what the instance above was charged. */
  end(): void {
    if (this.#parent) this.#parent.#release(this.#memoryBytes);
    this.#memoryBytes = 0;
  }

  #endMs(): number {
    let endMs = Math.min(this.#lifeEndMs, this.#graceEndMs, this.#parent ? this.#parent.#endMs() : Infinity);
    for (const call of this.#calls) endMs = Math.min(endMs, call.endMs);
    return endMs;
  }

  /** Whether time is over; what is found is kept, so that nothing later changes the report. */
  #late(nowMs: number): boolean {
    if (this.#excess) return true;
    if (this.#stop?.aborted && this.#graceEndMs === Infinity)
      this.#graceEndMs = nowMs + (this.#limits.graceMsMax ?? bounds.stopGraceMsMax);
    const above = this.#parent ? this.#parent.#late(nowMs) : false;
    if (above) this.#excess = this.#parent!.#passedOn();
    else if (nowMs >= this.#endMs()) this.#excess = this.#timeExcess(nowMs);
    else if (this.#calls.size === 0 && this.#limits.callMsMax !== undefined) this.#enterUnseen(nowMs);
    return this.#excess !== undefined;
  }

  /** What the meter is answered: 0 to go on, 1 to stop, 2 to let others have their turn. */
  #check(nowMs: number): number {
    if (this.#late(nowMs)) return 1;
    const answer = this.#turns?.ask(nowMs) ?? "go on";
    if (answer === "go on") return 0;
    if (answer === "turn") return 2;
    const reason = `it computed for longer than ${printMs(bounds.turnHeldMsMax)} where it cannot be suspended`;
    this.#excess = { code: "LK0711", reason, hint: undefined, ofCall: true };
    return 1;
  }

  #suspend(): Promise<void> {
    const era = this.#era;
    const turn = this.#turns!.take().then(() => {
      if (this.#turn === turn) this.#turn = undefined;
      return era === this.#era ? undefined : new Promise<void>(() => {});
    });
    this.#turn = turn;
    return turn;
  }

  /** A method of a resource is called past `enter`: it counts from here until the host has its turn again. */
  #enterUnseen(nowMs: number): void {
    const ms = this.#limits.callMsMax!;
    const call = { endMs: nowMs + ms, ms };
    this.#calls.add(call);
    queueMicrotask(() => this.#calls.delete(call));
  }

  #passedOn(): Excess {
    const { code, reason, hint } = this.#excess!;
    return { code, reason: `${this.#component}, which it serves: ${reason}`, hint };
  }

  #timeExcess(nowMs: number): Excess {
    const { lifeMsMax, hints } = this.#limits;
    if (nowMs >= this.#graceEndMs)
      return { code: "LK0005", reason: "it was asked to stop and went on", hint: undefined };
    const late = [...this.#calls].find(({ endMs }) => nowMs >= endMs);
    const ms = nowMs >= this.#lifeEndMs ? lifeMsMax! : late!.ms;
    const ofCall = nowMs < this.#lifeEndMs;
    return { code: "LK0711", reason: `it took longer than ${printMs(ms)}`, hint: hints?.time, ofCall };
  }

  #memoryExcess(): Excess {
    const { memoryBytesMax, hints } = this.#limits;
    if (memoryBytesMax === undefined || this.#fits(this.#refusedBytes))
      if (this.#parent) return this.#parent.#memoryExcess();
    const reason = `it has ${printBytes(this.#memoryBytes)} of memory and asked for ${printBytes(this.#refusedBytes)} more, and the limit is ${printBytes(memoryBytesMax ?? 0)}`;
    return { code: "LK0712", reason, hint: hints?.memory };
  }

  #fits(bytes: number): boolean {
    return this.#memoryBytes + bytes <= (this.#limits.memoryBytesMax ?? Infinity);
  }

  #reserve(bytes: number): boolean {
    if (this.#fits(bytes) && (!this.#parent || this.#parent.#reserve(bytes))) {
      this.#memoryBytes += bytes;
      return true;
    }
    this.#refusedBytes = bytes;
    return false;
  }

  #release(bytes: number): void {
    this.#memoryBytes -= bytes;
    if (this.#parent) this.#parent.#release(bytes);
  }

  #fault({ code, reason, hint }: Excess, what: string): Fault {
    return fault(code, `${this.#component} ${what}: ${reason}`, { hint });
  }
}

const nothing = (): void => {};
