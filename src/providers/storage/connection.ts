import { Database, SQLiteError, type Statement } from "bun:sqlite";
import { closeSync, mkdirSync, openSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { limits } from "../../base/limits.ts";
import { Refusal, refusalOf } from "./refusal.ts";

// One SQLite connection to one component's database: quota, bounds of parameters and answers. Knows no WIT.

export type Value = null | bigint | number | string | Uint8Array;

export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

export interface Changes {
  readonly rows: number;
  readonly lastInsertRowid: bigint;
}

type RowStatement = Statement<Record<string, Value>, Value[]>;

const pageBytes = 4096;
/** With less than this free, a change that did not fit met the disk and not the quota. */
const freeBytesMin = 1024 * 1024;
/** The journal is cut to this once its changes are in the database, or it stays as long as it ever was. */
const journalBytesKept = 1024 * 1024;

export class Connection {
  readonly #database: Database;
  readonly #path: string;

  /** Makes folder and file where there are none, for the user alone. Refusals: busy, unavailable. */
  constructor(path: string, quotaBytes: number) {
    this.#path = path;
    this.#database = refusing(() => open(path, Math.max(2, Math.floor(quotaBytes / pageBytes))));
  }

  close(): void {
    this.#database.close();
  }

  get inTransaction(): boolean {
    return this.#database.inTransaction;
  }

  /** For statements of our own: neither checked nor bounded. */
  prepareOwn(text: string): OwnStatement {
    return this.refusing(() => new OwnStatement(this, this.#database.prepare(text)));
  }

  runOwn(text: string): void {
    this.refusing(() => this.#database.run(text));
  }

  /** A guest's statement, which passed the gate: compiled, used and let go. */
  use<T>(text: string, work: (statement: GuestStatement) => T): T {
    const statement = this.refusing(() => new GuestStatement(this, this.#database, text));
    try {
      return work(statement);
    } finally {
      statement.finalize();
    }
  }

  /** Runs `work` and says what SQLite refused in our words. SQLite calls a full quota a full disk. */
  refusing<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const full = error instanceof SQLiteError && error.code === "SQLITE_FULL";
      throw full && this.#diskHasRoom() ? new Refusal("quota-exceeded") : refusalOf(error);
    }
  }

  #diskHasRoom(): boolean {
    const { bavail, bsize } = statfsSync(dirname(this.#path));
    return bavail * bsize >= freeBytesMin;
  }
}

const refusing = <T>(work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw refusalOf(error);
  }
};

const open = (path: string, pagesMax: number): Database => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a", 0o600));
  const database = new Database(path, { readwrite: true, safeIntegers: true });
  try {
    // Who waits is `store.ts`, where other guests go on meanwhile.
    database.run("PRAGMA busy_timeout = 0");
    database.run(`PRAGMA page_size = ${pageBytes}`);
    database.run("PRAGMA journal_mode = WAL");
    // A crash of the host loses nothing; a power cut may lose the last changes and never the database.
    database.run("PRAGMA synchronous = NORMAL");
    database.run(`PRAGMA max_page_count = ${pagesMax}`);
    database.run(`PRAGMA journal_size_limit = ${journalBytesKept}`);
    database.run("PRAGMA trusted_schema = OFF");
    database.run("PRAGMA cell_size_check = ON");
    database.run("PRAGMA foreign_keys = ON");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/** A statement of our own. */
export class OwnStatement {
  readonly #connection: Connection;
  readonly #statement: RowStatement;

  constructor(connection: Connection, statement: Statement) {
    this.#connection = connection;
    this.#statement = statement as RowStatement;
  }

  /** Rows changed. */
  run(...parameters: Value[]): number {
    return this.#connection.refusing(() => this.#statement.run(...parameters).changes);
  }

  first(...parameters: Value[]): Readonly<Record<string, Value>> | undefined {
    return this.#connection.refusing(() => this.#statement.get(...parameters) ?? undefined);
  }

  all(...parameters: Value[]): Readonly<Record<string, Value>>[] {
    return this.#connection.refusing(() => this.#statement.all(...parameters));
  }

  finalize(): void {
    this.#statement.finalize();
  }
}

/** A guest's statement, compiled. */
export class GuestStatement {
  readonly #connection: Connection;
  readonly #database: Database;
  readonly #statement: RowStatement;
  /** What the columns are called in a row object, where no two may have one name. */
  readonly #keys: readonly string[];
  readonly #columns: readonly string[];

  constructor(connection: Connection, database: Database, text: string) {
    this.#connection = connection;
    this.#database = database;
    const statement = database.prepare(text);
    this.#columns = statement.columnNames;
    const distinct = new Set(this.#columns).size === this.#columns.length;
    if (distinct || !statement.readonly) this.#statement = statement as RowStatement;
    else {
      // As a subquery its columns get distinct names.
      statement.finalize();
      this.#statement = database.prepare(`SELECT * FROM (${text}\n)`) as RowStatement;
    }
    this.#keys = this.#statement.columnNames;
    if (new Set(this.#keys).size < this.#keys.length) {
      this.#statement.finalize();
      throw new Refusal("invalid", "Two columns have one name; AS gives one another");
    }
  }

  /** Refusals: invalid where it answers with rows. */
  execute(parameters: readonly Value[]): Changes {
    if (this.#statement.reader)
      throw new Refusal("invalid", "The statement answers with rows; it is a query");
    this.#requireParameters(parameters);
    const { changes, lastInsertRowid } = this.#connection.refusing(() => this.#statement.run(...parameters));
    return { rows: changes, lastInsertRowid: BigInt(lastInsertRowid) };
  }

  /** Refusals: invalid where it answers with none; too-large, with all its changes undone. */
  query(parameters: readonly Value[]): Answer {
    if (!this.#statement.reader)
      throw new Refusal("invalid", "The statement answers with no rows; it is to be executed");
    this.#requireParameters(parameters);
    return this.#connection.refusing(() =>
      this.#statement.readonly ? this.#rows(parameters) : this.#together(() => this.#rows(parameters)),
    );
  }

  finalize(): void {
    this.#statement.finalize();
  }

  /** SQLite makes the changes of a RETURNING statement before its first row, so a refusal has to undo them. */
  #together<T>(work: () => T): T {
    this.#database.run("SAVEPOINT loop_query");
    try {
      const answer = work();
      this.#database.run("RELEASE loop_query");
      return answer;
    } catch (error) {
      // SQLite itself may have rolled everything back.
      if (this.#database.inTransaction) {
        this.#database.run("ROLLBACK TO loop_query");
        this.#database.run("RELEASE loop_query");
      }
      throw error;
    }
  }

  #rows(parameters: readonly Value[]): Answer {
    const rows: Value[][] = [];
    let bytes = 0;
    for (const row of this.#statement.iterate(...parameters)) {
      if (rows.length >= limits.storageRowsMax)
        throw new Refusal(
          "too-large",
          `An answer has at most ${limits.storageRowsMax} rows; LIMIT asks for fewer`,
        );
      const values = this.#keys.map((key) => row[key] ?? null);
      for (const value of values) bytes += sizeOf(value);
      if (bytes > limits.storageRowsBytesMax)
        throw new Refusal("too-large", `An answer has at most ${limits.storageRowsBytesMax} bytes`);
      rows.push(values);
    }
    return { columns: this.#columns, rows };
  }

  #requireParameters(parameters: readonly Value[]): void {
    const wanted = this.#statement.paramsCount;
    if (parameters.length > limits.storageParametersMax)
      throw new Refusal("too-large", `A statement has at most ${limits.storageParametersMax} parameters`);
    if (wanted !== parameters.length)
      throw new Refusal(
        "invalid",
        `The statement has ${wanted} parameters, and ${parameters.length} were given`,
      );
    for (const value of parameters)
      if (sizeOf(value) > limits.storageValueBytesMax)
        throw new Refusal("too-large", `A parameter has at most ${limits.storageValueBytesMax} bytes`);
  }
}

/** Bytes of a value as SQLite holds it, the row's own cost included. */
const sizeOf = (value: Value): number => {
  if (typeof value === "string") return 16 + Buffer.byteLength(value);
  return value instanceof Uint8Array ? 16 + value.length : 16;
};
