// Gives every test process XDG folders of its own, so that no test reads or writes those of the person who runs it.
// Owns nothing else; refuses to keep them; loaded by `bun test` before any test file (bunfig.toml).
import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "loop-tests-"));
process.env.XDG_DATA_HOME = join(folder, "data");
process.env.XDG_CACHE_HOME = join(folder, "cache");

afterAll(() => rmSync(folder, { recursive: true, force: true }));
