import { afterAll, afterEach, beforeAll, beforeEach } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "./fault.ts";
import { type Part, timings } from "./timings.ts";

// For tests: a cache that nothing was put into before, and that nobody finds afterwards; the faults that are looked for;
// and the time that is taken.

/** A cache folder for all tests of a file, or for each of them anew; it is made before they run. */
export const ownCache = (lasting: "all" | "each" = "all"): { readonly path: string } => {
  const [before, after] = lasting === "all" ? [beforeAll, afterAll] : [beforeEach, afterEach];
  const cache = { path: "" };
  let others: string | undefined;
  before(() => {
    others = process.env.XDG_CACHE_HOME;
    cache.path = mkdtempSync(join(tmpdir(), "loop-cache-"));
    process.env.XDG_CACHE_HOME = cache.path;
  });
  after(() => {
    if (others === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = others;
    rmSync(cache.path, { recursive: true, force: true });
  });
  return cache;
};

/** Parts of the time of each test of a file alone: there is room for so many, which others may have filled. */
export const ownTimings = (): void => beforeEach(() => void (timings() as Part[]).splice(0));

/** The fault that some work ends with. */
export const faultOf = async (work: Promise<unknown> | (() => unknown)): Promise<Fault> => {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    return requireFault(error);
  }
  throw new Error("A fault was looked for, and none was thrown");
};

/** The same of work that is done at once. */
export const faultNow = (work: () => unknown): Fault => {
  try {
    work();
  } catch (error) {
    return requireFault(error);
  }
  throw new Error("A fault was looked for, and none was thrown");
};

const requireFault = (error: unknown): Fault => {
  if (error instanceof Fault) return error;
  throw error;
};
