// Ctrl-C in the middle of a build, at many moments: nothing half-written, nothing left over, exit code 130.
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../src/base/digest.ts";
import { ended, homeFor } from "./home.ts";

const home = homeFor("interrupt");
const project = join(home.folder, "hello");
const scratch = join(home.folder, "tmp");
home.env.TMPDIR = scratch;

beforeAll(async () => {
  mkdirSync(scratch);
  expect(await home.loop(home.folder, "new", "component", "hello")).toMatchObject({ code: 0 });
  expect(await home.loop(project, "build")).toMatchObject({ code: 0 });
}, 240_000);

/** The component's digest as the build that finished last wrote it down. */
const stampedDigest = (): string =>
  JSON.parse(readFileSync(join(project, "build/hello.stamp.json"), "utf8")).component.digest;

const below = (folder: string): string[] => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();

test("an interrupted build leaves what was there", async () => {
  const files = below(project);
  let interruptions = 0;
  // From before anything is loaded until the build is through, whatever the speed of the machine.
  for (let delayMs = 60; ; delayMs *= 1.5) {
    const child = home.spawn(project, "build", "--force");
    await Bun.sleep(delayMs);
    child.kill("SIGINT");
    const { code, said } = await ended(child);
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
