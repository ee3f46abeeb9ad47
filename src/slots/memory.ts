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
  remember({ scope, name }: Pick<SlotDeclaration, "scope" | "name">, fillings: readonly Filling[]): void {
    for (const filling of fillings) checkSize(filling);
    this.#write((database) => {
      database.query("DELETE FROM choices WHERE scope = ? AND slot = ?").run(scope, name);
      database.query("INSERT INTO choices VALUES (?, ?, ?)").run(scope, name, Date.now());
      const insert = database.query("INSERT INTO fillings VALUES (?, ?, ?, ?, ?, ?, ?)");
      for (const [at, { identifier, grants, digest, description }] of fillings.entries())
        insert.run(scope, name, at, identifier, JSON.stringify(grants), digest ?? null, description ?? null);
    });
  }

  /** Forgets a slot's choice; says whether there was one. Nothing is created to forget in. */
  forget({ scope, name }: Pick<SlotDeclaration, "scope" | "name">): boolean {
    const there = "SELECT 1 FROM choices WHERE scope = ? AND slot = ?";
    if (this.#file.read((database) => database.query(there).get(scope, name), null) === null) return false;
    this.#write((database) =>
      database.query("DELETE FROM choices WHERE scope = ? AND slot = ?").run(scope, name),
    );
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
    try {
      const list: unknown = JSON.parse(grants);
      if (Array.isArray(list) && list.every((item) => typeof item === "string")) return list;
    } catch {
      // Reported below together with JSON of another shape.
    }
    throw fault("LK0405", `${this.#file.path} has no readable grants for the slot ${slot}`, {
      hint: `loop slot reset ${slot}`,
    });
  }
}

const select = `SELECT slot, identifier, grants, digest, description
  FROM choices LEFT JOIN fillings USING (scope, slot) WHERE scope = ? ORDER BY slot, position`;

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
