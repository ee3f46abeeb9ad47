// npm run demo: from nothing to a running component with dist/loop alone, each command before its output.
// Owns the walk; refuses to explain (README.md does); called by npm.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "./build.ts";
import { executable } from "./executable.ts";
import { splitWords } from "./words.ts";

const walk = [
  "loop new component hello",
  "cd hello",
  "loop build",
  "loop run",
  `loop run --invoke 'greet("World")'`,
  "loop inspect",
];

const run = (line: string, cwd: string, env: Record<string, string>): void => {
  // Through PATH, as a person has it: the executable is all that is in that folder.
  const { exitCode } = Bun.spawnSync(splitWords(line), {
    cwd,
    env,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  });
  if (exitCode !== 0) throw new Error(`${line} ended with ${exitCode}`);
};

await build();
const temporary = mkdtempSync(join(tmpdir(), "loop-demo-"));
try {
  const env = {
    PATH: dirname(executable),
    HOME: temporary,
    XDG_DATA_HOME: join(temporary, "data"),
    XDG_CACHE_HOME: join(temporary, "cache"),
    TERM: process.env.TERM ?? "dumb",
  };
  let cwd = temporary;
  for (const line of walk) {
    console.log(`\n$ ${line}`);
    if (line.startsWith("cd ")) cwd = join(cwd, line.slice("cd ".length));
    else run(line, cwd, env);
  }
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
