/**
 * The engine's program as one text: called as a macro, so it is bundled when loop is built and carried in the
 * code. Bun lets no macro call Bun.build, hence the command.
 */
export const engineProgram = (): string => {
  const built = Bun.spawnSync(
    [process.execPath, "build", `${import.meta.dir}/engine.ts`, "--target=bun", "--minify"],
    { env: { ...process.env, BUN_BE_BUN: "1" } },
  );
  if (built.exitCode !== 0) throw new Error(`The storage engine does not build:\n${built.stderr}`);
  return built.stdout.toString();
};
