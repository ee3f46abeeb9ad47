import { limits } from "./limits.ts";

/** Names the parts of a command's time for `loop --timings`; costs one clock read a mark. */
export interface Part {
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
}

const parts: Part[] = [];

/** Records how long `work` took under `name`; works for promises too. */
export function timed<T>(name: string, work: () => T): T {
  const startMs = performance.now();
  // A server makes instances for as long as it runs.
  const done = () => {
    if (parts.length < limits.timingPartsMax)
      parts.push({ name, startMs, durationMs: performance.now() - startMs });
  };
  const result = work();
  if (result instanceof Promise) return result.finally(done) as T;
  done();
  return result;
}

/** The first `timingPartsMax` parts, in the order in which they ended. */
export const timings = (): readonly Part[] => parts;
