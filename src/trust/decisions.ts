import type { Database } from "bun:sqlite";
import type { StateFile } from "../base/database.ts";
import { Fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { stateFile } from "../base/state.ts";
import type { PublicKey } from "./key/public.ts";
import { Signers } from "./signers.ts";
import type { GrantKind, WrittenGrant } from "./written.ts";

/** Why somebody is trusted: a person said so, or loop built it for this person. */
export type TrustReason = "added" | "built";

export interface Trusted {
  /** A digest; never a path. */
  readonly subject: string;
  readonly why: TrustReason;
  /** What it was called when it was trusted; for people. */
  readonly identifier: string;
  /** Of what was built here, the component's name. */
  readonly name: string | undefined;
  readonly atMs: number;
}

export interface Decided extends WrittenGrant {
  readonly subject: string;
  readonly identifier: string;
  readonly atMs: number;
}

/**
 * What a person decided about components, in `loop.db`: whom they trust, and what they granted. Kept by digest, so
 * that no other bytes inherit it, and per user, where no checkout can write. Faults: those of `StateFile`.
 */
export class Decisions {
  readonly #file: StateFile;
  readonly #forgiving: boolean;

  /** With `forgiving`, memory that cannot be read is empty: nobody is trusted and nothing was granted. */
  constructor(file: StateFile = stateFile(), { forgiving = false } = {}) {
    this.#file = file;
    this.#forgiving = forgiving;
  }

  /** Whose signatures the person believes; in the same file, and as forgiving. */
  signers(): Signers {
    return new Signers(this.#file, { forgiving: this.#forgiving });
  }

  /** Why a subject is trusted; empty where it is not. */
  trust(subject: string): readonly Trusted[] {
    return this.#read((database) => database.query(trustedBy).all(subject) as TrustedRow[], []).map(
      trustedOf,
    );
  }

  /** What was granted to a subject. */
  of(subject: string): readonly Decided[] {
    return this.#read((database) => database.query(decidedBy).all(subject) as DecidedRow[], []).map(
      decidedOf,
    );
  }

  list(): { readonly trusted: readonly Trusted[]; readonly decided: readonly Decided[] } {
    return this.#read(
      (database) => ({
        trusted: (database.query(allTrusted).all() as TrustedRow[]).map(trustedOf),
        decided: (database.query(allDecided).all() as DecidedRow[]).map(decidedOf),
      }),
      { trusted: [], decided: [] },
    );
  }

  /** Trusts a subject from now on, because the person says so. */
  add(subject: string, identifier: string): void {
    this.#file.write((database) => insertTrusted(database, subject, "added", identifier, undefined));
  }

  /** Remembers that loop built these bytes for this person. The oldest builds are forgotten beyond a bound. */
  built(digest: string, identifier: string, name: string): void {
    this.#file.write((database) => {
      insertTrusted(database, digest, "built", identifier, name);
      database.query(forgetOldBuilds).run(limits.rememberedBuildsMax);
    });
  }

  /** Grants something to a subject from now on. */
  grant(subject: string, identifier: string, grants: readonly WrittenGrant[]): void {
    const nowMs = Date.now();
    this.#file.write((database) => {
      const insert = database.query("INSERT OR REPLACE INTO decisions VALUES (?, ?, ?, ?, ?)");
      for (const { kind, value } of grants) insert.run(subject, kind, value, identifier, nowMs);
    });
  }

  /** Whether the person agreed to what a loop.toml grants, or was only told of it; by the digest of an `Authority`. */
  agreement(digest: string): "agreed" | "told" | undefined {
    const row = this.#read(
      (database) => database.query("SELECT agreed FROM agreements WHERE digest = ?").get(digest),
      null,
    ) as { agreed: number } | null;
    return row ? (row.agreed === 1 ? "agreed" : "told") : undefined;
  }

  /** Remembers that the person agreed to what the loop.toml at `place` grants, or was told of it. */
  agree(digest: string, place: string, how: "agreed" | "told" = "agreed"): void {
    this.#file.write((database) => {
      database
        .query("INSERT OR REPLACE INTO agreements VALUES (?, ?, ?, ?)")
        .run(digest, place, how === "agreed" ? 1 : 0, Date.now());
      database.query(forgetOldAgreements).run(limits.rememberedBuildsMax);
    });
  }

  /** What the person agreed to, oldest first. */
  agreements(): readonly { readonly digest: string; readonly place: string }[] {
    return this.#read(
      (database) =>
        database
          .query("SELECT digest, place FROM agreements WHERE agreed = 1 ORDER BY at_ms, digest")
          .all() as { digest: string; place: string }[],
      [],
    );
  }

  /** Forgets all about a subject; says whether there was anything. */
  remove(subject: string): boolean {
    const known = [this.trust(subject), this.of(subject)].some((found) => found.length > 0);
    if (!known && this.agreement(subject) === undefined) return false;
    this.#file.write((database) => {
      database.query("DELETE FROM trusted WHERE subject = ?").run(subject);
      database.query("DELETE FROM decisions WHERE subject = ?").run(subject);
      database.query("DELETE FROM agreements WHERE digest = ?").run(subject);
    });
    return true;
  }

  /** Forgets what was granted to whatever a key signs; says whether there was anything. */
  removeSigner(key: PublicKey): boolean {
    const subjects = this.list().decided.map(({ subject }) => subject);
    const found = subjects.filter((subject) => subject === key || subject.startsWith(`${key} `));
    return [...new Set(found)].map((subject) => this.remove(subject)).some(Boolean);
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

interface TrustedRow {
  readonly subject: string;
  readonly why: TrustReason;
  readonly identifier: string;
  readonly name: string | null;
  readonly at_ms: number;
}

interface DecidedRow {
  readonly subject: string;
  readonly kind: GrantKind;
  readonly value: string;
  readonly identifier: string;
  readonly at_ms: number;
}

const trustedOf = ({ at_ms, name, ...row }: TrustedRow): Trusted => ({
  ...row,
  name: name ?? undefined,
  atMs: at_ms,
});
const decidedOf = ({ at_ms, ...row }: DecidedRow): Decided => ({
  ...row,
  atMs: at_ms,
});

const trustedBy = "SELECT * FROM trusted WHERE subject = ? ORDER BY why";
const decidedBy = "SELECT * FROM decisions WHERE subject = ? ORDER BY kind, value";
const allTrusted = "SELECT * FROM trusted ORDER BY at_ms, subject, why";
const allDecided = "SELECT * FROM decisions ORDER BY at_ms, subject, kind, value";
const forgetOldAgreements = `DELETE FROM agreements WHERE digest NOT IN
  (SELECT digest FROM agreements ORDER BY at_ms DESC, digest LIMIT ?)`;
const forgetOldBuilds = `DELETE FROM trusted WHERE why = 'built' AND subject NOT IN
  (SELECT subject FROM trusted WHERE why = 'built' ORDER BY at_ms DESC, subject LIMIT ?)`;

const insertTrusted = (
  database: Database,
  subject: string,
  why: TrustReason,
  identifier: string,
  name: string | undefined,
): void => {
  database
    .query(
      `INSERT INTO trusted VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (subject, why) DO UPDATE SET at_ms = excluded.at_ms`,
    )
    .run(subject, why, identifier, name ?? null, Date.now());
};
