// A process that fills store and lock is killed a hundred times, whenever it happens to be. Owns that one law.
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readLock } from "../lock.ts";
import { Store } from "./store.ts";

/** Stores and locks blobs without end: large ones as downloads in parts, small ones at once. */
const script = `
  import { Store } from ${JSON.stringify(join(import.meta.dir, "store.ts"))};
  import { changeLock } from ${JSON.stringify(join(import.meta.dir, "../lock.ts"))};
  import { digestOf } from ${JSON.stringify(join(import.meta.dir, "../../base/digest.ts"))};
  const [folder, seed] = process.argv.slice(2);
  const store = new Store(folder + "/store");
  console.log("begun");
  for (let at = 1; ; at++) {
    const bytes = new Uint8Array(at % 8 === 0 ? 9_000_000 : 50_000).fill(at % 251);
    bytes.set(new TextEncoder().encode(seed + " " + (at % 8 === 0 ? "large" : at)));
    const digest = digestOf(bytes);
    const partial = store.begin(digest, bytes.length);
    for (const { from, to } of partial.missing()) partial.write(from, bytes.subarray(from, to));
    await partial.finish("It");
    await partial.close();
    const identifier = "demo://" + seed + "/" + at;
    store.names.remember({ identifier, digest, place: "x" });
    await changeLock(folder + "/loop.lock", (entries) => void entries.set(identifier, {
      identifier, place: "x", digest, signers: [], imports: ["a:b/c@1.0.0"], exports: [],
    }));
  }`;

test("a process killed at any of a hundred moments leaves nothing half-written in store or lock", async () => {
  const folder = mkdtempSync(join(tmpdir(), "loop-killed-"));
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "fill.ts"), script);
    const store = new Store(join(folder, "store"));
    let locked = 0;
    // On a busy machine little is done before the kill, and a hundred moments of beginning would show nothing.
    let spanMs = 25;
    for (let round = 0; round < 50; round++) {
      // Two at once, so that each is also killed while another goes on.
      const fillers = ["a", "b"].map((name) =>
        Bun.spawn([process.execPath, join(folder, "fill.ts"), folder, `${name}${round}`], {
          stdout: "pipe",
          stderr: "inherit",
          env: { ...process.env, XDG_CACHE_HOME: join(folder, "cache") },
        }),
      );
      for (const { stdout } of fillers) await stdout.getReader().read();
      for (const filler of fillers) {
        await Bun.sleep(Math.random() * spanMs);
        filler.kill("SIGKILL");
        await filler.exited;
      }
      const { damaged } = store.verify();
      expect(damaged).toEqual([]);
      const lock = existsSync(join(folder, "loop.lock")) ? readLock(join(folder, "loop.lock")) : new Map();
      for (const { digest } of lock.values()) expect(store.has(digest)).toBe(true);
      // Nothing that was locked is lost by what came after.
      expect(lock.size).toBeGreaterThanOrEqual(locked);
      if (lock.size === locked) spanMs = Math.min(spanMs * 1.5, 500);
      locked = lock.size;
    }
    expect(locked).toBeGreaterThan(0);
    const { changeLock } = await import("../lock.ts");
    await changeLock(join(folder, "loop.lock"), () => {});
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
