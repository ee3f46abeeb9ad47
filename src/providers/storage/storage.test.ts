import { Database } from "bun:sqlite";
import { afterAll, afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { DeclaredError, Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { InstanceContext } from "../../host/provider.ts";
import { noGrants } from "../../trust/grants.ts";
import { databasePath, type StorageServices, storageProvider, type WireValue } from "./storage.ts";

const root = mkdtempSync(join(tmpdir(), "loop-storage-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const freshFolder = () => join(root, `${++folders}`);

interface Answer {
  columns: string[];
  rows: WireValue[][];
}
interface Statement {
  execute(parameters: WireValue[]): Promise<{ rows: bigint; lastInsertRowid: bigint }>;
  query(parameters: WireValue[]): Promise<Answer>;
  [Symbol.dispose](): void;
}
interface Runner {
  execute(text: string, parameters: WireValue[]): Promise<{ rows: bigint; lastInsertRowid: bigint }>;
  query(text: string, parameters: WireValue[]): Promise<Answer>;
  prepare(text: string): Promise<Statement>;
}
interface Transaction extends Runner {
  commit(): Promise<void>;
  rollback(): Promise<void>;
  [Symbol.dispose](): void;
}
interface Sql extends Runner {
  begin(): Promise<Transaction>;
}
interface KeyValue {
  get(key: string): Promise<Uint8Array | undefined>;
  set(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<boolean>;
  list(prefix: string, cursor: string | undefined, max: number): Promise<{ keys: string[]; cursor?: string }>;
  compareAndSwap(key: string, expected?: Uint8Array, replacement?: Uint8Array): Promise<boolean>;
}

const drops: (() => void)[] = [];
const dropAll = () =>
  drops
    .splice(0)
    .reverse()
    .forEach((drop) => void drop());
afterEach(dropAll);

const open = (folder: string, services: Partial<StorageServices> = {}, name = "a") => {
  const own: (() => void)[] = [];
  const context: InstanceContext = {
    component: { identifier: `${name}.wasm`, digest: `sha256:${sha256(name)}` },
    args: [],
    grants: noGrants,
    stdio: {
      stdin: { read: () => undefined, isTerminal: false },
      stdout: { write() {}, flush() {}, isTerminal: false },
      stderr: { write() {}, flush() {}, isTerminal: false },
    },
    onDrop: (release) => own.push(release),
  };
  const made = storageProvider({ folder: () => folder, ...services }).instantiate(context);
  const parts = made as unknown as Record<string, unknown>;
  const drop = () =>
    own
      .splice(0)
      .reverse()
      .forEach((release) => void release());
  drops.push(drop);
  return {
    kv: parts["loop:storage/key-value@0.1.0"] as KeyValue,
    sql: parts["loop:storage/sql@0.1.0"] as Sql,
    drop,
  };
};

const refusal = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof DeclaredError) return (error.payload as { tag: string }).tag;
    throw error;
  }
  return "accepted";
};

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
const integer = (val: number | bigint): WireValue => ({ tag: "integer", val: BigInt(val) });

test("what was set is got, by the same component in another instance, and by no other component", async () => {
  const folder = freshFolder();
  const first = open(folder);
  await first.kv.set("k", bytes("v"));
  first.drop();
  expect(text(await open(folder).kv.get("k"))).toBe("v");
  expect(await open(folder, {}, "b").kv.get("k")).toBeUndefined();
});

test("an identity from outside joins two versions of a component", async () => {
  const folder = freshFolder();
  const identity = () => "name:tool";
  await open(folder, { identity }, "version1").kv.set("k", bytes("v"));
  expect(text(await open(folder, { identity }, "version2").kv.get("k"))).toBe("v");
  expect(existsSync(databasePath(folder, "name:tool"))).toBe(true);
});

test("nothing is made before something is stored, and what is made is the user's alone", async () => {
  const folder = freshFolder();
  const { kv } = open(folder);
  expect(existsSync(folder)).toBe(false);
  await kv.get("k");
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
});

test("a value is replaced, deleted and gone", async () => {
  const { kv } = open(freshFolder());
  await kv.set("k", bytes("1"));
  await kv.set("k", new Uint8Array(0));
  expect(await kv.get("k")).toEqual(new Uint8Array(0));
  expect([await kv.delete("k"), await kv.delete("k")]).toEqual([true, false]);
  expect(await kv.get("k")).toBeUndefined();
});

test("keys are listed by prefix, in the order of their bytes, page by page", async () => {
  const { kv } = open(freshFolder());
  const keys = ["a", "a\0", "a%", "a_", "ab", "aé", "a\u{10ffff}", "b", "A", "\ufeffx"];
  for (const key of keys) await kv.set(key, bytes(key));
  const sorted = (some: string[]) => some.sort((x, y) => Buffer.compare(bytes(x), bytes(y)));
  const listed = async (prefix: string, max: number) => {
    const found: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await kv.list(prefix, cursor, max);
      expect(page.keys.length).toBeLessThanOrEqual(max);
      found.push(...page.keys);
      if (page.cursor === undefined) return found;
      cursor = page.cursor;
    }
  };
  for (const max of [1, 2, 100])
    for (const prefix of ["", "a", "a%", "b", "zz", "\ufeff"])
      expect(await listed(prefix, max)).toEqual(sorted(keys.filter((key) => key.startsWith(prefix))));
  expect(await kv.list("a", undefined, 0)).toEqual({ keys: [] });
  expect((await kv.list("b", "a", 10)).keys).toEqual(["b"]);
});

test("a swap happens only where the value is what was expected", async () => {
  const { kv } = open(freshFolder());
  const [one, two] = [bytes("1"), bytes("2")];
  expect(await kv.compareAndSwap("k", one, two)).toBe(false);
  expect(await kv.compareAndSwap("k", undefined, undefined)).toBe(true);
  expect(await kv.compareAndSwap("k", undefined, one)).toBe(true);
  expect(await kv.compareAndSwap("k", undefined, two)).toBe(false);
  expect(await kv.compareAndSwap("k", undefined, undefined)).toBe(false);
  expect(await kv.compareAndSwap("k", one, two)).toBe(true);
  expect(await kv.compareAndSwap("k", one, undefined)).toBe(false);
  expect(await kv.compareAndSwap("k", two, undefined)).toBe(true);
  expect(await kv.get("k")).toBeUndefined();
});

test("keys and values beyond the limits are refused", async () => {
  const { kv } = open(freshFolder());
  expect(await refusal(() => kv.set("", bytes("v")))).toBe("invalid");
  expect(await refusal(() => kv.set("é".repeat(limits.storageKeyBytesMax), bytes("v")))).toBe("too-large");
  expect(await refusal(() => kv.set("k", new Uint8Array(limits.storageValueBytesMax + 1)))).toBe("too-large");
});

test("every kind of value comes back as it went in", async () => {
  const { sql } = open(freshFolder());
  await sql.execute("CREATE TABLE t(n, i INTEGER, r REAL, s TEXT, b BLOB)", []);
  const row: WireValue[] = [
    { tag: "null" },
    integer(-(2n ** 63n)),
    { tag: "real", val: 2 },
    { tag: "text", val: "a\0é" },
    { tag: "blob", val: new Uint8Array([0, 255]) },
  ];
  const changes = await sql.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", row);
  expect(changes).toEqual({ rows: 1n, lastInsertRowid: 1n });
  expect(await sql.query("SELECT * FROM t", [])).toEqual({ columns: ["n", "i", "r", "s", "b"], rows: [row] });
  const numbers = await sql.query("SELECT 9223372036854775807, 0.5, 1e400", []);
  expect(numbers.rows[0]).toEqual([
    integer(2n ** 63n - 1n),
    { tag: "real", val: 0.5 },
    { tag: "real", val: Number.POSITIVE_INFINITY },
  ]);
});

test("columns of one name keep their values, their order and the rows' order", async () => {
  const { sql } = open(freshFolder());
  const asked =
    "SELECT a, b AS a, a AS __proto__, 1 AS '1' FROM (SELECT 1 a, 2 b UNION SELECT 3, 4) ORDER BY 1 DESC -- x";
  const { columns, rows } = await sql.query(asked, []);
  expect(columns).toEqual(["a", "a", "__proto__", "1"]);
  expect(rows).toEqual([[3, 4, 3, 1].map(integer), [1, 2, 1, 1].map(integer)]);
});

test("a query is no execution, an execution no query, and parameters are counted", async () => {
  const { sql } = open(freshFolder());
  expect(await refusal(() => sql.execute("SELECT 1", []))).toBe("invalid");
  expect(await refusal(() => sql.query("CREATE TABLE t(a)", []))).toBe("invalid");
  expect(await refusal(() => sql.query("SELECT ?", []))).toBe("invalid");
  expect(await refusal(() => sql.query("SELECT ?", [integer(1), integer(2)]))).toBe("invalid");
  expect(await refusal(() => sql.query("SELECT ?", [integer(2n ** 64n)]))).toBe("invalid");
  expect(await refusal(() => sql.query("SELEC 1", []))).toBe("denied");
  expect(await refusal(() => sql.query("SELECT nothing", []))).toBe("invalid");
});

test("constraints are told apart, and foreign keys hold", async () => {
  const { sql } = open(freshFolder());
  await sql.execute("CREATE TABLE p(a PRIMARY KEY)", []);
  await sql.execute("CREATE TABLE c(a REFERENCES p(a))", []);
  await sql.execute("INSERT INTO p VALUES (1)", []);
  expect(await refusal(() => sql.execute("INSERT INTO p VALUES (1)", []))).toBe("constraint");
  expect(await refusal(() => sql.execute("INSERT INTO c VALUES (2)", []))).toBe("constraint");
});

test("a prepared statement runs often, and no more are held than the limit", async () => {
  const { sql } = open(freshFolder());
  await sql.execute("CREATE TABLE t(a)", []);
  const insert = await sql.prepare("INSERT INTO t VALUES (?)");
  for (let at = 0; at < 10; at++) await insert.execute([integer(at)]);
  const sum = await sql.prepare("SELECT sum(a) FROM t WHERE a < ?");
  expect((await sum.query([integer(5)])).rows).toEqual([[integer(10)]]);
  const held: Statement[] = [insert, sum];
  const fill = async () => {
    for (;;) held.push(await sql.prepare("SELECT 1"));
  };
  expect(await refusal(fill)).toBe("too-large");
  expect(held).toHaveLength(limits.storageStatementsMax);
  held[2]![Symbol.dispose]();
  held[2]![Symbol.dispose]();
  await sql.prepare("SELECT 1");
  expect(await refusal(() => sql.prepare("SELECT 1"))).toBe("too-large");
});

test("a transaction is seen by others only when committed, and dropping it rolls back", async () => {
  const folder = freshFolder();
  const { sql, kv } = open(folder);
  const count = async () => (await sql.query("SELECT count(*) FROM t", [])).rows[0]![0];
  await sql.execute("CREATE TABLE t(a)", []);
  const first = await sql.begin();
  await first.execute("INSERT INTO t VALUES (1)", []);
  expect((await first.query("SELECT count(*) FROM t", [])).rows[0]![0]).toEqual(integer(1));
  expect(await count()).toEqual(integer(0));
  first[Symbol.dispose]();
  expect(await count()).toEqual(integer(0));

  const second = await sql.begin();
  const insert = await second.prepare("INSERT INTO t VALUES (?)");
  await insert.execute([integer(2)]);
  await second.commit();
  expect(await count()).toEqual(integer(1));
  expect(await refusal(() => second.commit())).toBe("invalid");
  expect(await refusal(() => insert.execute([integer(3)]))).toBe("invalid");
  await second.rollback();
  await kv.set("k", bytes("v"));
  expect(await count()).toEqual(integer(1));
});

test("while a transaction lives, its own instance is refused at once instead of waiting for itself", async () => {
  const { sql, kv } = open(freshFolder());
  await kv.set("k", bytes("v"));
  const held = await sql.begin();
  const before = performance.now();
  expect(await refusal(() => kv.set("k", bytes("w")))).toBe("busy");
  expect(await refusal(() => sql.begin())).toBe("busy");
  expect(performance.now() - before).toBeLessThan(500);
  expect(text(await kv.get("k"))).toBe("v");
  await held.rollback();
  await kv.set("k", bytes("w"));
});

test("a transaction that SQLite rolled back itself has ended", async () => {
  const { sql } = open(freshFolder());
  await sql.execute("CREATE TABLE t(a UNIQUE)", []);
  const held = await sql.begin();
  await held.execute("INSERT INTO t VALUES (1)", []);
  expect(await refusal(() => held.execute("INSERT OR ROLLBACK INTO t VALUES (1)", []))).toBe("constraint");
  expect(await refusal(() => held.execute("INSERT INTO t VALUES (2)", []))).toBe("invalid");
  expect((await sql.query("SELECT * FROM t", [])).rows).toEqual([]);
  await sql.execute("INSERT INTO t VALUES (3)", []);
});

test("dropping the instance rolls back what it left open", async () => {
  const folder = freshFolder();
  const first = open(folder);
  await first.sql.execute("CREATE TABLE t(a)", []);
  const held = await first.sql.begin();
  const insert = await held.prepare("INSERT INTO t VALUES (1)");
  await insert.execute([]);
  first.drop();
  insert[Symbol.dispose]();
  held[Symbol.dispose]();
  expect((await open(folder).sql.query("SELECT * FROM t", [])).rows).toEqual([]);
});

test("other instances wait for a transaction without stopping the host, and in the end are refused", async () => {
  const folder = freshFolder();
  const [a, b] = [open(folder), open(folder, { busyMsMax: 150 })];
  await a.kv.set("k", bytes("1"));
  const held = await a.sql.begin();
  let ticks = 0;
  const clock = setInterval(() => ticks++, 5);
  const late = await refusal(() => b.kv.set("k", bytes("2")));
  clearInterval(clock);
  expect(late).toBe("busy");
  expect(ticks).toBeGreaterThan(5);
  const waiting = b.kv.set("k", bytes("3"));
  await Bun.sleep(20);
  await held.rollback();
  await waiting;
  expect(text(await a.kv.get("k"))).toBe("3");
});

test("a wait ends with a fault when its instance is dropped", async () => {
  const folder = freshFolder();
  const [a, b] = [open(folder), open(folder)];
  await a.kv.set("k", bytes("1"));
  await a.sql.begin();
  const waiting = Promise.resolve(b.kv.set("k", bytes("2"))).then(
    () => "set",
    (error) => (error instanceof Fault ? error.code : error),
  );
  b.drop();
  expect(await waiting).toBe("LK0304");
});

test("two processes change one database, and no change is lost", async () => {
  const folder = freshFolder();
  const { sql } = open(folder);
  await sql.execute("CREATE TABLE t(n INTEGER)", []);
  await sql.execute("INSERT INTO t VALUES (0)", []);
  const path = databasePath(folder, `sha256:${sha256("a")}`);
  const script = `import { Database } from "bun:sqlite";
    const database = new Database(${JSON.stringify(path)});
    database.run("PRAGMA busy_timeout = 5000");
    for (let at = 0; at < 100; at++) {
      database.run("BEGIN IMMEDIATE");
      database.run("UPDATE t SET n = n + 1");
      if (at % 10 === 0) await Bun.sleep(5);
      database.run("COMMIT");
    }`;
  const other = Bun.spawn([process.execPath, "-e", script], { stderr: "inherit" });
  for (let at = 0; at < 100; at++) {
    const held = await sql.begin();
    await held.execute("UPDATE t SET n = n + 1", []);
    await held.commit();
    await Bun.sleep(0);
  }
  expect(await other.exited).toBe(0);
  expect((await sql.query("SELECT n FROM t", [])).rows).toEqual([[integer(200)]]);
});

test("the quota holds for keys, tables and transactions, and room can be made again", async () => {
  const folder = freshFolder();
  const quotaBytes = 1024 * 1024;
  const { kv, sql } = open(folder, { quotaBytes: () => quotaBytes });
  const fill = async () => {
    for (let at = 0; ; at++) await kv.set(`${at}`, new Uint8Array(10_000));
  };
  expect(await refusal(fill)).toBe("quota-exceeded");
  expect(await refusal(() => kv.set("large", new Uint8Array(quotaBytes)))).toBe("quota-exceeded");
  expect(await refusal(() => sql.execute("CREATE TABLE t AS SELECT zeroblob(500000) AS a", []))).toBe(
    "quota-exceeded",
  );
  const held = await sql.begin();
  expect(await refusal(() => held.execute("CREATE TABLE t AS SELECT zeroblob(500000) AS a", []))).toBe(
    "quota-exceeded",
  );
  await held.rollback();
  expect(await kv.delete("1")).toBe(true);
  await kv.set("1", new Uint8Array(9_000));
  expect(text((await kv.get("0"))?.slice(0, 0))).toBe("");
});

test("neither one large transaction nor many small ones make the files grow far beyond the quota", async () => {
  const folder = freshFolder();
  const quotaBytes = 1024 * 1024;
  const { sql } = open(folder, { quotaBytes: () => quotaBytes });
  await sql.execute("CREATE TABLE t(a)", []);
  for (let at = 0; at < 80; at++) await sql.execute("INSERT INTO t VALUES (zeroblob(10000))", []);
  const size = () => readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  const rewrite = "UPDATE t SET a = randomblob(10000)";
  for (let at = 0; at < 20; at++) await sql.execute(rewrite, []);
  expect(size()).toBeLessThan(8 * quotaBytes);
  const held = await sql.begin();
  for (let at = 0; at < 20; at++) await held.execute(rewrite, []);
  expect(size()).toBeLessThan(8 * quotaBytes);
  await held.commit();
});

test("an answer has bounded rows and bytes, and what it changed on the way is undone", async () => {
  const { sql } = open(freshFolder());
  const endless = "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
  expect(await refusal(() => sql.query(endless, []))).toBe("too-large");
  expect((await sql.query(`${endless} LIMIT 5`, [])).rows).toHaveLength(5);
  const wide =
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT zeroblob(1000000) FROM c LIMIT 100";
  expect(await refusal(() => sql.query(wide, []))).toBe("too-large");
  await sql.execute("CREATE TABLE t(a)", []);
  const many = `INSERT INTO t SELECT x FROM (${endless} LIMIT 20000) RETURNING a`;
  expect(await refusal(() => sql.query(many, []))).toBe("too-large");
  expect((await sql.query("SELECT count(*) FROM t", [])).rows).toEqual([[integer(0)]]);
  expect((await sql.query("INSERT INTO t VALUES (1), (2) RETURNING a", [])).rows).toEqual([
    [integer(1)],
    [integer(2)],
  ]);
  expect((await sql.query("SELECT count(*) FROM t", [])).rows).toEqual([[integer(2)]]);
});

test("a statement that never ends is stopped, the host goes on meanwhile, and the next one runs", async () => {
  const { sql, kv } = open(freshFolder(), { allowance: { ms: 150, bytes: 2 ** 40 } });
  await sql.execute("CREATE TABLE t(a)", []);
  const held = await sql.begin();
  await held.execute("INSERT INTO t VALUES (1)", []);
  let ticks = 0;
  const clock = setInterval(() => ticks++, 5);
  const endless = "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";
  expect(await refusal(() => held.query(endless, []))).toBe("timed-out");
  clearInterval(clock);
  expect(ticks).toBeGreaterThan(10);
  expect(await refusal(() => held.commit())).toBe("invalid");
  await held.rollback();
  expect((await sql.query("SELECT count(*) FROM t", [])).rows).toEqual([[integer(0)]]);
  await kv.set("k", bytes("v"));
});

test("a statement that asks for memory without end is stopped", async () => {
  const { sql } = open(freshFolder(), { allowance: { ms: 20_000, bytes: 300 * 1024 * 1024 } });
  const doubling =
    "WITH c(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM c LIMIT 31) SELECT max(length(s)) FROM c";
  expect(await refusal(() => sql.query(doubling, []))).toBe("too-large");
  expect((await sql.query("SELECT 1", [])).rows).toEqual([[integer(1)]]);
});

test("too many parameters, and too large ones, are refused", async () => {
  const { sql } = open(freshFolder());
  const count = limits.storageParametersMax + 1;
  const many = `SELECT ${Array(count).fill("?").join(", ")}`;
  expect(await refusal(() => sql.query(many, Array(count).fill(integer(1))))).toBe("too-large");
  const large: WireValue = { tag: "blob", val: new Uint8Array(limits.storageValueBytesMax + 1) };
  expect(await refusal(() => sql.query("SELECT length(?)", [large]))).toBe("too-large");
});

test("no statement makes, reads or names a file of the host", async () => {
  const folder = freshFolder();
  const { sql, kv } = open(folder);
  await kv.set("k", bytes("v"));
  await sql.execute("CREATE TABLE t(a)", []);
  const other = join(root, "other.db");
  const database = new Database(other);
  database.run("CREATE TABLE secret(a)");
  database.close();
  const target = join(root, "evil.db");
  const attempts = [
    `ATTACH '${target}' AS e`,
    `/**/ATTACH '${other}' AS e`,
    `SELECT 1; ATTACH '${target}' AS e`,
    `;ATTACH '${target}' AS e`,
    `VACUUM INTO '${target}'`,
    `VACUUM main INTO '${target}'`,
    "PRAGMA database_list",
    "SELECT file FROM pragma_database_list",
    `SELECT load_extension('${target}')`,
    `CREATE VIRTUAL TABLE e USING fts5(a, content='${other}')`,
    `CREATE TABLE t2(a); ATTACH '${target}' AS e`,
    `CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END; ATTACH '${target}' AS e`,
    `CREATE TRIGGER x AFTER INSERT ON t BEGIN ATTACH '${target}' AS e; END`,
    `WITH c AS (SELECT 1) ATTACH '${target}' AS e`,
    "SELECT writefile('x', 'y')",
    "SELECT readfile('/etc/passwd')",
    `INSERT INTO sqlite_master VALUES ('table', 'x', 'x', 2, 'CREATE TABLE x(a)')`,
  ];
  for (const attempt of attempts)
    for (const run of [
      () => sql.execute(attempt, []),
      () => sql.query(attempt, []),
      () => sql.prepare(attempt),
    ])
      expect([attempt, await refusal(run)]).not.toEqual([attempt, "accepted"]);
  const held = await sql.begin();
  for (const attempt of attempts) expect(await refusal(() => held.execute(attempt, []))).not.toBe("accepted");
  expect(existsSync(target)).toBe(false);
  expect((await held.query("SELECT name FROM sqlite_master WHERE type = 'trigger'", [])).rows).toEqual([]);
});

test("a database that is damaged, or a folder that cannot be made, is unavailable and names no path", async () => {
  const folder = freshFolder();
  const { kv, drop } = open(folder);
  await kv.set("k", bytes("v"));
  drop();
  for (const name of readdirSync(folder)) writeFileSync(join(folder, name), "x".repeat(8192));
  const blocked = join(root, "file");
  writeFileSync(blocked, "");
  for (const place of [folder, join(blocked, "below")]) {
    const error = await Promise.resolve()
      .then(() => open(place).kv.get("k"))
      .catch((reason) => reason);
    expect(error.payload.tag).toBe("unavailable");
    expect(error.payload.val).not.toContain(root);
  }
});

test("something else in the database's place is unavailable, for reading and for changing", async () => {
  const folder = freshFolder();
  await Bun.write(join(databasePath(folder, `sha256:${sha256("a")}`), "x"), "");
  const { kv, sql } = open(folder);
  expect(await refusal(() => kv.set("k", bytes("v")))).toBe("unavailable");
  expect(await refusal(() => sql.query("SELECT 1", []))).toBe("unavailable");
});
