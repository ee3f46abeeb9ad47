import type { Database } from "bun:sqlite";
import type { StateFile } from "../base/database.ts";
import { Fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { stateFile } from "../base/state.ts";
import type { PublicKey } from "./key/public.ts";
import type { OriginMemory } from "./origin.ts";
import type { CheckMemory } from "./signature/check.ts";

/** A key whose signatures a person believes. */
export interface BelievedKey {
  readonly key: PublicKey;
  /** "" everywhere; else the absolute folder of the workspace in which it counts. */
  readonly scope: string;
  readonly name: string;
  /** When it stops to count; undefined never. */
  readonly expiresMs: number | undefined;
}

export interface RevokedKey {
  readonly key: PublicKey;
  readonly name: string;
  readonly atMs: number;
}

/** All that is remembered of keys. */
export interface RememberedKeys {
  readonly believed: readonly BelievedKey[];
  readonly revoked: readonly RevokedKey[];
  /** How many different keys it takes, by scope. */
  readonly thresholds: ReadonlyMap<string, number>;
}

const nothing: RememberedKeys = { believed: [], revoked: [], thresholds: new Map() };

/**
 * Whose signatures a person believes, in `loop.db`: per user, where no checkout can write. Faults: those of
 * `StateFile`.
 */
export class Signers implements CheckMemory, OriginMemory {
  readonly #file: StateFile;
  readonly #forgiving: boolean;
  /** Signatures that hold, once they were read with the rest: opening the file again takes longer than all else. */
  #held: Set<string> | undefined;

  /** With `forgiving`, memory that cannot be read is empty: nobody is believed. */
  constructor(file: StateFile = stateFile(), { forgiving = false } = {}) {
    this.#file = file;
    this.#forgiving = forgiving;
  }

  all(): RememberedKeys {
    return this.#read((database) => {
      this.#held = new Set(
        (database.query("SELECT id FROM held").all() as { id: string }[]).map(({ id }) => id),
      );
      return {
        believed: (
          database.query("SELECT * FROM signers ORDER BY name, key, scope").all() as SignerRow[]
        ).map(({ expires_ms, key, scope, name }) => ({
          key,
          scope,
          name,
          expiresMs: expires_ms ?? undefined,
        })),
        revoked: (database.query("SELECT * FROM revoked ORDER BY at_ms, key").all() as RevokedRow[]).map(
          ({ at_ms, key, name }) => ({ key, name, atMs: at_ms }),
        ),
        thresholds: new Map(
          (database.query("SELECT * FROM thresholds").all() as ThresholdRow[]).map(({ scope, threshold }) => [
            scope,
            threshold,
          ]),
        ),
      };
    }, nothing);
  }

  /** Believes a key from now on. One that was revoked stays revoked. */
  believe({ key, scope, name, expiresMs }: BelievedKey): void {
    this.#file.write((database) =>
      database
        .query("INSERT OR REPLACE INTO signers VALUES (?, ?, ?, ?, ?)")
        .run(key, scope, name, expiresMs ?? null, Date.now()),
    );
  }

  /** Never believes a key again, here and in every workspace. */
  revoke(key: PublicKey, name: string): void {
    this.#file.write((database) =>
      database.query("INSERT OR IGNORE INTO revoked VALUES (?, ?, ?)").run(key, name, Date.now()),
    );
  }

  /** Forgets all about a key, that it was revoked included; says whether there was anything. */
  forget(key: PublicKey): boolean {
    const { believed, revoked } = this.all();
    if (![...believed, ...revoked].some((one) => one.key === key)) return false;
    this.#file.write((database) => {
      database.query("DELETE FROM signers WHERE key = ?").run(key);
      database.query("DELETE FROM revoked WHERE key = ?").run(key);
    });
    return true;
  }

  /** How many different keys it takes from now on, everywhere or in one workspace. */
  require(scope: string, threshold: number): void {
    this.#file.write((database) =>
      database.query("INSERT OR REPLACE INTO thresholds VALUES (?, ?)").run(scope, threshold),
    );
  }

  has(id: string): boolean {
    if (this.#held) return this.#held.has(id);
    return this.#read(
      (database) => database.query("SELECT 1 FROM held WHERE id = ?").get(id) !== null,
      false,
    );
  }

  /** The oldest are forgotten beyond a bound. What cannot be remembered is checked again the next time. */
  add(ids: readonly string[]): void {
    this.#held = undefined;
    try {
      this.#file.write((database) => {
        const insert = database.query("INSERT OR IGNORE INTO held VALUES (?, ?)");
        for (const id of ids) insert.run(id, Date.now());
        database
          .query("DELETE FROM held WHERE id NOT IN (SELECT id FROM held ORDER BY at_ms DESC, id LIMIT ?)")
          .run(limits.rememberedSignaturesMax);
      });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }

  signersOf(origin: string): readonly PublicKey[] {
    return this.#read(
      (database) =>
        (
          database.query("SELECT key FROM origins WHERE origin = ? ORDER BY key").all(origin) as {
            key: PublicKey;
          }[]
        ).map(({ key }) => key),
      [],
    );
  }

  /** What cannot be remembered is asked for by nobody later. */
  note(origin: string, keys: readonly PublicKey[]): void {
    try {
      this.#file.write((database) => {
        const insert = database.query("INSERT OR REPLACE INTO origins VALUES (?, ?, ?)");
        for (const key of keys) insert.run(origin, key, Date.now());
        database
          .query(
            `DELETE FROM origins WHERE (origin, key) NOT IN
               (SELECT origin, key FROM origins ORDER BY at_ms DESC, origin, key LIMIT ?)`,
          )
          .run(limits.rememberedOriginsMax);
      });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }

  /** Asks no signature of an origin any more; says whether one was asked. */
  forgetOrigin(origin: string): boolean {
    if (this.signersOf(origin).length === 0) return false;
    this.#file.write((database) => database.query("DELETE FROM origins WHERE origin = ?").run(origin));
    return true;
  }

  #read<T>(work: (database: Database) => T, otherwise: T): T {
    try {
      return this.#file.read(work, otherwise);
    } catch (error) {
      if (this.#forgiving && error instanceof Fault) return otherwise;
      throw error;
    }
  }
}

interface SignerRow {
  readonly key: PublicKey;
  readonly scope: string;
  readonly name: string;
  readonly expires_ms: number | null;
}

interface RevokedRow {
  readonly key: PublicKey;
  readonly name: string;
  readonly at_ms: number;
}

interface ThresholdRow {
  readonly scope: string;
  readonly threshold: number;
}
