import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./carried.ts";
import { executable } from "./executable.ts";

type Record = (name: string, passed: boolean, report?: string) => void;

/** Every template becomes a project that builds, runs and satisfies its own type checker, with dist/loop alone. */
export const checkTemplates = async (record: Record, tsc: readonly string[]): Promise<void> => {
  for (const template of readdirSync(join(root, "templates")).sort()) {
    const [kind, ...language] = template.split("-");
    const temporary = mkdtempSync(join(tmpdir(), "loop-template-"));
    const run = (argv: readonly string[], cwd: string): boolean => {
      const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], {
        cwd,
        stdout: "pipe",
        stderr: "pipe",
        env: {
          PATH: "/usr/bin:/bin",
          HOME: temporary,
          XDG_DATA_HOME: join(temporary, "data"),
          XDG_CACHE_HOME: join(temporary, "cache"),
        },
      });
      const words = argv.map((word) => word.replace(`${root}/`, "")).join(" ");
      record(`template ${template}: ${words}`, exitCode === 0, `${stdout}${stderr}`);
      return exitCode === 0;
    };
    try {
      const project = join(temporary, "probe");
      const made = [executable, "new", kind!, "probe", "--lang", language.join("-")];
      if (!run(made, temporary) || !run([executable, "build"], project)) continue;
      run([executable, "run"], project);
      if (existsSync(join(project, "tsconfig.json"))) run([...tsc, "."], project);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
};
