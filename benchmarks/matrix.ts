import { rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { executable } from "../scripts/executable.ts";
import { type Contender, interleave, type Row, spawn, versus } from "./measure.ts";
import { helloComponent, jco, nodeEnv, wasmtimePython, wasmtimeVersion, withFolder } from "./peers.ts";

// The same component in every runtime at hand: whole processes, nothing kept between them but what each runtime
// keeps by itself. Writes runtime-matrix.md beside this file.

const languages = ["typescript", "c", "wat"];

interface Runtime extends Contender {
  /** As a person would type it. */
  readonly command: string;
}

const runtimesFor = (file: string, folder: string, env: Record<string, string>): Runtime[] => {
  const cache = join(folder, "cache");
  const node = nodeEnv(env);
  const wasmtime = wasmtimePython();
  const script = join(import.meta.dir, "peer.py");
  return [
    {
      name: "loop, never seen",
      command: "rm -r $XDG_CACHE_HOME/loop; loop run FILE",
      once() {
        rmSync(cache, { recursive: true, force: true });
        return clocked(() => spawn([executable, "run", file], { env }));
      },
    },
    {
      name: "loop",
      command: "loop run FILE",
      // The cache that the contender before this one has just filled.
      once: () => spawn([executable, "run", file], { env }),
    },
    {
      name: "jco on Node",
      command: "node node_modules/.bin/jco run FILE",
      once: () => spawn(["node", jco, "run", file], { env: node }),
    },
    {
      name: "jco on Bun",
      command: "bun --bun node_modules/.bin/jco run FILE",
      once: () => spawn([process.execPath, "--bun", jco, "run", file], { env }),
    },
    ...("python" in wasmtime
      ? [
          {
            name: "wasmtime, never seen",
            command: "python benchmarks/peer.py --cold FILE",
            once: () => spawn([wasmtime.python, script, "--cold", file], { env }),
          },
          {
            name: "wasmtime",
            command: "python benchmarks/peer.py FILE",
            once: () => spawn([wasmtime.python, script, file], { env }),
          },
        ]
      : []),
  ];
};

const clocked = (work: () => void): number => {
  const startMs = performance.now();
  work();
  return performance.now() - startMs;
};

export const run = (): Promise<Row[]> =>
  withFolder(async (folder, env) => {
    const rows: Row[] = [];
    const columns: [string, ReadonlyMap<string, number>][] = [];
    let runtimes: Runtime[] = [];
    for (const language of languages) {
      const file = helloComponent(language, folder, env);
      runtimes = runtimesFor(file, folder, env);
      const medians = await interleave(runtimes, { rounds: 9, warm: 1 });
      columns.push([language, medians]);
      for (const { name } of runtimes.slice(2)) rows.push(versus(`${language} hello`, medians, "loop", name));
    }
    writeFileSync(join(import.meta.dir, "runtime-matrix.md"), document(runtimes, columns));
    return rows;
  });

const document = (runtimes: readonly Runtime[], columns: [string, ReadonlyMap<string, number>][]): string => {
  const wasmtime = wasmtimePython();
  const versions = [
    `Bun ${Bun.version}`,
    `Node ${spawn(["node", "--version"]).trim().slice(1)}`,
    `jco ${spawn(["node", jco, "--version"]).trim()}`,
    ...("python" in wasmtime ? [`wasmtime ${wasmtimeVersion} (its Python package)`] : []),
  ];
  return `# One component, several runtimes

Whole processes, from start to end, medians in milliseconds. Every runtime took its turn in the same run, so a busy
machine was busy for all. The components are what \`loop new component hello --lang …\` makes, built.

Written by \`npm run bench -- --only matrix\` on ${cpus().length} cores (${cpus()[0]?.model.trim()}), Linux:
${versions.join(", ")}.

| runtime | ${columns.map(([language]) => language).join(" | ")} |
|---|${columns.map(() => "---:|").join("")}
${runtimes.map(({ name }) => `| ${name} | ${columns.map(([, medians]) => medians.get(name)!.toFixed(1)).join(" | ")} |`).join("\n")}

| runtime | command |
|---|---|
${runtimes.map(({ name, command }) => `| ${name} | \`${command}\` |`).join("\n")}

"Never seen" is the first run of a component: linking, or compiling to machine code, is in it. The other line of the
same runtime finds what the first run kept. jco keeps nothing between runs.

On Node 20 jco is given \`JCO_RUN_ARGS=--experimental-wasm-extended-const\`, without which that Node does not compile the
QuickJS of TypeScript components.

${
  "absent" in wasmtime
    ? `wasmtime is missing: its Python package could not be installed (${wasmtime.absent}).`
    : "The start of Python, 10 to 20 ms, is in the lines of wasmtime."
}
`;
};
