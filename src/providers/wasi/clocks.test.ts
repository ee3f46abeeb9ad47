import { expect, test } from "bun:test";
import { provide } from "./fixture.ts";

const seconds = (date: string) => ({ seconds: BigInt(Date.parse(date) / 1000), nanoseconds: 0 });

test("the monotonic clock starts near nothing and never goes back", () => {
  const { monotonic } = provide();
  const times = Array.from({ length: 1000 }, () => monotonic.now());
  expect(times[0]).toBeLessThan(1_000_000_000n);
  expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
  expect(monotonic.resolution()).toBe(1n);
});

test("a duration is waited for in full", async () => {
  const { monotonic } = provide();
  const start = monotonic.now();
  await monotonic.subscribeDuration(10_000_000n).block();
  expect(monotonic.now() - start).toBeGreaterThanOrEqual(10_000_000n);
});

test("an instant that has passed and a duration of none are ready", () => {
  const { monotonic } = provide();
  expect(monotonic.subscribeInstant(0n).ready()).toBe(true);
  expect(monotonic.subscribeDuration(0n).ready()).toBe(true);
  expect(monotonic.subscribeDuration(2n ** 64n - 1n).ready()).toBe(false);
  expect(monotonic.subscribeInstant(2n ** 64n - 1n).ready()).toBe(false);
});

test("the wall clock tells the time of day in the resolution that it names", () => {
  const { wall } = provide();
  const { seconds, nanoseconds } = wall.now();
  expect(Math.abs(Number(seconds) * 1000 + nanoseconds / 1e6 - Date.now())).toBeLessThan(1000);
  expect(nanoseconds % wall.resolution().nanoseconds).toBe(0);
});

test("without a TZ of its own a guest sees UTC, whatever the host's zone", () => {
  const { timezone } = provide();
  expect(timezone.display(seconds("2024-07-01T12:00:00Z"))).toEqual({
    utcOffset: 0,
    name: "UTC",
    inDaylightSavingTime: false,
  });
});

test("with TZ a guest sees that zone, summer and winter, north and south", () => {
  const berlin = provide({ env: [["TZ", "Europe/Berlin"]] }).timezone;
  expect(berlin.utcOffset(seconds("2024-01-01T12:00:00Z"))).toBe(3600);
  expect(berlin.utcOffset(seconds("2024-07-01T12:00:00Z"))).toBe(7200);
  expect(berlin.display(seconds("2024-01-01T12:00:00Z")).inDaylightSavingTime).toBe(false);
  expect(berlin.display(seconds("2024-07-01T12:00:00Z")).inDaylightSavingTime).toBe(true);
  const sydney = provide({ env: [["TZ", "Australia/Sydney"]] }).timezone;
  expect(sydney.display(seconds("2024-01-01T12:00:00Z")).inDaylightSavingTime).toBe(true);
  expect(sydney.utcOffset(seconds("2024-07-01T12:00:00Z"))).toBe(36_000);
  const newYork = provide({ env: [["TZ", "America/New_York"]] }).timezone;
  expect(newYork.display(seconds("2024-01-01T12:00:00Z"))).toEqual({
    utcOffset: -18_000,
    name: "EST",
    inDaylightSavingTime: false,
  });
});

test("an unknown zone or a moment beyond all calendars is shown as UTC", () => {
  const { timezone } = provide({ env: [["TZ", "Nowhere/Atlantis"]] });
  expect(timezone.utcOffset(seconds("2024-01-01T12:00:00Z"))).toBe(0);
  const berlin = provide({ env: [["TZ", "Europe/Berlin"]] }).timezone;
  expect(berlin.utcOffset({ seconds: 2n ** 64n - 1n, nanoseconds: 0 })).toBe(0);
});
