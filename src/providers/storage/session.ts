import { Connection } from "./connection.ts";
import { Refusal } from "./refusal.ts";

// What one instance has of its database inside the engine's process: a connection for single statements and
// another for its transaction. Runs statements that the gate has passed.

/** Where a statement runs. */
export type Scope = "single" | "transaction";

export type Request =
  | { readonly op: "compile"; readonly scope: Scope; readonly text: string }
  | {
      readonly op: "execute" | "query";
      readonly scope: Scope;
      readonly text: string;
      readonly parameters: readonly (null | bigint | number | string | Uint8Array)[];
    }
  | { readonly op: "begin" | "commit" | "rollback" };

export class Session {
  readonly #path: string;
  readonly #quotaBytes: number;
  #single: Connection | undefined;
  /** Kept from one transaction to the next: opening costs more than a statement. */
  #second: Connection | undefined;
  #begun = false;

  constructor(path: string, quotaBytes: number) {
    this.#path = path;
    this.#quotaBytes = quotaBytes;
  }

  /** Refusals: busy at once where somebody else holds the database; all of `Connection`'s. */
  answer(request: Request): unknown {
    switch (request.op) {
      case "begin":
        return this.#begin();
      case "commit":
        this.#transaction().runOwn("COMMIT");
        this.#begun = false;
        return undefined;
      case "rollback":
        if (this.#begun && this.#second?.inTransaction) this.#second.runOwn("ROLLBACK");
        this.#begun = false;
        return undefined;
      case "compile":
        return this.#connection(request.scope).use(request.text, () => undefined);
      case "execute":
        return this.#connection(request.scope).use(request.text, (statement) =>
          statement.execute(request.parameters),
        );
      case "query":
        return this.#connection(request.scope).use(request.text, (statement) =>
          statement.query(request.parameters),
        );
    }
  }

  /** Holds the database for writing from its beginning, so that it cannot fail for others half-way. */
  #begin(): void {
    if (this.#begun && this.#second?.inTransaction) throw new Refusal("busy");
    this.#second ??= new Connection(this.#path, this.#quotaBytes);
    this.#second.runOwn("BEGIN IMMEDIATE");
    this.#begun = true;
  }

  #connection(scope: Scope): Connection {
    if (scope === "transaction") return this.#transaction();
    this.#single ??= new Connection(this.#path, this.#quotaBytes);
    return this.#single;
  }

  /** SQLite itself ends a transaction where it must: RAISE(ROLLBACK), a full disk. */
  #transaction(): Connection {
    if (!this.#begun || !this.#second?.inTransaction)
      throw new Refusal("invalid", "The transaction has ended");
    return this.#second;
  }
}
