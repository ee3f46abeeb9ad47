import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { root } from "./carried.ts";
import { executable } from "./executable.ts";

type Record = (name: string, passed: boolean, report?: string) => void;

/** Every template becomes a project that builds, runs and satisfies its own type checker, with dist/loop alone. */
export const checkTemplates = async (record: Record, tsc: readonly string[]): Promise<void> => {
  for (const template of readdirSync(join(root, "templates")).sort()) {
    const temporary = mkdtempSync(join(tmpdir(), "loop-template-"));
    try {
      checkTemplate(template, temporary, record, tsc);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
};

const checkTemplate = (template: string, temporary: string, record: Record, tsc: readonly string[]): void => {
  const folder = join(root, "templates", template);
  const about = parse(readFileSync(join(folder, "template.toml"), "utf8"));
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: temporary,
    XDG_DATA_HOME: join(temporary, "data"),
    XDG_CACHE_HOME: join(temporary, "cache"),
  };
  const run = (argv: readonly string[], cwd: string): boolean => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([...argv], {
      cwd,
      stdout: "pipe",
      stderr: "pipe",
      env,
    });
    const words = argv.map((word) => word.replace(`${root}/`, "")).join(" ");
    record(`template ${template}: ${words}`, exitCode === 0, `${stdout}${stderr}`);
    return exitCode === 0;
  };
  const project = join(temporary, "probe");
  const words = ["new", String(about.kind), "probe", "--template", String(about.name)];
  if (!run([executable, ...words], temporary)) return;
  install(folder, project);
  if (!run([executable, "build"], project)) return;
  // Flags with which it runs where nobody looks on.
  run(
    [
      executable,
      "run",
      ...String(about.check ?? "")
        .split(" ")
        .filter(Boolean),
    ],
    project,
  );
  if (existsSync(join(project, "tsconfig.json"))) run([...tsc, "."], project);
};

/** What `npm install` would do in a project with dependencies: here they are those of this repository. */
const install = (folder: string, project: string): void => {
  const path = join(folder, "package.json");
  if (!existsSync(path)) return;
  const { dependencies, devDependencies } = JSON.parse(readFileSync(path, "utf8"));
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const place = join(project, "node_modules", name);
    mkdirSync(join(place, ".."), { recursive: true });
    symlinkSync(join(root, "node_modules", name), place);
  }
};
