import { executable } from "../scripts/executable.ts";
import { interleave, type Row, spawn, versus } from "./measure.ts";
import { helloComponent, jco, nodeEnv, smallestProgram, withFolder } from "./peers.ts";

/** How long a person waits for loop to begin: whole processes, start to end. */
export const run = (): Promise<Row[]> =>
  withFolder(async (folder, env) => {
    const smallest = smallestProgram(folder);
    const bare = await interleave(
      [
        { name: "smallest program", once: () => spawn([smallest], { env }) },
        { name: "--version", once: () => spawn([executable, "--version"], { env }) },
        { name: "--help", once: () => spawn([executable, "--help"], { env }) },
      ],
      { rounds: 40, warm: 5 },
    );
    const hello = helloComponent("typescript", folder, env);
    const node = nodeEnv(env);
    const runs = await interleave([
      { name: "loop run", once: () => spawn([executable, "run", hello], { env }) },
      { name: "jco run", once: () => spawn(["node", jco, "run", hello], { env: node }) },
    ]);
    // What a run was before loop had a linker of its own: jco's glue for everything, found in the cache.
    const linkers = await interleave(
      [
        { name: "own linker", once: () => spawn([executable, "run", hello], { env }) },
        { name: "--linker=jco", once: () => spawn([executable, "--linker=jco", "run", hello], { env }) },
      ],
      { rounds: 15, warm: 2 },
    );
    return [
      versus("loop --version", bare, "--version", "smallest program", 1.5),
      versus("loop --help", bare, "--help", "smallest program"),
      versus("loop run, TypeScript hello, warm", runs, "loop run", "jco run", 0.12),
      versus("loop run, TypeScript hello, warm, by linker", linkers, "own linker", "--linker=jco", 1 / 1.3),
    ];
  });
