import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import { Refusal } from "./refusal.ts";
import { checkStatement } from "./statement.ts";

const kindOf = (text: string): string => {
  try {
    checkStatement(text);
  } catch (error) {
    if (error instanceof Refusal) return error.kind;
    throw error;
  }
  return "accepted";
};

const ordinary = [
  "SELECT 1",
  "select 'a;b', \"c;d\" from [e;f] -- ; g\n where `h;i` = 1 /* ; j */ ;  ; /* end",
  "VALUES (1), (2)",
  "WITH c AS (SELECT 1) SELECT * FROM c",
  "INSERT INTO t VALUES (?1, :name, @name, $name)",
  "REPLACE INTO t VALUES (1)",
  "UPDATE t SET a = 'it''s'",
  "DELETE FROM t",
  "CREATE TABLE t(a)",
  "create unique index i on t(a)",
  "CREATE VIEW v AS SELECT 1",
  "CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = CASE WHEN 1 THEN 2 END; DELETE FROM t; END",
  "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END;",
  "DROP TABLE t",
  "ALTER TABLE t RENAME TO u",
  "/**/--\n/*/ */SELECT 'temp', temperature FROM t",
];

test("ordinary statements are accepted", () => {
  for (const text of ordinary) expect([text, kindOf(text)]).toEqual([text, "accepted"]);
});

test("an accepted statement is given to SQLite without what follows it", () => {
  expect(checkStatement("SELECT 1 ; -- x")).toBe("SELECT 1");
  expect(checkStatement("/* a */ SELECT 1")).toBe("/* a */ SELECT 1");
});

const reaching = [
  "ATTACH 'x.db' AS x",
  "attach database 'x.db' as x",
  "DETACH main",
  "PRAGMA journal_mode = OFF",
  "PRAGMA max_page_count = 1000000",
  "VACUUM",
  "VACUUM INTO 'x.db'",
  "EXPLAIN PRAGMA writable_schema = 1",
  "EXPLAIN SELECT 1",
  "ANALYZE",
  "REINDEX",
  "BEGIN",
  "COMMIT",
  "END",
  "ROLLBACK",
  "SAVEPOINT a",
  "RELEASE a",
  "CREATE TEMP TABLE t(a)",
  "CREATE TEMPORARY VIEW t AS SELECT 1",
  "CREATE TABLE temp.t(a)",
  'CREATE TABLE /**/ "TEMP" /**/ . t(a)',
  "CREATE TABLE [temp].t(a)",
  "CREATE TABLE `temp`.t(a)",
  "CREATE TABLE 'temp'.t(a)",
  "CREATE VIRTUAL TABLE f USING fts5(a)",
  "CREATE UNIQUELY",
  "DROP DATABASE x",
];

/** Ways to hide the beginning of a statement, or to bring a second one. */
const disguises: ((text: string) => string)[] = [
  (text) => text,
  (text) => ` \t\r\n\f${text}`,
  (text) => `-- c\n${text}`,
  (text) => `--\r${text}\n${text}`,
  (text) => `/* c */${text}`,
  (text) => `/*/ SELECT */${text}`,
  (text) => `/**/ /***/ ${text}`,
  (text) => `;${text}`,
  (text) => `/* */;;${text}`,
  (text) => `SELECT 1;${text}`,
  (text) => `SELECT 1;\n-- c\n${text};`,
  (text) => `SELECT ';';${text}`,
  (text) => `SELECT "a""b";${text}`,
  (text) => `SELECT [a;b];${text}`,
  (text) => `SELECT $a(');${text} --')`,
  (text) => `SELECT 1 /* ' */;${text}`,
  (text) => `CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END; ${text}`,
  (text) => `CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END; ${text}; END`,
  (text) => `CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END ${text}; END;`,
  (text) => `(${text})`,
  (text) => `"${text}"`,
  (text) => `\u00a0${text}`,
  (text) => `\ufeff${text}`,
  (text) => `\v${text}`,
  (text) => `SELECT 1\0;${text}`,
];

test("statements that reach beyond the database are refused in every disguise", () => {
  for (const text of reaching)
    for (const disguise of disguises) {
      const hidden = disguise(text);
      expect([hidden, kindOf(hidden)]).not.toEqual([hidden, "accepted"]);
    }
});

test("names that reach beyond the database are refused in whatever quotes", () => {
  for (const text of [
    "SELECT file FROM pragma_database_list",
    'SELECT * FROM "PRAGMA_database_list"',
    "SELECT * FROM [pragma_module_list]()",
    "SELECT * FROM 'pragma_function_list'",
    "CREATE VIEW v AS SELECT * FROM main.pragma_database_list",
    "SELECT load_extension('x.so')",
    "SELECT \"Load_Extension\"('x.so', 'y')",
    "SELECT fts3_tokenizer('simple', x'00')",
    "SELECT * FROM loop_key_value",
    'DROP TABLE "LOOP_KEY_VALUE"',
    "INSERT INTO sqlite_dbpage VALUES (1, x'')",
  ])
    expect([text, kindOf(text)]).toEqual([text, "denied"]);
});

test("what is no statement is refused with a reason", () => {
  for (const text of ["", "  ", "-- c", "/*", ";", "SELECT 'a", 'SELECT "a', "SELECT [a", "SELECT `a"])
    expect([text, kindOf(text)]).not.toEqual([text, "accepted"]);
  expect(kindOf(`SELECT '${"x".repeat(limits.storageStatementBytesMax)}'`)).toBe("too-large");
});

/** Numbers that repeat for a seed, so that a failure can be had again. */
const random = (seed: number) => () => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
};

test("of random texts, SQLite compiles nothing beyond the list out of what is accepted", () => {
  const database = new Database(":memory:");
  database.run("CREATE TABLE t(a)");
  const parts =
    "SELECT|1|;|'|\"|[|]|`|--|\n|/*|*/|ATTACH ':memory:' AS x|PRAGMA user_version|VACUUM|BEGIN|END|t|CREATE|TRIGGER x AFTER INSERT ON t|TABLE|temp|.|u(a)|WITH|INSERT INTO t|VALUES (1)| | |(|)|$a|(|\f|\u0001|x''|EXPLAIN|DELETE FROM t".split(
      "|",
    );
  const next = random(20261121);
  let compiled = 0;
  for (let round = 0; round < 60_000; round++) {
    const count = 1 + Math.floor(next() * 7);
    const text = Array.from({ length: count }, () => parts[Math.floor(next() * parts.length)]).join(
      next() < 0.5 ? " " : "",
    );
    if (kindOf(text) !== "accepted") continue;
    const checked = checkStatement(text);
    let opcodes: string[];
    try {
      opcodes = (
        database.prepare(`EXPLAIN ${checked}`).values() as [number, string, number, number, number, string][]
      ).map(([, name, first, second, , text]) => `${name} ${first} ${second} ${text}`);
    } catch {
      continue;
    }
    compiled++;
    const beyond = opcodes.filter((line) =>
      /^(Vacuum|JournalMode|AutoCommit|Savepoint|SetCookie 1|VCreate|VOpen|MaxPgcnt|Checkpoint)|sqlite_(attach|detach)/.test(
        line,
      ),
    );
    expect([checked, beyond]).toEqual([checked, []]);
  }
  expect(compiled).toBeGreaterThan(100);
});
