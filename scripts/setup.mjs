// Makes node_modules match package-lock.json, then runs a script with the pinned Bun that npm brought.
// Plain Node 20 and nothing else: this runs before anything is installed.
// Called by every script of package.json: node scripts/setup.mjs scripts/check.ts --bless
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modules = join(root, "node_modules");

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
};

/**
 * What keeps node_modules from matching the lockfile, or undefined. npm writes down what it installed in
 * node_modules/.package-lock.json as its last step, so an interrupted install counts as none.
 */
const staleness = () => {
  const wanted = readJson(join(root, "package-lock.json"))?.packages;
  const installed = readJson(join(modules, ".package-lock.json"))?.packages;
  if (!wanted) throw new Error("There is no package-lock.json to install from");
  if (!installed) return "nothing is installed";
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === "" || entry.link) continue;
    const there = installed[path];
    // An optional package for another platform is absent, and that is right.
    if (!there && entry.optional) continue;
    if (there?.version !== entry.version || !existsSync(join(root, path)))
      return `${path} is not at ${entry.version}`;
  }
  return undefined;
};

const install = () => {
  const reason = staleness();
  if (!reason) return;
  console.error(`setup: npm ci (${reason})`);
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  // What this prints is not the script's output, so standard output goes to standard error.
  const done = spawnSync(npm, ["ci", "--no-audit", "--no-fund"], {
    cwd: root,
    stdio: ["ignore", process.stderr, process.stderr],
    shell: process.platform === "win32",
  });
  if (done.error) throw done.error;
  if (done.status !== 0) throw new Error(`npm ci ended with ${done.status ?? done.signal}`);
};

/**
 * The Bun executable. npm's `bun` package copies it into place in a postinstall script, which npm may be told
 * not to run; the platform's own package always holds it.
 */
const bun = () => {
  const wanted = readJson(join(root, "package.json")).devDependencies.bun;
  const platform = join(modules, "@oven");
  const candidates = [
    ...["bun.exe", "bun"].map((name) => join(modules, "bun/bin", name)),
    ...(existsSync(platform) ? readdirSync(platform) : []).flatMap((name) =>
      ["bun", "bun.exe"].map((file) => join(platform, name, "bin", file)),
    ),
  ];
  for (const path of candidates) {
    // Below a megabyte it is the package's placeholder.
    if (!existsSync(path) || statSync(path).size < 1024 * 1024) continue;
    const { stdout } = spawnSync(path, ["--version"], { encoding: "utf8" });
    if (stdout?.trim() === wanted) return path;
  }
  throw new Error(`npm brought no Bun ${wanted} that runs on ${process.platform} ${process.arch}`);
};

const run = (executable, argv) => {
  const child = spawn(executable, argv, { cwd: root, stdio: "inherit" });
  // A terminal sends Ctrl-C to both of us; the child decides what it means. What is sent to us alone goes on.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(error));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
};

const fail = (error) => {
  console.error(`setup: ${error.message}`);
  process.exit(1);
};

try {
  install();
  const [script, ...rest] = process.argv.slice(2);
  const executable = bun();
  if (script) run(executable, [join(root, script), ...rest]);
  else console.error(`setup: ready; Bun is ${executable}`);
} catch (error) {
  fail(error);
}
