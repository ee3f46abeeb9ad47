import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BuildServices, buildProvider } from "./index.ts";

test("a folder that is not there is refused, and the project above it is not built for it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "loop-build-"));
  writeFileSync(join(folder, "loop.toml"), '[component]\nname = "above"\n');
  const services = {
    folder,
    interruptible: () => {
      throw new Error("It was built");
    },
  } as unknown as BuildServices;
  try {
    const builds = buildProvider(services).instantiate({} as never) as Record<
      string,
      Record<string, unknown>
    >;
    const build = builds["loop:build/builds@0.1.0"]!.build as (...args: unknown[]) => Promise<unknown>;
    const error = await build("absent", false).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      payload: { code: "LK0101", message: `No folder at ${join(folder, "absent")}` },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
