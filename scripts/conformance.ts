// Runs component-model .wast scripts against loop-kit's own linker: bun scripts/conformance.ts DIR|FILE…
// With --replayed every instance is made by the recipe that a first one left, as all but the first are.
// Prints a line for each failure, each kind of skip with its reason, and the counts; exits 1 on a failure.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Report, runScript } from "./conformance/script.ts";

const scriptsIn = (path: string): string[] =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .sort()
        .flatMap((name) => scriptsIn(join(path, name)))
    : path.endsWith(".wast")
      ? [path]
      : [];

const runFile = async (path: string, replayed: boolean): Promise<Report[]> => {
  try {
    return await runScript(readFileSync(path, "utf8"), replayed);
  } catch (error) {
    return [{ line: 1, outcome: "failed", why: error instanceof Error ? error.message : String(error) }];
  }
};

const main = async (paths: readonly string[]): Promise<number> => {
  if (paths.length === 0) {
    console.error("Usage: bun scripts/conformance.ts [--verbose] [--replayed] DIR|FILE…");
    return 2;
  }
  const verbose = paths.includes("--verbose");
  const replayed = paths.includes("--replayed");
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const file of paths.filter((path) => !path.startsWith("--")).flatMap(scriptsIn)) {
    const reports = await runFile(file, replayed);
    for (const { outcome } of reports) counts[outcome]++;
    for (const { line, outcome, why } of reports)
      if (outcome === "failed" || (outcome === "skipped" && verbose))
        console.log(`${outcome} ${file}:${line} ${why}`);
    if (!verbose) printSkips(file, reports);
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 ? 1 : 0;
};

/** One line for each reason in a file. */
const printSkips = (file: string, reports: readonly Report[]): void => {
  const reasons = new Map<string, number[]>();
  for (const { line, outcome, why } of reports) {
    if (outcome !== "skipped") continue;
    const reason = why.slice(why.indexOf(": ") + 2);
    reasons.set(reason, [...(reasons.get(reason) ?? []), line]);
  }
  for (const [reason, lines] of reasons)
    console.log(
      `skipped ${file}:${lines[0]}${lines.length > 1 ? ` and ${lines.length - 1} more` : ""} ${reason}`,
    );
};

process.exitCode = await main(process.argv.slice(2));
