// loop:storage: a database for each component. Owns their WIT mapping; refuses statements that reach beyond the
// database and whatever is beyond a limit; a grant, never a default; listed in the app's table.
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { declared } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { Lifetime } from "../../host/lifetime.ts";
import type { InstanceContext, Provider } from "../../host/provider.ts";
import type { Answer, Changes, Connection, GuestStatement, Value } from "./connection.ts";
import { Keys, type Page } from "./keys.ts";
import { Refusal } from "./refusal.ts";
import { Store, type Transaction as TransactionState } from "./store.ts";

/** What the composition root gives. */
export interface StorageServices {
  /** Absolute folder of all databases; asked when a component first stores something. */
  readonly folder: () => string;
  /**
   * Who a component is across its versions: two components with one identity share a database. The digest where
   * this is absent, so that nobody can take another's place by its name.
   */
  readonly identity?: (component: InstanceContext["component"]) => string;
  readonly quotaBytes?: (identity: string) => number;
  readonly busyMsMax?: number;
}

/** `loop:storage/sql#value` in the JS mapping. */
export type WireValue =
  | { readonly tag: "null" }
  | { readonly tag: "integer"; readonly val: bigint }
  | { readonly tag: "real"; readonly val: number }
  | { readonly tag: "text"; readonly val: string }
  | { readonly tag: "blob"; readonly val: Uint8Array };

type MaybeLater<T> = T | Promise<T>;

export const storageProvider = (services: StorageServices): Provider => ({
  name: "storage",
  interfaces: ["loop:storage/types@0.1.0", "loop:storage/key-value@0.1.0", "loop:storage/sql@0.1.0"],
  suspending: [
    ...["get", "set", "delete", "list", "compare-and-swap"].map((name) => `loop:storage/key-value#${name}`),
    ...["execute", "query", "prepare", "begin"].map((name) => `loop:storage/sql#${name}`),
    ...["execute", "query"].map((name) => `loop:storage/sql#[method]statement.${name}`),
  ],
  defaultGranted: ["loop:storage/types"],
  instantiate: (context) => storage(context, services),
});

/** Of an identity, the file of its database. */
export const databasePath = (folder: string, identity: string): string =>
  join(folder, `${sha256(identity)}.db`);

const storage = (context: InstanceContext, services: StorageServices) => {
  const { component } = context;
  const identity = services.identity?.(component) ?? component.digest;
  const lifetime = new Lifetime();
  let opened: Store | undefined;
  const store = (): Store => {
    opened ??= new Store({
      path: databasePath(services.folder(), identity),
      quotaBytes: services.quotaBytes?.(identity) ?? limits.storageBytesMax,
      ...(services.busyMsMax === undefined ? {} : { busyMsMax: services.busyMsMax }),
    });
    return opened;
  };
  context.onDrop(() => {
    lifetime.end();
    opened?.close();
  });

  /** At once where the database is free; a refusal becomes the WIT error either way. */
  const answer = <T>(work: () => MaybeLater<T>): MaybeLater<T> => {
    try {
      const result = work();
      return result instanceof Promise ? lifetime.until(result).catch(toGuest) : result;
    } catch (error) {
      return toGuest(error);
    }
  };

  return {
    "loop:storage/types@0.1.0": {},
    "loop:storage/key-value@0.1.0": keyValue(store, answer),
    "loop:storage/sql@0.1.0": sql(store, answer),
  };
};

type AnswerWith = <T>(work: () => MaybeLater<T>) => MaybeLater<T>;

const keyValue = (store: () => Store, answer: AnswerWith) => {
  let keys: Keys | undefined;
  const onKeys = <T>(work: (keys: Keys) => T): MaybeLater<T> =>
    answer(() =>
      store().run((connection) => {
        keys ??= new Keys(connection);
        return work(keys);
      }),
    );
  return {
    get: (key: string) => onKeys((all) => all.get(key)),
    set: (key: string, value: Uint8Array) => onKeys((all) => all.set(key, value)),
    delete: (key: string) => onKeys((all) => all.delete(key)),
    list: (prefix: string, cursor: string | undefined, max: number): MaybeLater<Page> =>
      onKeys((all) => all.list(prefix, cursor, max)),
    compareAndSwap: (key: string, expected: Uint8Array | undefined, replacement: Uint8Array | undefined) =>
      onKeys((all) => all.compareAndSwap(key, expected, replacement)),
  };
};

/** One statement, compiled, run and let go. */
const once = <T>(connection: Connection, text: string, use: (statement: GuestStatement) => T): T => {
  const statement = connection.prepare(text);
  try {
    return use(statement);
  } finally {
    statement.finalize();
  }
};

const executeOnce = (connection: Connection, text: string, parameters: readonly WireValue[]): WireChanges =>
  once(connection, text, (statement) => wireChanges(statement.execute(values(parameters))));

const queryOnce = (connection: Connection, text: string, parameters: readonly WireValue[]): WireAnswer =>
  once(connection, text, (statement) => wireAnswer(statement.query(values(parameters))));

const sql = (store: () => Store, answer: AnswerWith) => {
  class Statement {
    readonly #state: GuestStatement;
    readonly #run: <T>(work: () => T) => MaybeLater<T>;
    #live = true;
    constructor(state: GuestStatement, run: <T>(work: () => T) => MaybeLater<T>) {
      this.#state = state;
      this.#run = run;
    }
    execute(parameters: readonly WireValue[]): MaybeLater<WireChanges> {
      return answer(() => this.#run(() => wireChanges(this.#state.execute(values(parameters)))));
    }
    query(parameters: readonly WireValue[]): MaybeLater<WireAnswer> {
      return answer(() => this.#run(() => wireAnswer(this.#state.query(values(parameters)))));
    }
    [Symbol.dispose](): void {
      if (!this.#live) return;
      this.#live = false;
      this.#state.finalize();
      store().giveStatement();
    }
  }

  class Transaction {
    readonly #state: TransactionState;
    constructor(state: TransactionState) {
      this.#state = state;
    }
    execute(text: string, parameters: readonly WireValue[]): MaybeLater<WireChanges> {
      return answer(() => this.#state.run((connection) => executeOnce(connection, text, parameters)));
    }
    query(text: string, parameters: readonly WireValue[]): MaybeLater<WireAnswer> {
      return answer(() => this.#state.run((connection) => queryOnce(connection, text, parameters)));
    }
    prepare(text: string): MaybeLater<Statement> {
      return answer(() => {
        const state = this.#state;
        return held(() => new Statement(state.prepare(text), (work) => state.run(work)));
      });
    }
    commit(): MaybeLater<void> {
      return answer(() => this.#state.commit());
    }
    rollback(): MaybeLater<void> {
      return answer(() => this.#state.rollback());
    }
    [Symbol.dispose](): void {
      this.#state.rollback();
    }
  }

  const held = (make: () => Statement): Statement => {
    store().takeStatement();
    try {
      return make();
    } catch (error) {
      store().giveStatement();
      throw error;
    }
  };

  return {
    Statement,
    Transaction,
    execute: (text: string, parameters: readonly WireValue[]) =>
      answer(() => store().run((main) => executeOnce(main, text, parameters))),
    query: (text: string, parameters: readonly WireValue[]) =>
      answer(() => store().run((main) => queryOnce(main, text, parameters))),
    prepare: (text: string) =>
      answer(() =>
        store().run((main) => held(() => new Statement(main.prepare(text), (work) => store().run(work)))),
      ),
    begin: () =>
      answer(() => {
        const begun = store().begin();
        return begun instanceof Promise
          ? begun.then((state) => new Transaction(state))
          : new Transaction(begun);
      }),
  };
};

const values = (parameters: readonly WireValue[]): Value[] =>
  parameters.map((value) => (value.tag === "null" ? null : value.val));

interface WireChanges {
  readonly rows: bigint;
  readonly lastInsertRowid: bigint;
}

const wireChanges = ({ rows, lastInsertRowid }: Changes): WireChanges => ({
  rows: BigInt(rows),
  lastInsertRowid,
});

interface WireAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly WireValue[])[];
}

const wireAnswer = ({ columns, rows }: Answer): WireAnswer => ({
  columns,
  rows: rows.map((row) => row.map(wireValue)),
});

/** With safe integers, SQLite's integers arrive as bigint and its reals as number. */
const wireValue = (value: Value): WireValue => {
  if (value === null) return { tag: "null" };
  if (typeof value === "bigint") return { tag: "integer", val: value };
  if (typeof value === "number") return { tag: "real", val: value };
  return typeof value === "string" ? { tag: "text", val: value } : { tag: "blob", val: value };
};

const toGuest = (error: unknown): never => {
  if (!(error instanceof Refusal)) throw error;
  const { kind, message } = error;
  const bare = kind === "quota-exceeded" || kind === "busy" || kind === "timed-out";
  throw declared(bare ? { tag: kind } : { tag: kind, val: message });
};
