// Compares loop-kit's linker with jco's on random types and values until it is stopped, or for N components:
// bun scripts/fuzz.ts [--seed N] [--components N]. The seed that it prints makes a failing component again.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fuzzComponent } from "../src/host/link/fuzz/run.ts";

const { values } = parseArgs({
  options: { seed: { type: "string" }, components: { type: "string" } },
});

const cache = mkdtempSync(join(tmpdir(), "loop-fuzz-"));
process.env.XDG_CACHE_HOME = cache;
const first = Number(values.seed ?? Date.now() % 2 ** 31);
const count = Number(values.components ?? Number.POSITIVE_INFINITY);
let failures = 0;
try {
  for (let i = 0; i < count; i++) {
    const { ours, jco } = await fuzzComponent(first + i, { funcs: 6, calls: 60 });
    for (const difference of ours) console.log(`seed ${first + i}: loop ${difference}`);
    for (const difference of jco) console.log(`seed ${first + i}: jco ${difference}`);
    failures += ours.length;
    if ((i + 1) % 10 === 0) console.log(`${i + 1} components from seed ${first}, ${failures} failures`);
  }
} finally {
  rmSync(cache, { recursive: true, force: true });
}
process.exitCode = failures > 0 ? 1 : 0;
