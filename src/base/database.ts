// The one SQLite file of what must not be lost. Owns opening it, its version, waiting for other processes and
// the faults of a bad file or disk; refuses to guess at what it cannot read; called by whoever remembers
// something, through `state.ts`.
import type { Database, SQLiteError } from "bun:sqlite";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Fault, fault } from "./fault.ts";
import { limits } from "./limits.ts";

/** "loop" in ASCII: SQLite's mark of whose file it is. */
const applicationId = 0x6c6f6f70;

export interface StateOptions {
  /** SQL that leads from version n to n + 1. Only ever appended to: files of every version are out there. */
  readonly migrations: readonly string[];
  readonly waitMsMax?: number;
}

/**
 * A file of remembered state, opened for each piece of work and closed after it: reads are one a process, writes
 * are rare, and what is closed needs no recovery. Two processes may use it at once (SQLite's WAL).
 * Faults: LK0404 locked, LK0405 corrupted or not ours, LK0406 from a newer loop, LK0409 not writable,
 * LK0007 not readable.
 */
export class StateFile {
  readonly path: string;
  readonly #migrations: readonly string[];
  readonly #waitMsMax: number;

  constructor(path: string, options: StateOptions) {
    this.path = path;
    this.#migrations = options.migrations;
    this.#waitMsMax = options.waitMsMax ?? limits.stateWaitMsMax;
  }

  /** Reads; answers `otherwise` where nothing was ever written. Creates nothing. */
  read<T>(work: (database: Database) => T, otherwise: T): T {
    if (!existsSync(this.path)) return otherwise;
    try {
      let stale = false;
      const answer = this.#reading((database) => {
        const version = this.#version(database);
        stale = version > 0 && version < this.#migrations.length;
        return version === this.#migrations.length ? work(database) : otherwise;
      });
      if (!stale) return answer;
      this.write(() => undefined);
      return this.#reading(work);
    } catch (error) {
      throw this.#explain(error, "read");
    }
  }

  /** Writes, all or nothing. Creates the file, or brings an older one to the present version, where need be. */
  write<T>(work: (database: Database) => T): T {
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
      const database = this.#open(this.path, flags.readWrite | flags.create);
      try {
        // Before anything is changed: the next line already writes to the file.
        this.#version(database);
        this.#useWal(database);
        return database
          .transaction(() => {
            this.#migrate(database);
            return work(database);
          })
          .immediate();
      } finally {
        database.close();
      }
    } catch (error) {
      throw this.#explain(error, "write");
    }
  }

  #open(path: string, mode: number): Database {
    const { Database } = sqlite();
    const database = new Database(path, mode);
    database.run(`PRAGMA busy_timeout = ${this.#waitMsMax}`);
    database.run("PRAGMA foreign_keys = ON");
    return database;
  }

  #reading<T>(work: (database: Database) => T): T {
    try {
      return this.#within(this.path, flags.readOnly, work);
    } catch (error) {
      if (!(isSqlite(error) && [primary.readonly, primary.cantOpen].includes(error.errno & 0xff)))
        throw error;
      return this.#readingStill(work);
    }
  }

  /**
   * Reads where nothing can be written: WAL needs a file beside the database even for reading, so SQLite is told
   * that the file does not change. What a killed process left in the log would be missed, so then a copy is read.
   */
  #readingStill<T>(work: (database: Database) => T): T {
    const log = `${this.path}-wal`;
    if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) === 0)
      return this.#within(immutable(this.path), flags.readOnly | flags.uri, work);
    const folder = mkdtempSync(join(tmpdir(), "loop-"));
    try {
      const copy = join(folder, "loop.db");
      copyFileSync(this.path, copy);
      copyFileSync(log, `${copy}-wal`);
      return this.#within(copy, flags.readWrite, work);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  #within<T>(path: string, mode: number, work: (database: Database) => T): T {
    const database = this.#open(path, mode);
    try {
      return work(database);
    } finally {
      database.close();
    }
  }

  /** The file's version; 0 for an empty one. Faults where it is damaged, not ours, or newer than we know. */
  #version(database: Database): number {
    this.#requireWhole(database);
    // In one transaction, since another process may be making the file between two of these questions.
    return database.inTransaction
      ? this.#versionNow(database)
      : database.transaction(() => this.#versionNow(database)).deferred();
  }

  #versionNow(database: Database): number {
    const version = pragma(database, "user_version");
    const owner = pragma(database, "application_id");
    const tables = database.query("SELECT count(*) AS n FROM sqlite_schema").get() as { n: number };
    if (owner !== applicationId && (owner !== 0 || version !== 0 || tables.n !== 0))
      throw fault("LK0405", `${this.path} is an SQLite database, but not one of loop's`, {
        hint: this.#setAside(),
      });
    if (version > this.#migrations.length)
      throw fault(
        "LK0406",
        `${this.path} has version ${version}, and this loop knows versions up to ${this.#migrations.length}`,
        { hint: `use the newer loop, or set the state aside: ${this.#setAside()}` },
      );
    return version;
  }

  /** SQLite reads a file that was cut short as if zeros followed, so choices would change without a word. */
  #requireWhole(database: Database): void {
    const size = statSync(this.path, { throwIfNoEntry: false })?.size ?? 0;
    const { quick_check: found } = database.query("PRAGMA quick_check(1)").get() as { quick_check: string };
    const cut = size % pragma(database, "page_size") !== 0;
    if (cut || found !== "ok") throw this.#damaged(cut ? "it is cut short" : found.replaceAll("\n", " "));
  }

  #damaged(why: string, cause?: unknown): Fault {
    return fault("LK0405", `${this.path} was to be read, and it is damaged: ${why}`, {
      cause,
      hint: `set it aside, and choices start anew: ${this.#setAside()}`,
    });
  }

  /** Two processes that both make a new file may meet here, and SQLite does not wait for this pragma. */
  #useWal(database: Database): void {
    const deadline = performance.now() + this.#waitMsMax;
    for (;;) {
      try {
        database.run("PRAGMA journal_mode = WAL");
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw error;
        Bun.sleepSync(5);
      }
    }
  }

  #migrate(database: Database): void {
    const version = this.#version(database);
    for (const sql of this.#migrations.slice(version)) database.run(sql);
    if (version === this.#migrations.length) return;
    database.run(`PRAGMA application_id = ${applicationId}`);
    database.run(`PRAGMA user_version = ${this.#migrations.length}`);
  }

  /** The whole folder: a log left beside would be taken for the next database's. */
  #setAside(): string {
    const folder = dirname(this.path);
    return `mv ${folder} ${folder}.aside`;
  }

  #explain(error: unknown, doing: "read" | "write"): unknown {
    if (error instanceof Fault) return error;
    const more = { cause: error };
    if (!isSqlite(error)) return doing === "write" ? this.#unwritable(error) : error;
    const code = error.errno & 0xff;
    if (code === primary.busy || code === primary.locked)
      return fault(
        "LK0404",
        `${this.path} is in use by another process, after waiting ${this.#waitMsMax} ms`,
        {
          ...more,
          hint: "try again when the other loop has ended",
        },
      );
    // Our own statements are right (tests run them all), so what they stumble over is the file.
    if ([primary.error, primary.corrupt, primary.format, primary.notDatabase].includes(code))
      return this.#damaged(error.message, error);
    if (doing === "write") return this.#unwritable(error);
    if (code === primary.cantOpen || code === primary.io || code === primary.permission)
      return fault("LK0007", `Cannot read ${this.path}: ${error.message}`, more);
    return error;
  }

  #unwritable(error: unknown): unknown {
    const code = isSqlite(error) ? error.errno & 0xff : undefined;
    const system = error instanceof Error && "syscall" in error;
    const disk = [primary.readonly, primary.full, primary.io, primary.cantOpen, primary.permission];
    if (!system && !disk.includes(code ?? -1)) return error;
    const why = code === primary.full ? "the disk is full" : (error as Error).message;
    return fault("LK0409", `Cannot write ${this.path}: ${why}`, {
      cause: error,
      hint: `make room in ${dirname(this.path)} or make it writable; what was remembered before is unchanged`,
    });
  }
}

/** Primary result codes (sqlite.org/rescode.html); extended codes hold them in their low byte. */
const primary = {
  error: 1,
  permission: 3,
  busy: 5,
  locked: 6,
  readonly: 8,
  io: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  format: 24,
  notDatabase: 26,
};

/** Flags of sqlite3_open_v2 (sqlite.org/c3ref/open.html). */
const flags = { readOnly: 0x1, readWrite: 0x2, create: 0x4, uri: 0x40 } as const;

// Loaded when there is a file to open: a person without choices does not pay for it at every start.
const sqlite = (): typeof import("bun:sqlite") => require("bun:sqlite");

const isSqlite = (error: unknown): error is SQLiteError =>
  error instanceof Error && error.name === "SQLiteError";
const isBusy = (error: unknown): boolean => isSqlite(error) && (error.errno & 0xff) === primary.busy;

const immutable = (path: string): string =>
  `file:${path.split("/").map(encodeURIComponent).join("/")}?immutable=1`;

const pragma = (database: Database, name: "user_version" | "application_id" | "page_size"): number =>
  (database.query(`PRAGMA ${name}`).get() as Record<string, number>)[name]!;
