import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fuzzComponent } from "./fuzz/run.ts";

let cache: string;
const before = process.env.XDG_CACHE_HOME;

beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), "loop-fuzz-"));
  process.env.XDG_CACHE_HOME = cache;
});

afterAll(() => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
  rmSync(cache, { recursive: true, force: true });
});

test("random values of random types cross both ways unchanged, as they do with jco", async () => {
  const first = Number(process.env.LOOP_FUZZ_SEED ?? Date.now() % 2 ** 31);
  let agreed = 0;
  for (let seed = first; seed < first + 8; seed++) {
    const { ours, jco } = await fuzzComponent(seed, { funcs: 5, calls: 40 });
    // The seed makes the same component again: LOOP_FUZZ_SEED, or scripts/fuzz.ts --seed.
    expect({ seed, ours }).toEqual({ seed, ours: [] });
    // jco loses the middle of an option of an option of an option; it is a witness, not the law.
    if (jco.length === 0) agreed++;
  }
  expect(agreed).toBeGreaterThan(0);
}, 60_000);
