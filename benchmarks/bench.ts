// npm run bench: runs the benchmarks beside this file and prints medians and ratios, each against a peer that was
// measured in the same run, turn by turn, so that a busy machine is busy for both. Owns the table and the verdict;
// refuses to know what is measured. A benchmark file exports `run(): Promise<Row[]>`.
//   bun benchmarks/bench.ts [--only NAME] [--json]
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "../scripts/build.ts";
import type { Row } from "./measure.ts";

const argv = process.argv.slice(2);
const only = argv.includes("--only") ? argv[argv.indexOf("--only") + 1]! : "";
const json = argv.includes("--json");

const names = readdirSync(import.meta.dir)
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "bench.ts")
  .map((file) => file.slice(0, -".ts".length))
  .filter((name) => name.includes(only))
  .sort();
if (names.length === 0) throw new Error(`No benchmark is called "${only}"`);

const format = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

const print = (name: string, rows: readonly Row[]): void => {
  console.log(`\n${name}`);
  const table = rows.map(({ work, median, unit, against, ratio, target }) => [
    work,
    `${format(median)} ${unit}`,
    against ? `${format(against.median)} ${unit}  ${against.name}` : "",
    ratio === undefined ? "" : `× ${format(ratio)}`,
    target ? `${target.met ? "meets" : "MISSES"} ${target.text}` : "",
  ]);
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  for (const row of table)
    console.log(`  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join("   ")}`.trimEnd());
};

// With --json, standard output is one document.
if (json) console.log = console.error;
await build();
const results: Record<string, readonly Row[]> = {};
for (const name of names) {
  const { run } = (await import(join(import.meta.dir, `${name}.ts`))) as { run?(): Promise<Row[]> };
  // A file without it is something that benchmarks share.
  if (!run) continue;
  results[name] = await run();
  if (!json) print(name, results[name]);
}
if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
const missed = Object.values(results)
  .flat()
  .filter(({ target }) => target && !target.met);
process.exitCode = missed.length > 0 ? 1 : 0;
