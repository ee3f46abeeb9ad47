// npm test: everything there is to check, and one closing line, `N passed, N failed`, which counts what really
// ran. Owns the order and the counting; refuses to stop at the first failure. Called by npm and .ci/run.
//   bun scripts/check.ts [--bless]     --bless rewrites the `expected` of command-line cases and examples
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "./build.ts";
import { filesBelow, root } from "./carried.ts";
import { findCases, type Mode, runCases } from "./cases.ts";
import { checkTemplates } from "./templates.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

// What is built and run here must not touch the XDG folders of whoever runs it.
const state = mkdtempSync(join(tmpdir(), "loop-check-"));
process.on("exit", () => rmSync(state, { recursive: true, force: true }));
process.env.XDG_DATA_HOME = join(state, "data");
process.env.XDG_CACHE_HOME = join(state, "cache");

const totals: Counts = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

const record = (name: string, passed: boolean, report = ""): void => {
  if (passed) totals.passed++;
  else {
    totals.failed++;
    failures.push(name);
    console.log(`FAIL ${name}${report && `\n${report}`}`);
  }
};

/** Runs one part under a heading with its time; a part that throws is one failure, and the rest goes on. */
const part = async (name: string, work: () => Promise<void> | void): Promise<void> => {
  const startedMs = performance.now();
  console.log(`\n== ${name}`);
  try {
    await work();
  } catch (error) {
    record(name, false, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const { passed, failed } = totals;
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`   ${seconds} s; so far ${passed} passed, ${failed} failed`);
};

/** A tool that answers with its exit code alone: one check. */
const tool = async (name: string, argv: string[], cwd = root): Promise<void> => {
  const child = Bun.spawn(argv, { cwd, stdout: "pipe", stderr: "pipe", env: process.env });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  record(name, (await child.exited) === 0, `${out}${err}`.trim());
};

// The script of a package is run with our own Bun: on a machine with an old Node it then runs all the same.
const bin = (name: string): string => join(root, "node_modules", name);
const tsc = [process.execPath, bin("typescript/bin/tsc"), "--noEmit", "-p"];
const biome = [process.execPath, bin("@biomejs/biome/bin/biome"), "check", "--error-on-warnings"];

/** Guest projects have their own tsconfig.json; the typings that a build makes for them are checked with them. */
const guestProjects = (): string[] =>
  ["src/commands", "examples"].flatMap((folder) =>
    filesBelow(join(root, folder), new Set(["node_modules", "build"]))
      .filter((path) => path.endsWith("tsconfig.json"))
      .map((path) => join(folder, dirname(path))),
  );

/** Unit tests, counted by Bun itself. A file that does not load fails its run without failing a test. */
const unitTests = async (): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "loop-tests-"));
  try {
    const report = join(folder, "junit.xml");
    const child = Bun.spawn(
      [process.execPath, "test", "./src", "./scripts", "./tests", "./benchmarks"].concat(
        // A busy machine is slow, and slowness alone is no failure.
        ["--timeout=60000", "--parallel=2", "--reporter=junit", `--reporter-outfile=${report}`],
      ),
      { cwd: root, stdout: "inherit", stderr: "inherit", env: { ...process.env, NO_COLOR: "1" } },
    );
    const code = await child.exited;
    const counts = junitCounts(readFileSync(report, "utf8"));
    totals.passed += counts.passed;
    totals.failed += counts.failed;
    totals.skipped += counts.skipped;
    if (counts.failed > 0) failures.push(`${counts.failed} unit tests`);
    else if (code !== 0) record("unit tests", false, `bun test ended with ${code}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const junitCounts = (xml: string): Counts => {
  const [head = ""] = /<testsuites [^>]*>/.exec(xml) ?? [];
  const attribute = (name: string) => Number(new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const [tests, failed, skipped] = ["tests", "failures", "skipped"].map(attribute) as [
    number,
    number,
    number,
  ];
  return { passed: tests - failed - skipped, failed, skipped };
};

const cases = (mode: Mode, bless: boolean) => () =>
  runCases(findCases(), mode, bless, ({ name, passed, report }) => {
    record(`${name} (${mode})`, passed, report);
    if (passed) console.log(`ok   ${name}`);
  });

const bless = process.argv.includes("--bless");
await part("build", async () => {
  await build({ stageOnly: true });
  record("stage 1", true);
});
await part("types", async () => {
  await tool("tsc .", [...tsc, "."]);
  for (const project of guestProjects()) {
    // Commands were built in stage 1; examples are built where they lie.
    if (project.startsWith("examples/"))
      await tool(`loop build, ${project}`, [process.execPath, join(root, "src/main.ts"), "build", project]);
    await tool(`tsc ${project}`, [...tsc, project]);
  }
});
await part("lint", () => tool("biome", biome));
// Some unit tests start it too.
await part("executable", async () => {
  await build();
  record("stage 2", true);
});
await part("unit tests", unitTests);
await part("command line, from source", cases("source", bless));
await part("command line, dist/loop", cases("compiled", false));
await part("templates", () => checkTemplates(record, tsc));
if (failures.length > 0) console.log(`\nFailed:\n${failures.map((name) => `  ${name}`).join("\n")}`);
const { passed, failed, skipped } = totals;
console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exitCode = failed > 0 ? 1 : 0;
