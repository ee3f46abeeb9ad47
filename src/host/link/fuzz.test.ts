import { expect, test } from "bun:test";
import { ownCache } from "../../base/fixture.ts";
import { fuzzComponent } from "./fuzz/run.ts";

ownCache();

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
