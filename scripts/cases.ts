// Command-line cases: folders below tests/cli and examples with a `cmd` file and what it should print.
// Owns running them, from source and with dist/loop, and rewriting their `expected` on --bless; refuses a shell
// where none is needed, so that a case means the same everywhere. Called by check.ts, or by hand:
//   bun scripts/cases.ts [--only NAME] [--source | --compiled] [--bless]
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { wasmTools } from "../src/contract/tools.ts";
import { filesBelow, root } from "./carried.ts";
import { executable } from "./executable.ts";
import { splitWords } from "./words.ts";

export type Mode = "source" | "compiled";
export interface Case {
  readonly name: string;
  readonly folder: string;
}
export interface CaseResult {
  readonly name: string;
  readonly mode: Mode;
  readonly passed: boolean;
  /** What a person reads when it failed. */
  readonly report: string;
}

/** One command may take this long, two busy cores included; the slowest builds a component. */
const commandTimeoutMs = 120_000;
const made = new Set(["build", "node_modules", "generated"]);

export const findCases = (only = ""): Case[] =>
  ["tests/cli", "examples"].flatMap((parent) => {
    const folder = join(root, parent);
    return (existsSync(folder) ? readdirSync(folder) : [])
      .filter((name) => existsSync(join(folder, name, "cmd")))
      .map((name) => ({ name: `${parent}/${name}`, folder: join(folder, name) }))
      .filter(({ name }) => name.includes(only))
      .sort((a, b) => a.name.localeCompare(b.name));
  });

/**
 * Runs one case in a folder of its own, with XDG folders of its own; only the cache, which is keyed by content,
 * is shared. The transcript of all its commands is compared byte for byte with `expected`.
 */
export const runCase = async (one: Case, mode: Mode, shared: string, bless: boolean): Promise<CaseResult> => {
  const temporary = realpathSync(mkdtempSync(join(tmpdir(), "loop-case-")));
  try {
    const actual = await transcript(one, mode, shared, temporary);
    const path = join(one.folder, "expected");
    if (bless) writeFileSync(path, actual);
    const expected = existsSync(path) ? readFileSync(path, "utf8") : "";
    const passed = actual === expected;
    return { name: one.name, mode, passed, report: passed ? "" : difference(expected, actual) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
};

const transcript = async (one: Case, mode: Mode, shared: string, temporary: string): Promise<string> => {
  const work = join(temporary, "work");
  await copySetup(one, work);
  const env: Record<string, string> = {
    PATH: `${launcher(mode, temporary)}:/usr/bin:/bin`,
    HOME: join(temporary, "home"),
    XDG_DATA_HOME: join(temporary, "data"),
    XDG_CACHE_HOME: join(shared, mode),
    TMPDIR: join(temporary, "tmp"),
    LANG: "C.UTF-8",
    TERM: "dumb",
  };
  for (const name of ["HOME", "TMPDIR"]) mkdirSync(env[name]!, { recursive: true });
  let cwd = work;
  const parts: string[] = [];
  for (const line of readFileSync(join(one.folder, "cmd"), "utf8").split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    parts.push(`$ ${line}\n`);
    const words = splitWords(line);
    if (words[0] === "cd") cwd = resolve(cwd, words[1]!);
    else if (words[0] === "env") Object.assign(env, Object.fromEntries(words.slice(1).map(assignment)));
    else parts.push(normalise(await command(line, words, cwd, env), temporary));
  }
  return parts.join("");
};

/** The case's own files; a .wat among them has its binary beside it. */
const copySetup = async ({ folder }: Case, work: string): Promise<void> => {
  const files = existsSync(join(folder, "files")) ? join(folder, "files") : folder;
  mkdirSync(work);
  cpSync(files, work, {
    recursive: true,
    filter: (path) =>
      !made.has(
        path
          .slice(files.length + 1)
          .split("/")
          .at(-1)!,
      ),
  });
  for (const name of ["cmd", "expected"]) rmSync(join(work, name), { force: true });
  for (const path of filesBelow(work).filter((name) => name.endsWith(".wat"))) {
    const { parse } = await wasmTools();
    const text = readFileSync(join(work, path), "utf8");
    // A project's own source is its builder's work, not ours.
    if (!path.startsWith("src/") && !path.includes("/src/"))
      writeFileSync(join(work, `${path.slice(0, -".wat".length)}.wasm`), await parse(text));
  }
};

/** A folder for PATH with `loop` in it; nothing else of this machine's tools is there, neither Bun nor Node. */
const launcher = (mode: Mode, temporary: string): string => {
  const folder = join(temporary, "bin");
  mkdirSync(folder);
  const words = mode === "compiled" ? [executable] : [process.execPath, join(root, "src/main.ts")];
  const quoted = words.map((word) => `'${word}'`).join(" ");
  writeFileSync(join(folder, "loop"), `#!/bin/sh\nexec ${quoted} "$@"\n`);
  chmodSync(join(folder, "loop"), 0o755);
  return folder;
};

const assignment = (text: string): [string, string] => {
  const at = text.indexOf("=");
  return [text.slice(0, at), text.slice(at + 1)];
};

/** `loop …`, with `< FILE` at its end for standard input; or `sh …`, where a pipe is what is tested. */
const command = async (
  line: string,
  words: string[],
  cwd: string,
  env: Record<string, string>,
): Promise<string> => {
  if (words[0] !== "loop" && words[0] !== "sh")
    throw new Error(`A case knows loop, cd, env and sh, not "${words[0]}"`);
  const input = words.at(-2) === "<" ? words.splice(-2)[1]! : undefined;
  const argv = words[0] === "sh" ? ["/bin/sh", "-c", line.slice("sh ".length)] : words;
  const started = Bun.spawn(argv, {
    cwd,
    env,
    stdin: input === undefined ? "ignore" : Bun.file(resolve(cwd, input)),
    stdout: "pipe",
    stderr: "pipe",
    timeout: commandTimeoutMs,
    killSignal: "SIGKILL",
  });
  const [out, err, code] = await Promise.all([
    new Response(started.stdout).text(),
    new Response(started.stderr).text(),
    started.exited,
  ]);
  return [
    whole(out),
    err === "" ? "" : `--- standard error\n${whole(err)}`,
    code === 0 ? "" : `--- exit ${started.signalCode ?? code}\n`,
  ].join("");
};

const whole = (text: string): string =>
  text === "" || text.endsWith("\n") ? text : `${text}\n--- no line end\n`;

/** What differs from run to run and from machine to machine is named instead of shown. */
const normalise = (text: string, temporary: string): string =>
  text
    .replaceAll(join(temporary, "work"), "<work>")
    .replaceAll(temporary, "<temporary>")
    .replaceAll(root, "<repository>")
    .replace(/\b[0-9a-f]{64}\b/g, "<digest>")
    .replace(/("(?:duration|start)Ms": )[\d.]+/g, "$1<time>")
    // A component's size follows its toolchain's version and nothing that a case is about.
    .replace(/("bytes": )\d+/g, "$1<bytes>")
    .replace(/\(\d+(\.\d+)? [kMG]?B\)/g, "(<size>)")
    .replace(/\b\d+(\.\d+)? ?(ms|µs)/g, "<time>")
    .replace(/\b\d+\.\d+ ?s\b/g, "<time>");

/** The first line that differs, with a little before it. */
const difference = (expected: string, actual: string): string => {
  const [want, got] = [expected.split("\n"), actual.split("\n")];
  const at = got.findIndex((line, index) => line !== want[index]);
  const from = at < 0 ? got.length : at;
  const shown = (lines: string[], mark: string) =>
    lines
      .slice(from, from + 12)
      .map((line) => `  ${mark} ${line}`)
      .join("\n");
  const before = got.slice(Math.max(0, from - 4), from).map((line) => `    ${line}`);
  return `${before.join("\n")}\n${shown(want, "-")}\n${shown(got, "+")}`;
};

/** All cases of one mode, two at a time: the machines this runs on have two cores. */
export const runCases = async (
  cases: readonly Case[],
  mode: Mode,
  bless: boolean,
  onResult: (result: CaseResult) => void,
): Promise<void> => {
  const shared = mkdtempSync(join(tmpdir(), "loop-cases-"));
  const queue = [...cases];
  const work = async () => {
    for (let one = queue.shift(); one; one = queue.shift())
      onResult(
        await runCase(one, mode, shared, bless).catch((error) => ({
          name: one!.name,
          mode,
          passed: false,
          report: String(error?.stack ?? error),
        })),
      );
  };
  try {
    await Promise.all([work(), work()]);
  } finally {
    rmSync(shared, { recursive: true, force: true });
  }
};

if (import.meta.main) {
  const argv = process.argv.slice(2);
  const has = (flag: string) => argv.includes(`--${flag}`);
  const only = has("only") ? argv[argv.indexOf("--only") + 1]! : "";
  const modes: Mode[] = has("source") ? ["source"] : has("compiled") ? ["compiled"] : ["source", "compiled"];
  let failed = 0;
  let passed = 0;
  for (const mode of modes)
    await runCases(findCases(only), mode, has("bless") && mode === modes[0], (result) => {
      if (result.passed) passed++;
      else failed++;
      console.log(`${result.passed ? "ok  " : "FAIL"} ${result.mode} ${result.name}`);
      if (!result.passed) console.log(result.report);
    });
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}
