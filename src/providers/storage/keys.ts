import { limits } from "../../base/limits.ts";
import type { Connection, OwnStatement } from "./connection.ts";
import { Refusal } from "./refusal.ts";

// Keys and values in one table. Keys are kept as bytes: SQLite then compares them whole and in UTF-8's order, and
// a NUL in a key is a byte like any other. Knows no WIT.

export interface Page {
  readonly keys: readonly string[];
  /** The last key of a page that is not the last page. */
  readonly cursor: string | undefined;
}

const table = "loop_key_value";
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The statements of one connection, compiled when first used. */
export class Keys {
  readonly #connection: Connection;
  readonly #statements = new Map<string, OwnStatement>();

  /** Makes the table where there is none. */
  constructor(connection: Connection) {
    this.#connection = connection;
    connection.runOwn(
      `CREATE TABLE IF NOT EXISTS ${table} (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID`,
    );
  }

  get(key: string): Uint8Array | undefined {
    const row = this.#own(`SELECT value FROM ${table} WHERE key = ?`).first(keyBytes(key));
    return row?.value as Uint8Array | undefined;
  }

  set(key: string, value: Uint8Array): void {
    this.#own(
      `INSERT INTO ${table} (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
    ).run(keyBytes(key), bounded(value));
  }

  delete(key: string): boolean {
    return this.#own(`DELETE FROM ${table} WHERE key = ?`).run(keyBytes(key)) > 0;
  }

  list(prefix: string, cursor: string | undefined, max: number): Page {
    const count = Math.min(max, limits.storagePageKeysMax);
    if (count === 0) return { keys: [], cursor };
    const low = encoder.encode(prefix);
    const after = cursor === undefined ? undefined : encoder.encode(cursor);
    const [from, bound] = after && Buffer.compare(after, low) >= 0 ? [">", after] : [">=", low];
    const high = successor(low);
    const rows = this.#own(
      `SELECT key FROM ${table} WHERE key ${from} ? ${high ? "AND key < ?" : ""} ORDER BY key LIMIT ?`,
    ).all(bound, ...(high ? [high] : []), count + 1);
    const keys = rows.slice(0, count).map(({ key }) => decoder.decode(key as Uint8Array));
    return { keys, cursor: rows.length > count ? keys.at(-1) : undefined };
  }

  /** Each case is one statement, so nobody comes between the comparison and the change. */
  compareAndSwap(
    key: string,
    expected: Uint8Array | undefined,
    replacement: Uint8Array | undefined,
  ): boolean {
    const name = keyBytes(key);
    if (expected === undefined && replacement === undefined) return this.get(key) === undefined;
    if (expected === undefined)
      return (
        this.#own(`INSERT OR IGNORE INTO ${table} (key, value) VALUES (?, ?)`).run(
          name,
          bounded(replacement!),
        ) > 0
      );
    if (replacement === undefined)
      return this.#own(`DELETE FROM ${table} WHERE key = ? AND value = ?`).run(name, bounded(expected)) > 0;
    return (
      this.#own(`UPDATE ${table} SET value = ? WHERE key = ? AND value = ?`).run(
        bounded(replacement),
        name,
        bounded(expected),
      ) > 0
    );
  }

  finalize(): void {
    for (const statement of this.#statements.values()) statement.finalize();
  }

  #own(text: string): OwnStatement {
    const known = this.#statements.get(text);
    if (known) return known;
    const made = this.#connection.prepareOwn(text);
    this.#statements.set(text, made);
    return made;
  }
}

const keyBytes = (key: string): Uint8Array => {
  const bytes = encoder.encode(key);
  if (bytes.length === 0) throw new Refusal("invalid", "A key is not empty");
  if (bytes.length > limits.storageKeyBytesMax)
    throw new Refusal("too-large", `A key has at most ${limits.storageKeyBytesMax} bytes`);
  return bytes;
};

const bounded = (value: Uint8Array): Uint8Array => {
  if (value.length > limits.storageValueBytesMax)
    throw new Refusal("too-large", `A value has at most ${limits.storageValueBytesMax} bytes`);
  return value;
};

/** The least byte string above all that begin with `prefix`; undefined where there is none. */
const successor = (prefix: Uint8Array): Uint8Array | undefined => {
  let end = prefix.length;
  while (end > 0 && prefix[end - 1] === 0xff) end--;
  if (end === 0) return undefined;
  const above = prefix.slice(0, end);
  above[end - 1]!++;
  return above;
};
