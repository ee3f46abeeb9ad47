import { afterEach, expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { rootSignal, type Signal } from "./cancellation.ts";

const roots: Signal[] = [];
const root = (stop?: AbortSignal, deadlineMs?: number): Signal => {
  const made = rootSignal(stop, deadlineMs);
  roots.push(made);
  return made;
};
afterEach(() => roots.splice(0).forEach((one) => void one.releaseAll()));

const woken = (signal: Signal): Promise<void> => new Promise((wake) => signal.listen(wake));

test("an instance that nobody stops is not cancelled and has no deadline", () => {
  expect(root().reason()).toBeUndefined();
  expect(root().remainingNs()).toBeUndefined();
});

test("the host's stop cancels the instance and everything below it, and wakes who waits", async () => {
  const stop = new AbortController();
  const top = root(stop.signal);
  const below = top.child(undefined).child(undefined);
  const wait = woken(below);
  stop.abort();
  await wait;
  expect([top.reason(), below.reason()]).toEqual(["cancelled", "cancelled"]);
});

test("a stop that came before the instance counts", () => {
  expect(root(AbortSignal.abort()).reason()).toBe("cancelled");
  expect(root(AbortSignal.abort("deadline")).reason()).toBe("deadline");
});

test("a deadline counts from its moment even when no timer could fire", () => {
  const top = root(undefined, performance.now() + 5);
  const left = top.remainingNs()!;
  expect(left).toBeGreaterThan(0n);
  expect(left).toBeLessThanOrEqual(5_000_000n);
  const until = performance.now() + 6;
  while (performance.now() < until);
  expect(top.reason()).toBe("deadline");
  expect(top.remainingNs()).toBe(0n);
});

test("a timeout wakes who waits, and only what is below it is cancelled", async () => {
  const top = root();
  const short = top.child(5_000_000n);
  await woken(short.child(undefined));
  expect(short.reason()).toBe("deadline");
  expect(top.reason()).toBeUndefined();
});

test("a child cannot outlive its parent's deadline", () => {
  const top = root(undefined, performance.now() + 50);
  expect(top.child(10_000_000_000n).remainingNs()!).toBeLessThanOrEqual(50_000_000n);
});

test("a child of what is cancelled is cancelled for the same reason at once", () => {
  const top = root(AbortSignal.abort("deadline"));
  expect(top.child(undefined).reason()).toBe("deadline");
});

test("a timeout longer than the platform's timers does not fire at once", async () => {
  const far = root().child(2n ** 62n);
  await Bun.sleep(10);
  expect(far.reason()).toBeUndefined();
});

test("who stopped listening is not woken", () => {
  const signal = root().child(undefined);
  let wakes = 0;
  signal.listen(() => wakes++)();
  signal.listen(() => wakes++);
  signal.cancel("cancelled");
  signal.cancel("deadline");
  expect(wakes).toBe(1);
  expect(signal.reason()).toBe("cancelled");
});

test("sources beyond the limit are refused, and a released one makes room", () => {
  const top = root();
  const held: Signal[] = [];
  const fill = () => {
    for (;;) held.push(top.child(undefined));
  };
  expect(fill).toThrow(Fault);
  expect(held.length).toBeLessThanOrEqual(limits.cancellationSourcesMax);
  held.pop()!.release();
  expect(() => top.child(undefined)).not.toThrow();
});
