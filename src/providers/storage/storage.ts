// loop:storage: a database for each component. Owns their WIT mapping; refuses statements that reach beyond the
// database and whatever is beyond a limit; a grant, never a default; listed in the app's table.
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { declared } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { Audit } from "../../host/audit.ts";
import { Lifetime } from "../../host/lifetime.ts";
import type { InstanceContext, Provider } from "../../host/provider.ts";
import type { Answer, Changes, Value } from "./connection.ts";
import { Keys, type Page } from "./keys.ts";
import type { Allowance } from "./process.ts";
import { Refusal } from "./refusal.ts";
import type { Request, Scope } from "./session.ts";
import { checkStatement } from "./statement.ts";
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
  readonly allowance?: Allowance;
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
    ...["execute", "query", "prepare", "commit", "rollback"].map(
      (name) => `loop:storage/sql#[method]transaction.${name}`,
    ),
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
      ...(services.allowance === undefined ? {} : { allowance: services.allowance }),
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
    "loop:storage/key-value@0.1.0": keyValue(store, answer, watching(context.audit)),
    "loop:storage/sql@0.1.0": sql(store, answer, watching(context.audit)),
  };
};

/** Says what is asked of the database; of values and texts of SQL only how long they are. */
type Watching = (action: string, target: string, bytes?: number) => void;

const watching =
  (audit: Audit | undefined): Watching =>
  (action, target, bytes) =>
    audit?.({ capability: "storage", action, target, ...(bytes !== undefined && { bytes }) });

type AnswerWith = <T>(work: () => MaybeLater<T>) => MaybeLater<T>;

const keyValue = (store: () => Store, answer: AnswerWith, used: Watching) => {
  let keys: Keys | undefined;
  const onKeys = <T>(work: (keys: Keys) => T): MaybeLater<T> =>
    answer(() =>
      store().onKeys((connection) => {
        keys ??= new Keys(connection);
        return work(keys);
      }),
    );
  return {
    get: (key: string) =>
      onKeys((all) => {
        const value = all.get(key);
        used("read", key, value?.length ?? 0);
        return value;
      }),
    set(key: string, value: Uint8Array) {
      used("write", key, value.length);
      return onKeys((all) => all.set(key, value));
    },
    delete(key: string) {
      used("remove", key);
      return onKeys((all) => all.delete(key));
    },
    list(prefix: string, cursor: string | undefined, max: number): MaybeLater<Page> {
      used("list", `${prefix}*`);
      return onKeys((all) => all.list(prefix, cursor, max));
    },
    compareAndSwap(key: string, expected: Uint8Array | undefined, replacement: Uint8Array | undefined) {
      used("swap", key, replacement?.length ?? 0);
      return onKeys((all) => all.compareAndSwap(key, expected, replacement));
    },
  };
};

/** The engine, for single statements or inside a transaction. */
type Ask = (request: Request) => Promise<unknown>;

const sql = (store: () => Store, answer: AnswerWith, used: Watching) => {
  const single: Ask = (request) => store().ask(request);

  const execute = (ask: Ask, scope: Scope, text: string, parameters: readonly WireValue[]) =>
    answer(async () => {
      used("execute", "sql");
      const request = {
        op: "execute",
        scope,
        text: checkStatement(text),
        parameters: values(parameters),
      } as const;
      return wireChanges((await ask(request)) as Changes);
    });

  const query = (ask: Ask, scope: Scope, text: string, parameters: readonly WireValue[]) =>
    answer(async () => {
      used("query", "sql");
      const request = {
        op: "query",
        scope,
        text: checkStatement(text),
        parameters: values(parameters),
      } as const;
      return wireAnswer((await ask(request)) as Answer);
    });

  class Statement {
    readonly #ask: Ask;
    readonly #scope: Scope;
    readonly #text: string;
    #live = true;
    constructor(ask: Ask, scope: Scope, text: string) {
      this.#ask = ask;
      this.#scope = scope;
      this.#text = text;
    }
    execute(parameters: readonly WireValue[]): MaybeLater<WireChanges> {
      return execute(this.#ask, this.#scope, this.#text, parameters);
    }
    query(parameters: readonly WireValue[]): MaybeLater<WireAnswer> {
      return query(this.#ask, this.#scope, this.#text, parameters);
    }
    [Symbol.dispose](): void {
      if (this.#live) store().giveStatement();
      this.#live = false;
    }
  }

  const prepare = (ask: Ask, scope: Scope, text: string) =>
    answer(async () => {
      await ask({ op: "compile", scope, text: checkStatement(text) });
      store().takeStatement();
      return new Statement(ask, scope, text);
    });

  class Transaction {
    readonly #state: TransactionState;
    readonly #ask: Ask;
    constructor(state: TransactionState) {
      this.#state = state;
      this.#ask = (request) => state.ask(request);
    }
    execute(text: string, parameters: readonly WireValue[]): MaybeLater<WireChanges> {
      return execute(this.#ask, "transaction", text, parameters);
    }
    query(text: string, parameters: readonly WireValue[]): MaybeLater<WireAnswer> {
      return query(this.#ask, "transaction", text, parameters);
    }
    prepare(text: string): MaybeLater<Statement> {
      return prepare(this.#ask, "transaction", text);
    }
    commit(): MaybeLater<void> {
      return answer(() => this.#state.commit());
    }
    rollback(): MaybeLater<void> {
      return answer(() => this.#state.rollback());
    }
    [Symbol.dispose](): void {
      // An engine that is gone rolled back by that.
      this.#state.rollback().catch(() => {});
    }
  }

  return {
    Statement,
    Transaction,
    execute: (text: string, parameters: readonly WireValue[]) => execute(single, "single", text, parameters),
    query: (text: string, parameters: readonly WireValue[]) => query(single, "single", text, parameters),
    prepare: (text: string) => prepare(single, "single", text),
    begin: () => answer(async () => new Transaction(await store().begin())),
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
