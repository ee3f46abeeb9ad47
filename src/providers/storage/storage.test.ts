import { afterAll, afterEach, expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import { bench, bytes, integer, refusal, type Statement, text } from "./fixture.ts";
import type { WireValue } from "./storage.ts";

const { open, freshFolder, dropAll, remove } = bench();
afterEach(dropAll);
afterAll(remove);

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
