import { expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { provide } from "./fixture.ts";

test("random bytes have the length asked for and are not all alike", () => {
  const { getRandomBytes, getInsecureRandomBytes } = provide();
  for (const get of [getRandomBytes, getInsecureRandomBytes]) {
    expect(get(0n).length).toBe(0);
    // More than the engine fills in one call, and the end of it must be filled too.
    const bytes = get(200_000n);
    expect(bytes.length).toBe(200_000);
    expect(new Set(bytes.subarray(-1000)).size).toBeGreaterThan(100);
  }
});

test("more random bytes than the limit are a fault", () => {
  const { getRandomBytes, getInsecureRandomBytes } = provide();
  expect(getRandomBytes(BigInt(limits.randomBytesMax)).length).toBe(limits.randomBytesMax);
  expect(() => getRandomBytes(BigInt(limits.randomBytesMax) + 1n)).toThrow(Fault);
  expect(() => getInsecureRandomBytes(2n ** 64n - 1n)).toThrow(Fault);
});

test("random numbers use all 64 bits", () => {
  const { getRandomU64, getInsecureRandomU64 } = provide();
  for (const get of [getRandomU64, getInsecureRandomU64]) {
    const all = Array.from({ length: 200 }, get).reduce((sum, value) => sum | value, 0n);
    expect(all).toBe(2n ** 64n - 1n);
  }
});

test("an instance has one insecure seed, and another instance another", () => {
  const one = provide();
  expect(one.insecureSeed()).toEqual(one.insecureSeed());
  expect(one.insecureSeed()).not.toEqual(provide().insecureSeed());
});
