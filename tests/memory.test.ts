// What is remembered, met by another process or by an older loop, through the front door.
import { Database } from "bun:sqlite";
import { beforeEach, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { homeFor } from "./home.ts";

const home = homeFor("memory");
const path = join(home.folder, "data/loop/loop.db");

const loop = (...words: string[]) => home.loop(home.folder, ...words);

beforeEach(async () => {
  rmSync(join(home.folder, "data/loop"), { recursive: true, force: true });
  expect(await loop("slot", "set", "command:new", "builtin:project")).toMatchObject({ code: 0 });
});

test("another process that holds the database is waited for, then named", async () => {
  const holder = new Database(path);
  holder.run("BEGIN EXCLUSIVE");
  try {
    const { code, said } = await loop("slot", "set", "command:build", "builtin:project");
    expect(said).toContain("error[LK0404]");
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
  expect((await loop("slot", "list")).said).toContain("error[LK0406]");
  expect((await loop("slot", "set", "command:new", "builtin:project")).said).toContain("error[LK0406]");
  expect(readFileSync(path).equals(before)).toBe(true);
  expect((await loop("--builtin", "inspect", "builtin:run")).code).toBe(0);
});
