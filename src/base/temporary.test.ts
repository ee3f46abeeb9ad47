import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { inTemporaryFolder } from "./temporary.ts";

test("a temporary folder is there for the work and gone after it", async () => {
  const folder = await inTemporaryFolder("loop-test-", async (path) => {
    expect(existsSync(path)).toBe(true);
    return path;
  });
  expect(existsSync(folder)).toBe(false);
});

test("it is gone after work that fails", async () => {
  let folder = "";
  const failing = inTemporaryFolder("loop-test-", async (path) => {
    folder = path;
    throw new Error("no");
  });
  expect(failing).rejects.toThrow("no");
  await failing.catch(() => {});
  expect(existsSync(folder)).toBe(false);
});

test("it is gone when the program ends meanwhile", () => {
  const program = `
    import { inTemporaryFolder } from ${JSON.stringify(join(import.meta.dir, "temporary.ts"))};
    void inTemporaryFolder("loop-test-", async (path) => { console.log(path); await new Promise(() => {}); });
    setTimeout(() => process.exit(3), 10);
  `;
  const { stdout, exitCode } = Bun.spawnSync([process.execPath, "-e", program]);
  expect(exitCode).toBe(3);
  expect(`${stdout}`).toContain("loop-test-");
  expect(existsSync(`${stdout}`.trim())).toBe(false);
});
