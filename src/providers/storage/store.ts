import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { limits } from "../../base/limits.ts";
import { Connection } from "./connection.ts";
import type { Allowance, EngineProcess } from "./process.ts";
import { Refusal, refusalOf } from "./refusal.ts";
import type { Request } from "./session.ts";

// What one instance has of its component's database: a connection in this process for keys and values, whose
// statements are ours and small; an engine in a process of its own for the guest's SQL; and patience with others
// who hold the database. Knows no WIT.

const retryMs = [1, 2, 5, 10, 20, 50];

export interface Place {
  /** Absolute path of the database. */
  readonly path: string;
  readonly quotaBytes: number;
  /** How long a change waits for others; the limit where it is absent. */
  readonly busyMsMax?: number;
  /** What one statement may take; the limits where it is absent. */
  readonly allowance?: Allowance;
}

export class Store {
  readonly #place: Place;
  #keys: Connection | undefined;
  #engine: EngineProcess | undefined;
  #transaction: Transaction | undefined;
  #statements = 0;
  #closed = false;

  constructor(place: Place) {
    this.#place = place;
  }

  /**
   * Runs `work` on the connection for keys and values; at once where nobody holds the database, otherwise again
   * and again. Refusal busy when that takes too long, and at once while this instance's own transaction lives.
   */
  onKeys<T>(work: (connection: Connection) => T): T | Promise<T> {
    const attempt = () => {
      this.#requireOpen();
      this.#keys ??= new Connection(this.#place.path, this.#place.quotaBytes);
      return work(this.#keys);
    };
    try {
      return attempt();
    } catch (error) {
      if (!this.#mayRetry(error)) throw error;
      return this.#again(attempt, error);
    }
  }

  /** Asks the engine, with the same patience. */
  async ask(request: Request): Promise<unknown> {
    try {
      return await this.#askOnce(request);
    } catch (error) {
      if (!this.#mayRetry(error)) throw error;
      return this.#again(() => this.#askOnce(request), error);
    }
  }

  /** Refusal busy where another transaction lives. */
  async begin(): Promise<Transaction> {
    if (this.#transaction?.open) throw new Refusal("busy");
    await this.ask({ op: "begin" });
    this.#transaction = new Transaction(this.#engine!);
    return this.#transaction;
  }

  /** Counts what the guest holds prepared. Refusal: too-large. */
  takeStatement(): void {
    if (this.#statements >= limits.storageStatementsMax)
      throw new Refusal("too-large", `At most ${limits.storageStatementsMax} prepared statements are held`);
    this.#statements++;
  }

  giveStatement(): void {
    this.#statements--;
  }

  /** What was not committed is rolled back. */
  close(): void {
    this.#closed = true;
    this.#engine?.end(new Refusal("unavailable", "The component was dropped"));
    this.#keys?.close();
  }

  async #askOnce(request: Request): Promise<unknown> {
    this.#requireOpen();
    if (!this.#engine?.alive) this.#engine = await this.#startEngine();
    return this.#engine.request(request);
  }

  async #startEngine(): Promise<EngineProcess> {
    // The engine's program is needed by few guests.
    const { EngineProcess, usualAllowance } = await import("./process.ts");
    this.#requireOpen();
    const { path, quotaBytes, allowance = usualAllowance } = this.#place;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      return new EngineProcess({ path, quotaBytes }, allowance);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  #requireOpen(): void {
    if (this.#closed) throw new Refusal("unavailable", "The component was dropped");
  }

  #mayRetry(error: unknown): boolean {
    return isBusy(error) && !this.#transaction?.open;
  }

  async #again<T>(work: () => T | Promise<T>, first: unknown): Promise<T> {
    const until = performance.now() + (this.#place.busyMsMax ?? limits.storageBusyMsMax);
    let last = first;
    for (let turn = 0; performance.now() < until; turn++) {
      await Bun.sleep(retryMs[Math.min(turn, retryMs.length - 1)]!);
      try {
        return await work();
      } catch (error) {
        if (!isBusy(error)) throw error;
        last = error;
      }
    }
    throw last;
  }
}

const isBusy = (error: unknown): boolean => error instanceof Refusal && error.kind === "busy";

/** Changes made together; rolled back by its end without a commit, whatever brings that about. */
export class Transaction {
  readonly #engine: EngineProcess;
  #open = true;

  constructor(engine: EngineProcess) {
    this.#engine = engine;
  }

  /** False too when its engine was ended, for a statement that took too much. */
  get open(): boolean {
    return this.#open && this.#engine.alive;
  }

  /** Refusal invalid after its end. */
  async ask(request: Request): Promise<unknown> {
    if (!this.open) throw new Refusal("invalid", "The transaction has ended");
    return this.#engine.request(request);
  }

  async commit(): Promise<void> {
    await this.ask({ op: "commit" });
    this.#open = false;
  }

  /** Nothing where it has ended. What is asked of the engine later comes after it. */
  async rollback(): Promise<void> {
    if (!this.open) return;
    this.#open = false;
    await this.#engine.request({ op: "rollback" });
  }
}
