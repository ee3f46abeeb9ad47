import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownCache, ownTimings } from "../base/fixture.ts";
import { timings } from "../base/timings.ts";
import { wasmTools } from "../contract/tools.ts";
import { verify } from "../trust/verify.ts";
import { decoded } from "./decoded.ts";
import { quietContext } from "./fixture.ts";
import { link } from "./plan.ts";
import { recalledPath, recallKey } from "./recall.ts";

const cache = ownCache("each");
ownTimings();

/** A component whose instance takes `count` functions through aliases, lifts and a core instance. */
const bytesOf = async (count: number): Promise<Uint8Array> => {
  const numbers = Array.from({ length: count }, (_, i) => i);
  return (await wasmTools()).parse(`(component
    (core module $m ${numbers.map((i) => `(func (export "f${i}") (result i32) (i32.const ${i}))`).join("\n")})
    (core instance $i (instantiate $m))
    ${numbers.map((i) => `(func (export "f${i}") (result u32) (canon lift (core func $i "f${i}")))`).join("\n")})`);
};

const decodes = (): number => timings().filter(({ name }) => name === "decode").length;

/** Links and instantiates it as a process that meets these bytes for the first time would. */
const called = async (bytes: Uint8Array): Promise<unknown> => {
  const plan = await link(verify("test", bytes), { providers: [] });
  const instance = await plan.instantiate(quietContext(plan.component));
  try {
    return await instance.call(undefined, "f7", []);
  } finally {
    instance.drop();
  }
};

const placeOf = (bytes: Uint8Array): string =>
  join(cache.path, "loop", recalledPath(recallKey(verify("test", bytes))));

test("a component that was run before is not decoded again", async () => {
  const bytes = await bytesOf(40);
  const atFirst = decodes();
  expect(await called(bytes)).toBe(7);
  expect(decodes()).toBe(atFirst + 1);
  expect(await called(bytes)).toBe(7);
  expect(decodes()).toBe(atFirst + 1);
});

test("nor is one that imports what it is denied, until it calls that", async () => {
  const functions = Array.from(
    { length: 40 },
    (_, i) => `(func (export "f${i}") (canon lift (core func $i "f")))`,
  );
  const bytes = await (await wasmTools()).parse(`(component
    (import "wasi:nobody/offers@0.2.0" (instance $o
      (export "thing" (type (sub resource)))
      (export "ask" (func (result (result (error (enum "denied")))))))) 
    (core module $m (func (export "f"))) (core instance $i (instantiate $m))
    ${functions.join("\n")})`);
  const run = async () => {
    const plan = await link(verify("test", bytes), { providers: [] });
    (await plan.instantiate(quietContext(plan.component))).drop();
  };
  const atFirst = decodes();
  await run();
  await run();
  expect(decodes()).toBe(atFirst + 1);
});

test("its world says by name what the whole says, and reads the whole for a type", async () => {
  const bytes = await bytesOf(40);
  const whole = decoded(verify("test", bytes)).world;
  await called(bytes);
  const outlined = decoded(verify("test", bytes)).world;
  expect([...outlined.exports.keys()]).toEqual([...whole.exports.keys()]);
  const [mine, theirs] = [outlined.exports.get("f7"), whole.exports.get("f7")];
  if (mine?.kind !== "func" || theirs?.kind !== "func") throw new Error("f7 is no function");
  const { name, role, params, result, async } = mine.func;
  expect({ name, role, params, result, async }).toEqual(theirs.func);
});

test("what is quicker to decode is not kept", async () => {
  expect(await called(await bytesOf(8))).toBe(7);
  expect(readdirSync(cache.path)).toEqual([]);
});

test("a file that does not read, or is of other bytes, is as none", async () => {
  const bytes = await bytesOf(40);
  await called(bytes);
  const place = placeOf(bytes);
  const written = readFileSync(place, "utf8");
  for (const broken of ["", written.slice(0, 100), "null", written.replace(/"key":"./, '"key":"x')]) {
    writeFileSync(place, broken);
    const atFirst = decodes();
    expect(await called(bytes)).toBe(7);
    expect(decodes()).toBe(atFirst + 1);
    expect(readFileSync(place, "utf8")).toBe(written);
  }
});
