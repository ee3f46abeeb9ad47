// Runs WASI test programs through `loop run`: bun scripts/suite.ts [OPTION…] DIR…
// A folder is in wasi-testsuite's layout, NAME.wasm with or without NAME.json (scripts/suite/spec.ts). Programs that
// have no specification get what the options say. Prints a line for each failure and skip, and the counts last; exits
// 1 on a failure. Refuses to need anything of those suites in this repository, or to write into their folders.
import { existsSync, readdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Fault } from "../src/base/fault.ts";
import { inTemporaryFolder } from "../src/base/temporary.ts";
import { executable } from "./executable.ts";
import { type Outcome, runProgram } from "./suite/session.ts";
import { type Plain, readSpec } from "./suite/spec.ts";

const usage = `Usage: bun scripts/suite.ts [OPTION…] DIR…
  --loop COMMAND    what runs a program (dist/loop)
  --only TEXT       programs whose name has TEXT in it; may be repeated
  --skip NAME=WHY   leaves a program out, and says why; may be repeated
  --jobs N          so many at once (2)
  --timeout S       seconds that a program has (60)
  --verbose         a line for what passed as well
For programs without a specification:
  --scratch GUEST   an empty folder of its own, granted under this name
  --arg TEXT        an argument; may be repeated
  --env NAME=VALUE  a variable; may be repeated
  --grant FLAG      a flag of loop run as it is; may be repeated`;

const programsIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".wasm"))
    .sort()
    .map((name) => join(folder, name));

const main = async (argv: readonly string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      loop: { type: "string", default: executable },
      only: { type: "string", multiple: true, default: [] },
      skip: { type: "string", multiple: true, default: [] },
      jobs: { type: "string", default: "2" },
      timeout: { type: "string", default: "60" },
      verbose: { type: "boolean", default: false },
      scratch: { type: "string" },
      arg: { type: "string", multiple: true, default: [] },
      env: { type: "string", multiple: true, default: [] },
      grant: { type: "string", multiple: true, default: [] },
    },
  });
  const absent = positionals.filter((folder) => !existsSync(folder));
  if (positionals.length === 0 || absent.length > 0) {
    console.error(absent.length > 0 ? `No folder at ${absent.join(", ")}\n${usage}` : usage);
    return 2;
  }
  const plain: Plain = { scratch: values.scratch, args: values.arg, env: values.env, flags: values.grant };
  const skips = new Map(values.skip.map((text) => [text.split("=")[0]!, text.replace(/^[^=]*=?/, "")]));
  const programs = positionals
    .map((folder) => resolve(folder))
    .flatMap(programsIn)
    .filter((path) => values.only.length === 0 || values.only.some((text) => basename(path).includes(text)));
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const report = (path: string, { result, why }: Outcome): void => {
    counts[result]++;
    if (result !== "passed" || values.verbose) console.log(`${result} ${path}${why && `: ${why}`}`);
  };
  const command = values.loop
    .split(" ")
    .map((word, at) => (at === 0 && word.includes("/") ? resolve(word) : word));
  const timeoutMs = Number(values.timeout) * 1000;
  await inTemporaryFolder("loop-suite-", async (state) => {
    const queue = [...programs];
    const work = async (): Promise<void> => {
      for (let path = queue.shift(); path; path = queue.shift())
        report(path, await one(path, { plain, skips, command, timeoutMs, state }));
    };
    await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  });
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 ? 1 : 0;
};

interface Setting {
  readonly plain: Plain;
  readonly skips: ReadonlyMap<string, string>;
  readonly command: readonly string[];
  readonly timeoutMs: number;
  readonly state: string;
}

const one = async (path: string, { plain, skips, ...rest }: Setting): Promise<Outcome> => {
  const why = skips.get(basename(path, ".wasm"));
  if (why !== undefined) return { result: "skipped", why };
  try {
    return await runProgram(path, readSpec(path, plain), rest);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { result: "failed", why: error.message };
  }
};

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
