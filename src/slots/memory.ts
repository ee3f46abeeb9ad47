import type { Database } from "bun:sqlite";
import type { StateFile } from "../base/database.ts";
import type { Digest } from "../base/digest.ts";
import { fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { stateFile } from "../base/state.ts";
import type { Filling, SlotDeclaration } from "./declaration.ts";
import type { Choice, Source } from "./source.ts";

interface Row {
  readonly slot: string;
  readonly identifier: string | null;
  readonly grants: string;
  readonly digest: string | null;
  readonly description: string | null;
}

type Named = Pick<SlotDeclaration, "scope" | "name">;

/** A choice that another one replaced. */
export interface Past {
  /** When it was made, or forgotten, in milliseconds since 1970. */
  readonly atMs: number;
  /** Undefined where nothing was chosen. */
  readonly fillings: readonly Filling[] | undefined;
}

interface PastRow {
  readonly atMs: number;
  readonly fillings: string | null;
}

/**
 * What people chose, kept in `loop.db`. A choice belongs to a scope: the empty one for loop's own slots, an
 * application's for its own (see `applicationScope`), so two applications may both have a slot "style".
 * Faults: those of `StateFile`.
 */
export class Memory {
  readonly #file: StateFile;
  readonly #scopes = new Map<string, ReadonlyMap<string, Choice>>();

  constructor(path?: string, options: { waitMsMax?: number } = {}) {
    this.#file = stateFile(path, options);
  }

  /** The source "remembered" of the order of precedence; it opens the file when first asked. */
  get source(): Source {
    return {
      name: "remembered",
      choice: ({ name, scope }) => this.#choices(scope).get(name),
      names: (scope) => this.#choices(scope).keys(),
    };
  }

  /** Remembers what fills a slot from now on, in place of what was remembered before. */
  remember(slot: Named, fillings: readonly Filling[]): void {
    for (const filling of fillings) checkSize(filling);
    this.#write((database) => {
      pushHistory(database, slot);
      insertChoice(database, slot, fillings);
    });
  }

  /** Forgets a slot's choice; says whether there was one. Nothing is created to forget in. */
  forget({ scope, name }: Named): boolean {
    const there = "SELECT 1 FROM choices WHERE scope = ? AND slot = ?";
    if (this.#file.read((database) => database.query(there).get(scope, name), null) === null) return false;
    this.#write((database) => {
      pushHistory(database, { scope, name });
      deleteChoice(database, { scope, name });
    });
    return true;
  }

  /** What was chosen before, the last first: fillings, or undefined where nothing was. */
  history({ scope, name }: Named): readonly Past[] {
    const select = `SELECT chosen_at_ms AS atMs, fillings FROM history
      WHERE scope = ? AND slot = ? ORDER BY number DESC`;
    const rows = this.#file.read((database) => database.query(select).all(scope, name), []);
    return (rows as PastRow[]).map(({ atMs, fillings }) => ({
      atMs,
      fillings: fillings === null ? undefined : (JSON.parse(fillings) as Filling[]),
    }));
  }

  /** Brings back the choice before this one, which is gone from the history then. False where there is none. */
  rollBack(slot: Named): boolean {
    const [past] = this.history(slot);
    if (!past) return false;
    this.#write((database) => {
      database
        .query(
          `DELETE FROM history WHERE scope = ?1 AND slot = ?2
             AND number = (SELECT max(number) FROM history WHERE scope = ?1 AND slot = ?2)`,
        )
        .run(slot.scope, slot.name);
      if (past.fillings) insertChoice(database, slot, past.fillings);
      else deleteChoice(database, slot);
    });
    return true;
  }

  #write(work: (database: Database) => void): void {
    this.#file.write(work);
    this.#scopes.clear();
  }

  #choices(scope: string): ReadonlyMap<string, Choice> {
    let known = this.#scopes.get(scope);
    if (!known) {
      const rows = this.#file.read((database) => database.query(select).all(scope) as Row[], []);
      known = this.#choicesOf(rows);
      this.#scopes.set(scope, known);
    }
    return known;
  }

  #choicesOf(rows: readonly Row[]): ReadonlyMap<string, Choice> {
    const fillings = new Map<string, Filling[]>();
    for (const row of rows) {
      const list = fillings.get(row.slot) ?? [];
      fillings.set(row.slot, list);
      if (row.identifier !== null)
        list.push({
          identifier: row.identifier,
          grants: this.#grants(row),
          ...(row.digest !== null && { digest: row.digest as Digest }),
          ...(row.description !== null && { description: row.description }),
        });
    }
    return new Map([...fillings].map(([slot, list]) => [slot, { fillings: list, place: this.#file.path }]));
  }

  #grants({ slot, grants }: Row): readonly string[] {
    const list = readable(grants);
    if (list) return list;
    throw fault("LK0405", `${this.#file.path} has no readable grants for the slot ${slot}`, {
      hint: `loop slot reset ${slot}`,
    });
  }
}

const select = `SELECT slot, identifier, grants, digest, description
  FROM choices LEFT JOIN fillings USING (scope, slot) WHERE scope = ? ORDER BY slot, position`;

/** A list of texts in JSON, or undefined for anything else. */
const readable = (text: string): string[] | undefined => {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((item) => typeof item === "string") ? list : undefined;
  } catch {
    return undefined;
  }
};

const deleteChoice = (database: Database, { scope, name }: Named): void => {
  database.query("DELETE FROM choices WHERE scope = ? AND slot = ?").run(scope, name);
};

const insertChoice = (database: Database, slot: Named, fillings: readonly Filling[]): void => {
  const { scope, name } = slot;
  deleteChoice(database, slot);
  database.query("INSERT INTO choices VALUES (?, ?, ?)").run(scope, name, Date.now());
  const insert = database.query("INSERT INTO fillings VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (const [at, { identifier, grants, digest, description }] of fillings.entries())
    insert.run(scope, name, at, identifier, JSON.stringify(grants), digest ?? null, description ?? null);
};

/** Keeps what is chosen now, for going back to it; the oldest is let go. */
const pushHistory = (database: Database, { scope, name }: Named): void => {
  const chosen = database
    .query("SELECT chosen_at_ms FROM choices WHERE scope = ? AND slot = ?")
    .get(scope, name) as { chosen_at_ms: number } | null;
  const fillings = database
    .query(
      `SELECT identifier, grants, digest, description FROM fillings
         WHERE scope = ? AND slot = ? ORDER BY position`,
    )
    .all(scope, name) as Omit<Row, "slot">[];
  const kept = fillings.map(({ identifier, grants, digest, description }) => ({
    identifier,
    grants: readable(grants),
    ...(digest !== null && { digest }),
    ...(description !== null && { description }),
  }));
  // What does not read is nothing to go back to, and must not keep anybody from choosing anew.
  if (kept.some((filling) => filling.grants === undefined)) return;
  database
    .query(
      `INSERT INTO history SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4 FROM history
         WHERE scope = ?1 AND slot = ?2`,
    )
    .run(scope, name, chosen?.chosen_at_ms ?? Date.now(), chosen ? JSON.stringify(kept) : null);
  database
    .query(
      `DELETE FROM history WHERE scope = ?1 AND slot = ?2
         AND number <= (SELECT max(number) FROM history WHERE scope = ?1 AND slot = ?2) - ?3`,
    )
    .run(scope, name, limits.slotHistoryMax);
};

const checkSize = ({ identifier, description }: Filling): void => {
  if (identifier.length > limits.identifierLengthMax)
    throw fault(
      "LK0204",
      `An identifier of ${identifier.length} characters; the limit is ${limits.identifierLengthMax}`,
    );
  if ((description?.length ?? 0) > limits.descriptionLengthMax)
    throw fault(
      "LK0204",
      `${identifier} describes itself in ${description?.length} characters; the limit is ${limits.descriptionLengthMax}`,
    );
};
