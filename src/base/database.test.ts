import { Database } from "bun:sqlite";
import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StateFile } from "./database.ts";
import { Fault } from "./fault.ts";
import { faultNow } from "./fixture.ts";

const folder = mkdtempSync(join(tmpdir(), "state-"));
afterAll(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

const migrations = ["CREATE TABLE words (word TEXT NOT NULL) STRICT"];
const waitMsMax = 100;
let serial = 0;
const place = () => join(folder, `${serial++}`, "deeper", "loop.db");
const open = (path: string, more = migrations) => new StateFile(path, { migrations: more, waitMsMax });
const add = (file: StateFile, word: string) =>
  file.write((database) => database.query("INSERT INTO words (word) VALUES (?)").run(word));
const words = (file: StateFile) =>
  file.read(
    (database) =>
      (database.query("SELECT word FROM words").all() as { word: string }[]).map(({ word }) => word),
    [],
  );

test("reading what was never written creates nothing", () => {
  const path = place();
  expect(words(open(path))).toEqual([]);
  expect(existsSync(join(path, "..", ".."))).toBe(false);
});

test("what is written is read by another, and leaves one file for this user alone", () => {
  const path = place();
  add(open(path), "one");
  expect(words(open(path))).toEqual(["one"]);
  expect(statSync(join(path, "..")).mode & 0o777).toBe(0o700);
  add(open(path), "two");
  expect(words(open(path))).toEqual(["one", "two"]);
  expect(readFileSync(path).subarray(68, 72).toString()).toBe("loop");
});

test("a piece of work that fails leaves nothing behind", () => {
  const file = open(place());
  add(file, "one");
  expect(() =>
    file.write((database) => {
      database.run("DELETE FROM words");
      throw new Error("no");
    }),
  ).toThrow("no");
  expect(words(file)).toEqual(["one"]);
});

test("an older file is brought to the present version, by a read as by a write, and keeps what it had", () => {
  for (const use of [words, (file: StateFile) => add(file, "two")]) {
    const path = place();
    const newer = [...migrations, "ALTER TABLE words ADD COLUMN length INTEGER NOT NULL DEFAULT 3"];
    add(open(path), "one");
    use(open(path, newer));
    const database = new Database(path);
    expect(database.query("PRAGMA user_version").get()).toEqual({ user_version: 2 });
    expect(database.query("SELECT length FROM words").get()).toEqual({ length: 3 });
    database.close();
    expect(words(open(path, newer))).toContain("one");
  }
});

test("a file from a newer loop is neither read nor changed", () => {
  const path = place();
  add(open(path, [...migrations, "CREATE TABLE more (x)"]), "one");
  const before = readFileSync(path);
  expect(faultNow(() => words(open(path))).code).toBe("LK0406");
  expect(faultNow(() => add(open(path), "two")).code).toBe("LK0406");
  expect(readFileSync(path).equals(before)).toBe(true);
});

test("a file that is damaged or not ours is left as it is, and the hint sets its folder aside", () => {
  const path = place();
  const text = Buffer.from("this is no database at all\n".repeat(100));
  mkdirSync(join(path, ".."), { recursive: true });
  const foreign = new Database(join(folder, "foreign.db"), { create: true });
  foreign.run("CREATE TABLE notes (note)");
  foreign.close();
  const whole = place();
  add(open(whole), "one");
  const mine = readFileSync(whole);
  const cuts = [mine.length - 1, 5000, 4096, 50].map((length) => mine.subarray(0, length));
  for (const bytes of [text, readFileSync(join(folder, "foreign.db")), ...cuts]) {
    writeFileSync(path, bytes);
    for (const use of [() => words(open(path)), () => add(open(path), "x")]) {
      const fault = faultNow(use);
      expect(fault.code).toBe("LK0405");
      expect(fault.hint).toContain(`mv ${join(path, "..")} ${join(path, "..")}.aside`);
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }
  }
});

test("any damage gives an answer or a fault, and never a bug", () => {
  const path = place();
  const file = open(path);
  for (let at = 0; at < 20; at++) add(file, `${at} `.repeat(40));
  const whole = readFileSync(path);
  let seed = 11;
  const random = (below: number) => {
    seed = (seed * 48271) % 2147483647;
    return seed % below;
  };
  const codes = new Set<string>();
  for (let round = 0; round < 200; round++) {
    const bytes = Buffer.from(whole);
    for (let flips = 1 + random(4); flips > 0; flips--)
      bytes[random(random(2) ? 200 : bytes.length)] = random(256);
    writeFileSync(path, bytes);
    for (const use of [() => words(open(path)), () => add(open(path), "x")])
      try {
        use();
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        codes.add(error.code);
      }
    for (const name of ["-wal", "-shm"]) rmSync(`${path}${name}`, { force: true });
  }
  expect([...codes]).toContain("LK0405");
});

test("a writer in the way is waited for, and then named as a lock; readers go on", () => {
  const path = place();
  add(open(path), "one");
  const other = new Database(path);
  other.run("BEGIN IMMEDIATE");
  const start = performance.now();
  expect(faultNow(() => add(open(path), "two")).code).toBe("LK0404");
  expect(performance.now() - start).toBeGreaterThan(waitMsMax * 0.9);
  expect(performance.now() - start).toBeLessThan(waitMsMax * 20);
  expect(words(open(path))).toEqual(["one"]);
  other.run("ROLLBACK");
  other.close();
  add(open(path), "two");
  expect(words(open(path))).toEqual(["one", "two"]);
});

test("an exclusive lock stops readers too, with the same fault", () => {
  const path = place();
  add(open(path), "one");
  const other = new Database(path);
  other.run("PRAGMA locking_mode = EXCLUSIVE");
  other.run("BEGIN IMMEDIATE");
  other.run("INSERT INTO words VALUES ('mine')");
  expect(faultNow(() => words(open(path))).code).toBe("LK0404");
  other.run("ROLLBACK");
  other.close();
});

/** Runs a program against a state file, as another process. */
const child = (program: string, before = "") => {
  const source = `
    import { StateFile } from ${JSON.stringify(join(import.meta.dir, "database.ts"))};
    const migrations = ${JSON.stringify(migrations)};
    const open = (path) => new StateFile(path, { migrations });
    const add = (file, word) => file.write((database) => database.query("INSERT INTO words VALUES (?)").run(word));
    const words = (file) => file.read((database) => database.query("SELECT word FROM words").all().map(({ word }) => word), []);
    const code = (work) => { try { return work(); } catch (error) { return error.code ?? String(error); } };
    ${program}`;
  const bun = [process.execPath, "-e", source];
  const argv = before ? ["bash", "-c", `${before}; exec "$@"`, "bash", ...bun] : bun;
  return Bun.spawn(argv, { stdout: "pipe", stderr: "inherit" });
};
const output = async (process: ReturnType<typeof child>) => {
  const text = await new Response(process.stdout).text();
  await process.exited;
  return JSON.parse(text);
};

test("two processes that make and write the same file at once lose nothing", async () => {
  const path = place();
  const count = 25;
  const writers = ["a", "b"].map((name) =>
    child(`for (let i = 0; i < ${count}; i++) add(open(${JSON.stringify(path)}), ${JSON.stringify(name)} + i);
           console.log(JSON.stringify("done"))`),
  );
  expect(await Promise.all(writers.map(output))).toEqual(["done", "done"]);
  const all = words(open(path));
  expect(all.length).toBe(2 * count);
  expect(new Set(all).size).toBe(2 * count);
});

test("where nothing can be written, reads go on and writes say so", async () => {
  const [clean, killed, fresh] = [place(), place(), join(folder, "fresh", "loop.db")];
  for (const path of [clean, killed]) add(open(path), "one");
  // As a killed process leaves it: the newest word is in the log alone.
  const other = new Database(killed);
  other.run("INSERT INTO words VALUES ('two')");
  copyFileSync(killed, `${killed}.copy`);
  copyFileSync(`${killed}-wal`, `${killed}.copy-wal`);
  other.close();
  for (const name of ["", "-wal"]) copyFileSync(`${killed}.copy${name}`, `${killed}${name}`);
  mkdirSync(join(fresh, ".."));
  const folders = [clean, killed, fresh].map((path) => join(path, ".."));
  for (const at of folders) {
    for (const name of readdirSync(at)) chmodSync(join(at, name), 0o444);
    chmodSync(at, 0o555);
  }
  chmodSync(folder, 0o755);
  for (const path of [clean, killed]) chmodSync(join(path, "..", ".."), 0o755);
  // Root may write anywhere, so there the child becomes nobody.
  const nobody = process.getuid?.() === 0 ? "process.setgid(65534); process.setuid(65534);" : "";
  const [a, b, c] = [clean, killed, fresh].map((path) => JSON.stringify(path));
  const seen = await output(
    child(`${nobody}
      console.log(JSON.stringify([${[a, b, c].map((path) => `code(() => words(open(${path}))), code(() => add(open(${path}), "x"))`)}]))`),
  );
  for (const at of folders) chmodSync(at, 0o755);
  expect(seen).toEqual([["one"], "LK0409", ["one", "two"], "LK0409", [], "LK0409"]);
});

test("a disk that takes no more is a fault, and what was there is still there", async () => {
  const path = place();
  add(open(path), "one");
  const full = `add(open(${JSON.stringify(path)}), "x".repeat(100_000))`;
  const seen = await output(
    child(
      `console.log(JSON.stringify([code(() => ${full}), words(open(${JSON.stringify(path)}))]))`,
      "trap '' XFSZ; ulimit -f 64",
    ),
  );
  expect(seen).toEqual(["LK0409", ["one"]]);
  expect(words(open(path))).toEqual(["one"]);
});
