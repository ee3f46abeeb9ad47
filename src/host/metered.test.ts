import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownCache } from "../base/fixture.ts";
import { limits } from "../base/limits.ts";
import { wasmTools } from "../contract/tools.ts";
import { meterCore } from "./meter/meter.ts";
import { meteredCore } from "./metered.ts";

const cache = ownCache("each");

const metering = { time: true, memory: false, state: true };
const kept = (): string[] =>
  readdirSync(cache.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
const moduleOf = async (bytes: number): Promise<Uint8Array> =>
  (await wasmTools()).parse(
    `(module (memory 1) (global (mut i32) (i32.const 1)) (data (i32.const 0) "${"x".repeat(bytes)}")
      (func (export "go") (loop $l (br $l))))`,
  );

test("a large module is kept as it was made, and made anew where what was kept is broken", async () => {
  const bytes = await moduleOf(limits.meteredKeptBytesMin);
  const made = await meteredCore(bytes, metering);
  expect(made).toEqual(meterCore(bytes, metering));
  const [place] = kept();
  const whole = readFileSync(place!);
  expect(await meteredCore(bytes, metering)).toEqual(made);
  for (const broken of [whole.subarray(0, 1000), Buffer.from("nothing"), Buffer.alloc(whole.length)]) {
    writeFileSync(place!, broken);
    expect(await meteredCore(bytes, metering)).toEqual(made);
    expect(readFileSync(place!)).toEqual(whole);
  }
});

test("what is metered otherwise is kept apart, and small modules are not kept", async () => {
  const bytes = await moduleOf(limits.meteredKeptBytesMin);
  for (const one of [metering, { ...metering, state: false }, { ...metering, turns: true }])
    expect((await meteredCore(bytes, one)).bytes).toEqual(meterCore(bytes, one).bytes);
  expect(kept().length).toBe(3);
  await meteredCore(await moduleOf(100), metering);
  expect(kept().length).toBe(3);
});
