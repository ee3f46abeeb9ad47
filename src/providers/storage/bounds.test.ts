import { Database } from "bun:sqlite";
import { afterAll, afterEach, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { bench, bytes, integer, refusal, text } from "./fixture.ts";
import { databasePath, type WireValue } from "./storage.ts";

const { root, open, freshFolder, dropAll, remove } = bench();
afterEach(dropAll);
afterAll(remove);

const endless = "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

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
  const rows = "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
  expect(await refusal(() => sql.query(rows, []))).toBe("too-large");
  expect((await sql.query(`${rows} LIMIT 5`, [])).rows).toHaveLength(5);
  const wide =
    "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT zeroblob(1000000) FROM c LIMIT 100";
  expect(await refusal(() => sql.query(wide, []))).toBe("too-large");
  await sql.execute("CREATE TABLE t(a)", []);
  const many = `INSERT INTO t SELECT x FROM (${rows} LIMIT 20000) RETURNING a`;
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
  expect(await refusal(() => held.query(endless, []))).toBe("timed-out");
  clearInterval(clock);
  expect(ticks).toBeGreaterThan(1);
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

test("the engine ends with a host that was killed in the middle of a statement", async () => {
  const folder = freshFolder();
  const script = `import { bench } from ${JSON.stringify(join(import.meta.dir, "fixture.ts"))};
    const { sql } = bench().open(${JSON.stringify(folder)});
    await sql.query("SELECT 1", []);
    console.log("ready");
    await sql.query(${JSON.stringify(endless)}, []);`;
  const host = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  await host.stdout.getReader().read();
  await Bun.sleep(50);
  const engine = Number(readFileSync(`/proc/${host.pid}/task/${host.pid}/children`, "utf8").trim());
  const runs = () => {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${engine}/status`, "utf8"));
    } catch {
      return false;
    }
  };
  expect(runs()).toBe(true);
  host.kill("SIGKILL");
  for (let at = 0; at < 100 && runs(); at++) await Bun.sleep(10);
  expect(runs()).toBe(false);
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
