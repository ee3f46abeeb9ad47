import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { embeddedName } from "../src/base/resources.ts";
import { besideCode, carriedFiles, filesBelow, root, stage } from "./carried.ts";
import { licenseText } from "./licenses.ts";

// Stage 2: the sources and everything staged → dist/loop.

const entry = join(root, "src/main.ts");
/** What is started by its name, beside that: a thread of its own. */
const thread = join(root, "src/app/sentry.ts");
export const executable = join(root, "dist", process.platform === "win32" ? "loop.exe" : "loop");
const flat = join(root, "build/flat");
const stampPath = join(root, "build/executable.stamp");

/** Compiles dist/loop where anything that goes into it has changed; answers whether it did. */
export const compileExecutable = async (force: boolean): Promise<boolean> => {
  await Bun.write(join(stage, "licenses.txt"), await licenses());
  const stamp = stampOf();
  if (!force && existsSync(executable) && existsSync(stampPath) && readFileSync(stampPath, "utf8") === stamp)
    return false;
  flatten();
  const made = `${executable}.${process.pid}.tmp`;
  mkdirSync(dirname(executable), { recursive: true });
  const compiler = Bun.spawnSync(
    [
      process.execPath,
      "build",
      "--compile",
      "--minify",
      // The entry stays tiny and every command loads its own chunk: start-up is then that of an empty program.
      "--splitting",
      // Parsed when it is built, not at every start: that halves what loading the chunks costs.
      "--bytecode",
      "--format=esm",
      // Nothing in the folder where a person runs loop may change what loop is.
      "--no-compile-autoload-dotenv",
      "--no-compile-autoload-bunfig",
      "--asset-naming=[name].[ext]",
      "--entry-naming=[name].[ext]",
      entry,
      thread,
      ...filesBelow(flat).map((name) => join(flat, name)),
      "--outfile",
      made,
    ],
    { cwd: root, stdout: "pipe", stderr: "pipe" },
  );
  if (compiler.exitCode !== 0) {
    rmSync(made, { force: true });
    throw new Error(`bun build ended with ${compiler.exitCode}:\n${compiler.stdout}${compiler.stderr}`);
  }
  renameSync(made, executable);
  writeFileSync(stampPath, stamp);
  return true;
};

/** What the bundler takes says whose licences apply; compiled in its own pass, as the text is carried too. */
const licenses = async (): Promise<string> => {
  const built = await Bun.build({
    entrypoints: [entry],
    target: "bun",
    splitting: true,
    metafile: true,
    // As compiling does: what is for other platforms is left out, and need not be installed.
    define: { "process.platform": `"${process.platform}"`, "process.arch": `"${process.arch}"` },
    minify: { syntax: true },
  });
  const { inputs } = built.metafile as { inputs: Record<string, unknown> };
  const bundled = Object.keys(inputs).map((path) => resolve(root, path));
  return licenseText([
    ...bundled.filter((path) => path.includes("/node_modules/")),
    ...adapterPaths(),
    ...besideCode(),
  ]);
};

/** jco's preview 1 adapters: from a package that is not bundled, so listed here. */
export const adapterPaths = (): string[] =>
  ["command", "reactor"].map((kind) =>
    join(root, `node_modules/@bytecodealliance/jco/lib/wasi_snapshot_preview1.${kind}.wasm`),
  );

/** Every carried file in one folder under its embedded name. */
const flatten = (): void => {
  rmSync(flat, { recursive: true, force: true });
  mkdirSync(flat, { recursive: true });
  for (const [name, path] of carriedFiles()) copyFileSync(path, join(flat, embeddedName(name)));
  for (const path of besideCode()) copyFileSync(path, join(flat, basename(path)));
};

/** One digest over everything that goes in. */
const stampOf = (): string => {
  const hasher = new Bun.CryptoHasher("sha256").update(Bun.version);
  const sources = filesBelow(join(root, "src"))
    .filter((path) => !path.startsWith("commands/") && !path.endsWith(".test.ts"))
    .map((path) => join(root, "src", path));
  const build = ["package.json", "package-lock.json", "scripts/executable.ts", "scripts/carried.ts"];
  for (const path of [...sources, ...build.map((name) => join(root, name)), ...carriedFiles().values()]) {
    const bytes = readFileSync(path);
    hasher.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hasher.digest("hex");
};
