// npm run build: everything that dist/loop is made of, then dist/loop; each step only where something changed.
// Owns the order of the two stages (knowledge/architecture.md says why there are two); refuses to know what is
// in them. Called by npm, check.ts, demo.ts and bench.ts.
//   bun scripts/build.ts [--force] [--stage]     --stage stops before the executable
import { statSync } from "node:fs";
import { compileExecutable, executable } from "./executable.ts";
import { fillStage } from "./stage.ts";

export const build = async ({ force = false, stageOnly = false } = {}): Promise<void> => {
  console.log("stage 1: the command components");
  await fillStage(force);
  if (stageOnly) return;
  const made = await compileExecutable(force);
  const mebibytes = (statSync(executable).size / 1024 / 1024).toFixed(0);
  console.log(`stage 2: ${made ? "compiled" : "fresh"} dist/loop (${mebibytes} MiB)`);
};

if (import.meta.main)
  await build({ force: process.argv.includes("--force"), stageOnly: process.argv.includes("--stage") });
