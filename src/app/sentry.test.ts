import { expect, test } from "bun:test";
import { limits } from "../base/limits.ts";
import { Watch } from "./sentry.ts";

const { serveHeldMsMax, serveBeatMs } = limits;

/** Looks until a moment, at a thread that has its turns until another one; when the process is ended, if it is. */
const watched = (
  one: { askedMs: number; stuckMs: number; graceMs?: number; backMs?: number },
  untilMs = 60_000,
) => {
  const watch = new Watch();
  let turns = 0;
  for (let nowMs = 0; nowMs <= untilMs; nowMs += serveBeatMs) {
    if (nowMs < one.stuckMs || nowMs >= (one.backMs ?? Infinity)) turns++;
    if (watch.look(nowMs, turns, nowMs >= one.askedMs, one.graceMs ?? 0)) return nowMs;
  }
  return undefined;
};

test("what nobody asked to end goes on, however long it computes", () => {
  expect(watched({ askedMs: Infinity, stuckMs: 0 })).toBeUndefined();
});

test("what is asked while it computes has a time to come back, and is ended after that", () => {
  expect(watched({ askedMs: 10_000, stuckMs: 0 })).toBe(10_000 + serveHeldMsMax);
  expect(watched({ askedMs: 10_000, stuckMs: 9_000, backMs: 12_000 })).toBeUndefined();
});

test("what was heard has the time that it said, and what it computes then does not shorten that", () => {
  const graceMs = 12_000;
  expect(watched({ askedMs: 1_000, stuckMs: 2_000, graceMs })).toBe(1_000 + graceMs);
  expect(watched({ askedMs: 1_000, stuckMs: 12_500, graceMs })).toBe(12_250 + serveHeldMsMax);
  expect(watched({ askedMs: 1_000, stuckMs: Infinity, graceMs })).toBeUndefined();
});
