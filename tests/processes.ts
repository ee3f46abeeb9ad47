// Looking at processes that a test started, through others. Owns no process; called by tests alone.
import { expect } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

/** Whether a process runs. One that has ended is listed where nobody cares for what was left, as in a container. */
export const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !existsSync("/proc") || !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
};

/** Waits until none of them runs. */
export const gone = async (...pids: number[]): Promise<void> => {
  for (let waited = 0; pids.some(isThere) && waited < 10_000; waited += 20) await Bun.sleep(20);
  expect(pids.filter(isThere)).toEqual([]);
};
