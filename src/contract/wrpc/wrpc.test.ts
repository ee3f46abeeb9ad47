import { expect, test } from "bun:test";
import { join } from "node:path";
import type { Func, Type } from "../model.ts";
import { plain, randomSource, randomType, randomValue } from "../random.ts";
import { decode } from "./decode.ts";
import { cannotCross, encode, WireError } from "./encode.ts";
import { readSignature } from "./signature.ts";

const most = 1024 * 1024;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
const of = (
  kind: "bool" | "u8" | "s8" | "u16" | "s16" | "u32" | "s32" | "u64" | "s64" | "f32" | "f64",
): Type => ({
  kind,
});
const text: Type = { kind: "string" };

test("values are written as the component model's value encoding and wRPC's own codec write them", () => {
  const writes = (value: unknown, type: Type, expected: string) => {
    expect(hex(encode([value], [type], most))).toBe(expected);
    expect(plain(decode(Buffer.from(expected, "hex"), [type])[0])).toEqual(plain(value));
  };
  writes(true, of("bool"), "01");
  writes(200, of("u8"), "c8");
  writes(-2, of("s8"), "fe");
  writes(624485, of("u32"), "e58e26");
  writes(-123456, of("s32"), "c0bb78");
  writes(64, of("s16"), "c000");
  writes(-64, of("s16"), "40");
  writes(2n ** 64n - 1n, of("u64"), "ffffffffffffffffff01");
  writes(-(2n ** 63n), of("s64"), "8080808080808080807f");
  writes(1.5, of("f32"), "0000c03f");
  writes(-0, of("f64"), "0000000000000080");
  writes(Number.NaN, of("f64"), "000000000000f87f");
  writes("é", { kind: "char" }, "c3a9");
  writes("\u{feff}a", text, "04efbbbf61");
  writes(new Uint8Array([1, 2]), { kind: "list", element: of("u8") }, "020102");
  writes([1, 300], { kind: "list", element: of("u16"), length: 2 }, "01ac02");
  writes(new Map([["a", 1]]), { kind: "map", key: text, value: of("u8") }, "01016101");
  writes(undefined, { kind: "option", element: text }, "00");
  const nested: Type = { kind: "option", element: { kind: "option", element: of("u8") } };
  writes({ tag: "some", val: undefined }, nested, "0100");
  writes({ tag: "err", val: "x" }, { kind: "result", ok: undefined, err: text }, "010178");
  const names = Array.from({ length: 130 }, (_, i) => `c${i}`);
  writes("c129", { kind: "enum", cases: names }, "8101");
  writes({ a: true, b: false, cD: true }, { kind: "flags", flags: ["a", "b", "c-d"] }, "05");
  const cases = [
    { name: "none", type: undefined },
    { name: "some", type: text },
  ];
  writes({ tag: "some", val: "x" }, { kind: "variant", cases }, "010178");
});

const seed = Number(process.env.LOOP_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));

test(`what is written is read as the same value (seed ${seed})`, () => {
  const random = randomSource(seed);
  for (let round = 0; round < 3000; round++) {
    const type = randomType(random, 3);
    const value = randomValue(random, type);
    const bytes = encode([value], [type], most);
    expect(plain(decode(bytes, [type])[0]), `seed ${seed}, round ${round}`).toEqual(plain(value));
  }
});

test(`bytes that were changed or cut are refused or are another value, and never anything worse (seed ${seed})`, () => {
  const random = randomSource(seed);
  let refused = 0;
  for (let round = 0; round < 5000; round++) {
    const type = randomType(random, 3);
    const bytes = encode([randomValue(random, type)], [type], most);
    const broken = random(2) ? bytes.slice(0, random(bytes.length + 1)) : bytes.slice();
    for (let i = random(3); i > 0 && broken.length > 0; i--) broken[random(broken.length)] = random(256);
    try {
      const again = encode(decode(broken, [type]), [type], most);
      // Longer ways to write a number are taken; what was understood is written in the shortest.
      expect(again.length).toBeLessThanOrEqual(broken.length);
    } catch (error) {
      if (!(error instanceof WireError)) throw new Error(`seed ${seed}, round ${round}`, { cause: error });
      refused++;
    }
  }
  expect(refused).toBeGreaterThan(500);
});

test(`another implementation reads and writes the same bytes, and the types in the same words (seed ${seed})`, async () => {
  const random = randomSource(seed);
  const lines: string[] = [];
  for (let round = 0; round < 1500; round++) {
    const type = randomType(random, 3);
    lines.push(JSON.stringify({ type, hex: hex(encode([randomValue(random, type)], [type], most)) }));
  }
  const folder = join(import.meta.dir, "../../../tests/fixtures/sidecar");
  const child = Bun.spawn(["python3", "-B", join(folder, "echo.py")], {
    stdin: Buffer.from(lines.join("\n")),
    stdout: "pipe",
  });
  const answered = (await new Response(child.stdout).text()).trim().split("\n");
  expect(answered.length).toBe(2 * lines.length);
  for (const [at, line] of lines.entries()) {
    const { type, hex } = JSON.parse(line);
    expect(answered[2 * at], `seed ${seed}: ${line}`).toBe(hex);
    const func = readSignature(`f: func() -> ${answered[2 * at + 1]}`, () => undefined);
    expect(unnamed((func as Func).result), `seed ${seed}: ${line}`).toEqual(unnamed(type));
  }
});

/** Structures without their own names, which are no part of them. */
const unnamed = (type: Type | undefined): unknown =>
  JSON.parse(JSON.stringify(type), (_, value) => {
    if (["record", "variant", "enum", "flags"].includes(value?.kind)) delete value.name;
    return value;
  });

test("a resource is the bytes that its maker says, turned into an object by whoever knows it", () => {
  const basket: Type = { kind: "own", resource: { name: "basket", owner: "a:b/c" } };
  const types: Type[] = [basket, { kind: "list", element: basket }];
  const bytes = encode([1, [2, 3]], types, most, (value) => new Uint8Array([value as number, 9]));
  expect(hex(bytes)).toBe("0201090202020902" + "0309");
  expect(decode(bytes, types, (handle) => hex(handle))).toEqual(["0109", ["0209", "0309"]]);
  expect(() => encode([1], [basket], most)).toThrow("own<basket> cannot be said");
  expect(() => decode(bytes, types)).toThrow("own<basket> cannot be said");
  expect(cannotCross(basket)).toBe("own<basket>");
  expect(cannotCross({ kind: "option", element: basket }, ({ owner }) => owner === "a:b/c")).toBeUndefined();
});

test("what announces more than is there is refused before anything is set aside for it", () => {
  const huge = Buffer.from("ffffffff0f", "hex");
  expect(() => decode(huge, [{ kind: "list", element: of("u8") }])).toThrow(WireError);
  expect(() => decode(huge, [{ kind: "list", element: text }])).toThrow("4294967295 elements are announced");
  expect(() => decode(huge, [text])).toThrow(WireError);
  expect(() => decode(Buffer.from("8080808080808000", "hex"), [of("u32")])).toThrow("does not end");
  expect(() => decode(Buffer.from("0101", "hex"), [of("bool")])).toThrow("1 bytes are left");
  expect(() => encode(["x".repeat(100)], [text], 64)).toThrow("which is the limit");
});

test("what means nothing in another process is named", () => {
  const file: Type = { kind: "own", resource: { name: "file", owner: undefined } };
  expect(cannotCross({ kind: "list", element: { kind: "option", element: file } })).toBe("own<file>");
  expect(cannotCross({ kind: "result", ok: { kind: "stream", element: of("u8") }, err: undefined })).toBe(
    "stream",
  );
  expect(cannotCross({ kind: "list", element: text })).toBeUndefined();
});
