// Ctrl-C in the middle of a build, at many moments: nothing half-written, nothing left over, exit code 130.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../src/base/digest.ts";

const root = join(import.meta.dir, "..");
const temporary = realpathSync(mkdtempSync(join(tmpdir(), "loop-interrupt-")));
const project = join(temporary, "hello");
const scratch = join(temporary, "tmp");

const loop = (cwd: string, ...words: string[]) =>
  Bun.spawn([process.execPath, join(root, "src/main.ts"), ...words], {
    cwd,
    env: {
      PATH: "/usr/bin:/bin",
      HOME: temporary,
      TMPDIR: scratch,
      XDG_DATA_HOME: join(temporary, "data"),
      XDG_CACHE_HOME: join(temporary, "cache"),
    },
    stdout: "ignore",
    stderr: "pipe",
  });

beforeAll(async () => {
  mkdirSync(scratch);
  expect(await loop(temporary, "new", "component", "hello").exited).toBe(0);
  expect(await loop(project, "build").exited).toBe(0);
}, 240_000);
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** The component's digest as the build that finished last wrote it down. */
const stampedDigest = (): string =>
  JSON.parse(readFileSync(join(project, "build/hello.stamp.json"), "utf8")).component.digest;

const below = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();

test("an interrupted build leaves what was there", async () => {
  const files = below(project);
  let interruptions = 0;
  // From before anything is loaded until the build is through, whatever the speed of the machine.
  for (let delayMs = 60; ; delayMs *= 1.5) {
    const child = loop(project, "build", "--force");
    await Bun.sleep(delayMs);
    child.kill("SIGINT");
    const [code, said] = await Promise.all([child.exited, new Response(child.stderr).text()]);
    expect(below(project)).toEqual(files);
    expect(below(scratch).filter((path) => path.includes("loop"))).toEqual([]);
    expect<string>(digestOf(readFileSync(join(project, "build/hello.wasm")))).toBe(stampedDigest());
    if (code === 0) break;
    if (child.signalCode === "SIGINT") continue;
    expect(said).toContain("error[LK0005]");
    expect(code).toBe(130);
    interruptions++;
  }
  expect(interruptions).toBeGreaterThan(0);
}, 240_000);
