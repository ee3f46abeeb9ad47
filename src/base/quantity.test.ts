import { expect, test } from "bun:test";
import { parseBytes, parseMs, printBytes, printMs } from "./quantity.ts";

test("times and bytes are read in every unit", () => {
  expect(["500ms", "2s", "1.5s", "1m", "2h"].map((text) => parseMs(text, "--t"))).toEqual([
    500, 2000, 1500, 60_000, 7_200_000,
  ]);
  expect(["65536", "512K", "64M", "1G", "1.5k"].map((text) => parseBytes(text, "--m"))).toEqual([
    65_536, 524_288, 67_108_864, 1_073_741_824, 1536,
  ]);
});

test("what is printed reads back as the same", () => {
  for (const ms of [1, 999, 1000, 1500, 60_000, 90_000, 3_600_000]) expect(parseMs(printMs(ms), "")).toBe(ms);
  for (const bytes of [1, 1000, 1024, 1_114_112, 2 ** 30])
    expect(parseBytes(printBytes(bytes), "")).toBe(bytes);
  expect([printMs(2000), printBytes(2 ** 26)]).toEqual(["2s", "64M"]);
});

test("what is no amount above zero is refused by the name of its place", () => {
  for (const text of ["", "2", "2x", "-1s", "0s", "s", "1 s s", "NaNs", "1e400s"])
    expect(() => parseMs(text, "--timeout")).toThrow(expect.objectContaining({ code: "LK0004" }));
  for (const text of ["", "M", "-1", "0", "1ms", "0x10", "9".repeat(30)])
    expect(() => parseBytes(text, "--max-memory")).toThrow("--max-memory is a number of bytes");
});
