import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wasmTools } from "../../contract/tools.ts";
import { keptMeterCore } from "./kept.ts";
import { meterCore } from "./meter.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-kept-"));
const before = process.env.XDG_CACHE_HOME;
process.env.XDG_CACHE_HOME = folder;
afterAll(() => {
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
  rmSync(folder, { recursive: true });
});

const place = join(folder, "loop", "meter-1");
const files = () => readdirSync(place).map((name) => join(place, name));
const core = async () =>
  (await wasmTools()).parse('(module (memory 2) (func (export "f") (loop $l (br $l))))');

test("what comes out of the cache is what the rewriter made, for each kind of limit", async () => {
  const bytes = await core();
  for (const metering of [
    { time: true, memory: false },
    { time: false, memory: true },
    { time: true, memory: true },
  ]) {
    const made = meterCore(bytes, metering);
    for (let round = 0; round < 2; round++) {
      const kept = await keptMeterCore(bytes, metering);
      expect({ ...kept, bytes: Buffer.from(kept.bytes) }).toEqual({
        ...made,
        bytes: Buffer.from(made.bytes),
      });
    }
  }
  expect(files().length).toBe(3);
});

test("what is damaged, cut short or no file is made anew, and never run", async () => {
  const bytes = await core();
  const metering = { time: true, memory: false };
  const made = Buffer.from(meterCore(bytes, metering).bytes);
  rmSync(place, { recursive: true });
  await keptMeterCore(bytes, metering);
  const [path] = files();
  const good = readFileSync(path!);
  const unmetered = Buffer.concat([good.subarray(0, good.indexOf(0x0a) + 1), bytes]);
  for (const bad of [
    good.subarray(0, 40),
    good.subarray(0, -1),
    Buffer.from("{}\n"),
    Buffer.alloc(0),
    unmetered,
  ]) {
    writeFileSync(path!, bad);
    expect(Buffer.from((await keptMeterCore(bytes, metering)).bytes)).toEqual(made);
    expect(readFileSync(path!)).toEqual(good);
  }
  rmSync(path!);
  mkdirSync(path!);
  expect(Buffer.from((await keptMeterCore(bytes, metering)).bytes)).toEqual(made);
});
