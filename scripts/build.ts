// npm run build: everything that dist/loop is made of, then dist/loop; each step only where something changed.
// Owns the order of the two stages (knowledge/architecture.md says why there are two); refuses to know what is
// in them. Called by npm, check.ts, demo.ts and bench.ts.
//   bun scripts/build.ts [--force] [--stage] [--sdl PATH] [--webgpu PATH]
// --stage stops before the executable; PATH is the SDL 2 library that it carries, else LOOP_SDL or what npm brought;
// that of --webgpu draws into windows, else LOOP_WEBGPU, else none is carried
import { statSync } from "node:fs";
import { compileExecutable, executable } from "./executable.ts";
import { fillStage } from "./stage.ts";

interface BuildOptions {
  readonly force?: boolean;
  readonly stageOnly?: boolean;
  readonly sdl?: string | undefined;
  readonly webgpu?: string | undefined;
}

export const build = async ({
  force = false,
  stageOnly = false,
  sdl,
  webgpu,
}: BuildOptions = {}): Promise<void> => {
  console.log("stage 1: the command components");
  await fillStage(force, {
    sdl: sdl ?? (process.env.LOOP_SDL || undefined),
    webgpu: webgpu ?? (process.env.LOOP_WEBGPU || undefined),
  });
  if (stageOnly) return;
  const made = await compileExecutable(force);
  const mebibytes = (statSync(executable).size / 1024 / 1024).toFixed(0);
  console.log(`stage 2: ${made ? "compiled" : "fresh"} dist/loop (${mebibytes} MiB)`);
};

if (import.meta.main) {
  const words = process.argv;
  const after = (flag: string) => {
    const at = words.indexOf(flag);
    return at < 0 ? undefined : words[at + 1];
  };
  await build({
    force: words.includes("--force"),
    stageOnly: words.includes("--stage"),
    sdl: after("--sdl"),
    webgpu: after("--webgpu"),
  });
}
