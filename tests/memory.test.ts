// What is remembered, met by another process or by an older loop, through the front door.
import { Database } from "bun:sqlite";
import { afterAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const temporary = mkdtempSync(join(tmpdir(), "loop-memory-"));
const path = join(temporary, "loop/loop.db");

const loop = async (...words: string[]) => {
  const child = Bun.spawn([process.execPath, join(root, "src/main.ts"), ...words], {
    cwd: temporary,
    env: { PATH: "/usr/bin:/bin", HOME: temporary, XDG_DATA_HOME: temporary, XDG_CACHE_HOME: temporary },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
};

beforeEach(async () => {
  rmSync(join(temporary, "loop"), { recursive: true, force: true });
  expect(await loop("slot", "set", "command:new", "builtin:project")).toMatchObject({ code: 0 });
});
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

test("another process that holds the database is waited for, then named", async () => {
  const holder = new Database(path);
  holder.run("BEGIN EXCLUSIVE");
  try {
    const { code, err } = await loop("slot", "set", "command:build", "builtin:project");
    expect(err).toContain("error[LK0404]");
    expect(code).toBe(1);
  } finally {
    holder.run("ROLLBACK");
    holder.close();
  }
  expect((await loop("slot", "show", "command:new")).out).toContain("(remembered)");
});

test("a database from a newer loop is left as it is", async () => {
  const newer = new Database(path);
  newer.run("PRAGMA user_version = 999");
  newer.run("PRAGMA wal_checkpoint(TRUNCATE)");
  newer.close();
  const before = readFileSync(path);
  expect((await loop("slot", "list")).err).toContain("error[LK0406]");
  expect((await loop("slot", "set", "command:new", "builtin:project")).err).toContain("error[LK0406]");
  expect(readFileSync(path).equals(before)).toBe(true);
  expect((await loop("--builtin", "inspect", "builtin:run")).code).toBe(0);
});
