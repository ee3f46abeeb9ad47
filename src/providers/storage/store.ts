import { limits } from "../../base/limits.ts";
import { Connection, type GuestStatement } from "./connection.ts";
import { Refusal } from "./refusal.ts";

// What one instance has of its component's database: a connection for its single statements, another for its
// transaction, and patience with others who hold the database. Knows no WIT.

const retryMs = [1, 2, 5, 10, 20, 50];

export interface Place {
  /** Absolute path of the database. */
  readonly path: string;
  readonly quotaBytes: number;
  /** How long a change waits for others; the limit where it is absent. */
  readonly busyMsMax?: number;
}

export class Store {
  readonly #place: Place;
  #main: Connection | undefined;
  /** Kept from one transaction to the next: opening costs more than a statement. */
  #second: Connection | undefined;
  #transaction: Transaction | undefined;
  #statements = 0;
  #closed = false;

  constructor(place: Place) {
    this.#place = place;
  }

  /**
   * Runs `work` on the connection for single statements; at once where nobody holds the database, otherwise again
   * and again. Refusal busy when that takes too long, and at once while this instance's own transaction lives.
   */
  run<T>(work: (connection: Connection) => T): T | Promise<T> {
    return this.#patiently(() => {
      this.#main ??= this.#open();
      return work(this.#main);
    });
  }

  /** Refusal busy where another transaction lives. */
  begin(): Transaction | Promise<Transaction> {
    return this.#patiently(() => {
      if (this.#transaction) throw new Refusal("busy");
      this.#second ??= this.#open();
      this.#transaction = new Transaction(this.#second, () => {
        this.#transaction = undefined;
      });
      return this.#transaction;
    });
  }

  /** Counts what the guest holds compiled. Refusal: too-large. */
  takeStatement(): void {
    if (this.#statements >= limits.storageStatementsMax)
      throw new Refusal("too-large", `At most ${limits.storageStatementsMax} prepared statements are held`);
    this.#statements++;
  }

  giveStatement(): void {
    this.#statements--;
  }

  /** Rolls back what was not committed. */
  close(): void {
    this.#closed = true;
    this.#transaction?.rollback();
    this.#main?.close();
    this.#second?.close();
  }

  #open(): Connection {
    if (this.#closed) throw new Refusal("unavailable", "The component was dropped");
    return new Connection(this.#place.path, this.#place.quotaBytes);
  }

  #patiently<T>(work: () => T): T | Promise<T> {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error) || this.#transaction) throw error;
      return this.#again(work, error);
    }
  }

  async #again<T>(work: () => T, first: unknown): Promise<T> {
    const until = performance.now() + (this.#place.busyMsMax ?? limits.storageBusyMsMax);
    let last = first;
    for (let turn = 0; performance.now() < until; turn++) {
      await Bun.sleep(retryMs[Math.min(turn, retryMs.length - 1)]!);
      if (this.#closed) break;
      try {
        return work();
      } catch (error) {
        if (!isBusy(error)) throw error;
        last = error;
      }
    }
    throw last;
  }
}

const isBusy = (error: unknown): boolean => error instanceof Refusal && error.kind === "busy";

/** Holds the database for writing from its beginning, so that it cannot fail for others half-way. */
export class Transaction {
  readonly #connection: Connection;
  readonly #ended: () => void;
  #open = true;

  constructor(connection: Connection, ended: () => void) {
    this.#connection = connection;
    this.#own("BEGIN IMMEDIATE");
    this.#ended = ended;
  }

  /** Refusal invalid after its end, which SQLite may have brought about (RAISE(ROLLBACK), a full disk). */
  run<T>(work: (connection: Connection) => T): T {
    this.#requireOpen();
    return work(this.#connection);
  }

  prepare(text: string): GuestStatement {
    return this.run((connection) => connection.prepare(text));
  }

  commit(): void {
    this.#requireOpen();
    this.#own("COMMIT");
    this.#end();
  }

  /** Nothing where it has ended. */
  rollback(): void {
    if (!this.#open) return;
    if (this.#connection.inTransaction) this.#own("ROLLBACK");
    this.#end();
  }

  #requireOpen(): void {
    if (this.#open && !this.#connection.inTransaction) this.#end();
    if (!this.#open) throw new Refusal("invalid", "The transaction has ended");
  }

  #end(): void {
    this.#open = false;
    this.#ended();
  }

  #own(text: string): void {
    const statement = this.#connection.prepareOwn(text);
    try {
      statement.run();
    } finally {
      statement.finalize();
    }
  }
}
