import { expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import type { Func, PrimitiveKind, Type } from "../model.ts";
import { plain, randomSource, randomType, randomValue } from "../random.ts";
import { parseCall, parseValue } from "./parse.ts";
import { printValue } from "./print.ts";
import { toArguments, toValue } from "./value.ts";

const primitive = (kind: PrimitiveKind): Type => ({ kind });
const u8 = primitive("u8");
const text = primitive("string");
const option = (element: Type): Type => ({ kind: "option", element });
const list = (element: Type): Type => ({ kind: "list", element });
const result = (ok?: Type, err?: Type): Type => ({ kind: "result", ok, err });
const record = (name: string, fields: Record<string, Type>): Type => ({
  kind: "record",
  name,
  fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
});
const user = record("user", { "full-name": text, age: option(u8) });
const shape: Type = {
  kind: "variant",
  name: "shape",
  cases: [
    { name: "dot", type: undefined },
    { name: "box", type: u8 },
    { name: "err", type: text },
  ],
};
const status: Type = { kind: "enum", name: "status", cases: ["ok", "not-found"] };
const rights: Type = { kind: "flags", name: "rights", flags: ["can-read", "write"] };
const func = (...types: Type[]): Func => ({
  name: "f",
  role: { role: "free" },
  params: types.map((type, index) => ({ name: `p${index + 1}`, type })),
  result: undefined,
  async: false,
});

const read = (wave: string, type: Type) => toValue(parseValue(wave), type);
const call = (wave: string, ...types: Type[]) => {
  const parsed = parseCall(wave);
  return toArguments(parsed.args, func(...types), parsed.span);
};
const messageOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault && error.code === "LK0206") return error.message.split("\n")[0]!;
    throw error;
  }
  throw new Error("Expected a fault");
};

test("values arrive in the JS mapping", () => {
  expect(read("true", primitive("bool"))).toBe(true);
  expect(read("18446744073709551615", primitive("u64"))).toBe(18446744073709551615n);
  expect(read("-128", primitive("s8"))).toBe(-128);
  expect(read("0.1", primitive("f32"))).toBe(Math.fround(0.1));
  expect(read("nan", primitive("f64"))).toBeNaN();
  expect(read("-inf", primitive("f32"))).toBe(-Infinity);
  expect(read("'☃'", primitive("char"))).toBe("☃");
  expect(read("[1, 2]", list(u8))).toEqual(new Uint8Array([1, 2]));
  expect(read("[1]", list(primitive("s64")))).toEqual(new BigInt64Array([1n]));
  expect(read('["a"]', list(text))).toEqual(["a"]);
  expect(read('(1, "a")', { kind: "tuple", elements: [u8, text] })).toEqual([1, "a"]);
  expect(read('{full-name: "A"}', user)).toEqual({ fullName: "A", age: undefined });
  expect(read("{:}", record("r", { a: option(u8) }))).toEqual({ a: undefined });
  expect(read("dot", shape)).toEqual({ tag: "dot" });
  expect(read("box(3)", shape)).toEqual({ tag: "box", val: 3 });
  expect(read('%err("no")', shape)).toEqual({ tag: "err", val: "no" });
  expect(read("%ok", status)).toBe("ok");
  expect(read("{can-read}", rights)).toEqual({ canRead: true, write: false });
  expect(read('[("a", 1)]', { kind: "map", key: text, value: u8 })).toEqual(new Map([["a", 1]]));
});

test("some and ok may be left out, except around another option or result", () => {
  expect(read("1", option(u8))).toBe(1);
  expect(read("none", option(u8))).toBeUndefined();
  expect(read("some(none)", option(option(u8)))).toEqual({ tag: "some", val: undefined });
  expect(read("none", option(option(u8)))).toEqual({ tag: "none" });
  expect(read("1", result(u8, text))).toEqual({ tag: "ok", val: 1 });
  expect(read("ok", result(undefined, text))).toEqual({ tag: "ok" });
  expect(read('err("x")', result(undefined, text))).toEqual({ tag: "err", val: "x" });
  expect(messageOf(() => read("1", option(option(u8))))).toContain("an option<option<u8>> is wanted");
  expect(messageOf(() => read("1", result(option(u8))))).toContain("is wanted");
});

test("options at the end of the arguments may be left out, others may not", () => {
  expect(call("f(1)", u8, option(u8), option(option(u8)))).toEqual([1, undefined, { tag: "none" }]);
  expect(messageOf(() => call("f()", u8))).toEndWith("f(p1: u8) needs its argument 1 (`p1`)");
  expect(messageOf(() => call("f(1, 2)", u8))).toEndWith("f(p1: u8) takes 1 argument, not 2");
  expect(messageOf(() => call("f(1)"))).toEndWith("f() takes no arguments, not 1");
});

test("a misfit names its place in the value, what is wanted and what is written", () => {
  const users = list(user);
  expect(messageOf(() => call('f(1, [{full-name: "A", age: 300}])', u8, users))).toBe(
    "The value does not fit at 1:29: argument 2 (`p2`), element 1, field `age`: a u8 from 0 to 255 is wanted, the number 300 is written",
  );
  expect(messageOf(() => call('f(box("x"))', shape))).toBe(
    'The value does not fit at 1:7: argument 1 (`p1`), case `box`: a u8 is wanted, the string "x" is written',
  );
});

const misfits: readonly [string, Type, string][] = [
  ["-1", u8, "a u8 from 0 to 255 is wanted"],
  ["1.0", u8, "a u8 is wanted"],
  ["1e2", u8, "a u8 is wanted"],
  ["18446744073709551616", primitive("u64"), "from 0 to 18446744073709551615"],
  ["9223372036854775808", primitive("s64"), "to 9223372036854775807"],
  [`${"9".repeat(1000)}`, primitive("u64"), "from 0 to"],
  ["2147483648", primitive("s32"), "to 2147483647"],
  ["nan", u8, "a u8 is wanted"],
  ["1", primitive("bool"), "a bool is wanted, the number 1 is written"],
  ["%true", primitive("bool"), "a bool is wanted"],
  ["'a'", text, "a string is wanted, the char 'a' is written"],
  ['"a"', primitive("char"), 'a char is wanted, the string "a" is written'],
  ["ok", status, "the case ok is a word of WAVE's own"],
  ["not-foun", status, "status has no case `not-foun`; it has ok, not-found"],
  ["not-found(1)", status, "a status is wanted"],
  ["box", shape, "box(…) with a u8 is wanted"],
  ["dot(1)", shape, "dot without a payload is wanted"],
  ["{execute}", rights, "rights has no flag `execute`"],
  ["{:}", rights, "a rights is wanted"],
  ["{}", record("r", { a: option(u8) }), "a r is wanted"],
  ["{age: 1}", user, "user needs its field `full-name` (string)"],
  ['{full-name: "a", aeg: 1}', user, "user has no field `aeg`"],
  ["(1)", { kind: "tuple", elements: [u8, u8] }, "tuple<u8, u8> is wanted, one of 1 is written"],
  ["some", option(u8), "an option<u8> is wanted"],
  ["none(1)", option(u8), "an option<u8> is wanted"],
  ["ok(1)", result(), "ok without a payload is wanted"],
  ["err", result(u8, u8), "err(…) with a u8 is wanted"],
  ["[1]", { kind: "list", element: u8, length: 2 }, "a list of exactly 2 is wanted, one of 1 is written"],
  ["1", { kind: "own", resource: { name: "file", owner: "a:b/c" } }, "WAVE has no way to write a file"],
];

for (const [wave, type, message] of misfits)
  test(`${wave.slice(0, 24)} is no ${type.kind}: ${message.slice(0, 60)}`, () => {
    expect(messageOf(() => read(wave, type))).toContain(message);
  });

test("values print as canonical WAVE", () => {
  const prints = (value: unknown, type: Type, wave: string) => expect(printValue(value, type)).toBe(wave);
  prints('it\'s "x"\t\u{202e}é\u{301}\u{0}', text, '"it\\\'s \\"x\\"\\t\\u{202e}é\\u{301}\\u{0}"');
  prints(Math.fround(0.1), primitive("f32"), "0.1");
  prints(-0, primitive("f64"), "-0");
  prints(1e300, primitive("f64"), "1e+300");
  prints({ fullName: "A", age: undefined }, user, '{full-name: "A"}');
  prints({ a: undefined }, record("r", { a: option(u8) }), "{:}");
  prints({ tag: "err", val: "x" }, shape, '%err("x")');
  prints({ tag: "err", val: undefined }, result(u8, option(u8)), "err(none)");
  prints("ok", status, "%ok");
  prints({ canRead: false, write: false }, rights, "{}");
  prints(new Uint8Array([1, 2]), list(u8), "[1, 2]");
  prints({}, { kind: "own", resource: { name: "file", owner: undefined } }, "<file>");
});

// Round trips over random types and values. The seed of a failing run is in the test's message; put it here.
const seed = Number(process.env.LOOP_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));

test(`what is printed parses to the same value (seed ${seed})`, () => {
  const random = randomSource(seed);
  for (let round = 0; round < 3000; round++) {
    const type = randomType(random, 3);
    const value = randomValue(random, type);
    const wave = printValue(value, type);
    const back = toValue(parseValue(wave), type);
    expect(plain(back), `seed ${seed}, round ${round}: ${wave}`).toEqual(plain(value));
    expect(printValue(back, type)).toBe(wave);
  }
});
