// Every WIT type at its bounds, through import and export, in both directions, in both engines: what a TypeScript
// guest sees and what its host gets must be jco's JS mapping exactly. The StarlingMonkey half takes its ten seconds
// (its componentizer's), which no smaller test could save. knowledge/type-matrix.md says what differs and why.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { declared } from "../base/fault.ts";
import { camel } from "../contract/model.ts";
import { type Callable, type Functions, type Probe, probe } from "./probe.ts";
import { buildProject } from "./project.ts";
import { typescript } from "./typescript.ts";

/** Name, type, values; a value whose way changes it is a pair of what goes in and what arrives. */
type Row = readonly [name: string, type: string, values: readonly unknown[]];

class Becomes {
  constructor(
    readonly from: unknown,
    readonly to: unknown,
  ) {}
}
const becomes = (from: unknown, to: unknown) => new Becomes(from, to);

const maxU64 = 2n ** 64n - 1n;
const [minS64, maxS64] = [-(2n ** 63n), 2n ** 63n - 1n];
const around53 = [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n];
const flagNames = Array.from(
  { length: 32 },
  (_, at) => `f-${String.fromCharCode(97 + (at % 26))}${at < 26 ? "" : "x"}`,
);
const flagsOf = (set: (at: number) => boolean) =>
  Object.fromEntries(flagNames.map((name, at) => [camel(name), set(at)]));

const rows: readonly Row[] = [
  ["bool", "bool", [true, false]],
  ["u8", "u8", [0, 1, 127, 128, 255]],
  ["s8", "s8", [-128, -1, 0, 127]],
  ["u16", "u16", [0, 32767, 32768, 65535]],
  ["s16", "s16", [-32768, -1, 0, 32767]],
  ["u32", "u32", [0, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1]],
  ["s32", "s32", [-(2 ** 31), -1, 0, 2 ** 31 - 1]],
  ["u64", "u64", [0n, 1n, 2n ** 31n, 2n ** 32n, ...around53, 2n ** 63n, maxU64]],
  ["s64", "s64", [minS64, minS64 + 1n, ...around53.map((value) => -value), -1n, 0n, ...around53, maxS64]],
  [
    "f32",
    "f32",
    [0, -0, 1.5, Number.NaN, Infinity, -Infinity, 3.4028234663852886e38, becomes(0.1, Math.fround(0.1))],
  ],
  ["f64", "f64", [0, -0, 0.1, Number.NaN, Infinity, -Infinity, Number.MAX_VALUE, Number.MIN_VALUE]],
  ["char", "char", ["a", "\0", "é", "\ud7ff", "\ue000", "\uffff", "🎉", "\u{10ffff}"]],
  ["text", "string", ["", "a\0b", "é漢🎉", "\u{10ffff}", "x".repeat(70_000)]],
  ["lone", "string", [becomes("a\ud800b", "a\ufffdb"), becomes("\udfff", "\ufffd")]],
  ["list-u8", "list<u8>", [new Uint8Array(), Uint8Array.of(0, 128, 255)]],
  ["list-s8", "list<s8>", [Int8Array.of(-128, -1, 127)]],
  ["list-u16", "list<u16>", [Uint16Array.of(0, 32768, 65535)]],
  ["list-s16", "list<s16>", [Int16Array.of(-32768, 32767)]],
  ["list-u32", "list<u32>", [new Uint32Array(), Uint32Array.of(0, 2 ** 31, 2 ** 32 - 1)]],
  ["list-s32", "list<s32>", [Int32Array.of(-(2 ** 31), 2 ** 31 - 1)]],
  ["list-u64", "list<u64>", [BigUint64Array.of(0n, ...around53, 2n ** 63n, maxU64)]],
  ["list-s64", "list<s64>", [BigInt64Array.of(minS64, -1n, ...around53, maxS64)]],
  ["list-f32", "list<f32>", [Float32Array.of(-0, 0.5, Number.NaN, Infinity)]],
  ["list-f64", "list<f64>", [Float64Array.of(-0, 0.1, Number.NaN, -Infinity)]],
  ["list-bool", "list<bool>", [[], [true, false]]],
  ["list-char", "list<char>", [["a", "🎉"]]],
  ["list-string", "list<string>", [[], ["", "🎉"]]],
  ["list-list", "list<list<u8>>", [[Uint8Array.of(1), new Uint8Array()]]],
  [
    "list-tuple",
    "list<tuple<string, u64>>",
    [
      [
        ["a", maxU64],
        ["b", 0n],
      ],
    ],
  ],
  ["option", "option<u32>", [undefined, 0, 2 ** 32 - 1]],
  ["option-string", "option<string>", [undefined, ""]],
  ["option-bool", "option<bool>", [undefined, false]],
  ["option-u64", "option<u64>", [undefined, 0n, maxU64]],
  ["option-list", "option<list<u8>>", [undefined, Uint8Array.of(1)]],
  [
    "option-option",
    "option<option<u32>>",
    [{ tag: "none" }, { tag: "some", val: undefined }, { tag: "some", val: 2 ** 31 }],
  ],
  ["list-option", "list<option<string>>", [[undefined, "a"]]],
  [
    "nested-result",
    "tuple<result<u64, string>, result<_, u8>, result<s64>, result>",
    [
      [
        { tag: "ok", val: maxU64 },
        { tag: "ok", val: undefined },
        { tag: "ok", val: minS64 },
        { tag: "ok", val: undefined },
      ],
      [
        { tag: "err", val: "no" },
        { tag: "err", val: 255 },
        { tag: "err", val: undefined },
        { tag: "err", val: undefined },
      ],
    ],
  ],
  ["tuple", "tuple<u8, string, s64>", [[255, "a", -1n]]],
  [
    "a-point",
    "point",
    [
      { theX: 2 ** 32 - 1, theY: undefined, deepNest: { a: maxU64, b: [true] } },
      { theX: 0, theY: -1, deepNest: { a: 0n, b: [] } },
    ],
  ],
  [
    "a-shape",
    "shape",
    [
      { tag: "empty" },
      { tag: "circle-of", val: 0.5 },
      { tag: "at", val: { a: maxU64, b: [] } },
      { tag: "many", val: Uint32Array.of(2 ** 31) },
    ],
  ],
  ["a-colour", "colour", ["red", "dark-green"]],
  [
    "a-switches",
    "switches",
    [
      { a: false, bB: false },
      { a: true, bB: false },
      { a: true, bB: true },
    ],
  ],
  [
    "a-many-flags",
    "many-flags",
    [flagsOf(() => false), flagsOf(() => true), flagsOf((at) => at === 31), flagsOf((at) => at % 2 === 0)],
  ],
];

/** Large u32 and negative s64 that are core numbers of their own; in memory they are right. */
const garbledByStarlingmonkey: readonly string[] = [
  "u32 2147483648",
  "u32 4294967295",
  ...[minS64, minS64 + 1n, ...around53.map((value) => -value), -1n].map((value) => `s64 ${value}n`),
  "option 4294967295",
  'option-option {tag:"some",val:2147483648}',
  `nested-result [{tag:"ok",val:${maxU64}n},{tag:"ok"},{tag:"ok",val:${minS64}n},{tag:"ok"}]`,
  'tuple [255,"a",-1n]',
  `a-point {theX:4294967295,deepNest:{a:${maxU64}n,b:[true]}}`,
];

/** Functions that answer a result: the err is thrown, whatever its type. */
const failing: readonly (readonly [
  name: string,
  ok: string,
  err: string,
  oks: readonly unknown[],
  errs: readonly unknown[],
])[] = [
  ["fail-string", "u64", "string", [maxU64, 0n], ["", "text"]],
  [
    "fail-variant",
    "option<string>",
    "shape",
    [undefined, "a"],
    [{ tag: "empty" }, { tag: "many", val: Uint32Array.of(2 ** 31) }],
  ],
  ["fail-record", "list<u32>", "nest", [Uint32Array.of(2 ** 31)], [{ a: maxU64, b: [true] }]],
  ["fail-enum", "string", "colour", ["a"], ["dark-green"]],
  ["fail-u64", "string", "u64", ["a"], [0n, maxU64]],
];

const wit = `package matrix:m@1.0.0;

interface types {
  record nest { a: u64, b: list<bool> }
  record point { the-x: u32, the-y: option<s32>, deep-nest: nest }
  variant shape { empty, circle-of(f32), at(nest), many(list<u32>) }
  enum colour { red, dark-green }
  flags switches { a, b-b }
  flags many-flags { ${flagNames.join(", ")} }
}

interface echo {
  use types.{nest, point, shape, colour, switches, many-flags};
${rows.map(([name, type]) => `  %${name}: func(x: ${type}) -> ${type};`).join("\n")}
${failing.map(([name, ok, err]) => `  ${name}: func(ok: option<tuple<${ok}>>, err: option<tuple<${err}>>) -> result<${ok}, ${err}>;`).join("\n")}
  fail-unit: func(fails: bool) -> result;
  nothing: func();
}

interface counters {
  resource counter {
    constructor(start: u32);
    add: func(amount: u32, times: u64) -> u32;
    same: func(other: borrow<counter>) -> bool;
    of: static func(start: u32) -> counter;
  }
  value: func(of: borrow<counter>) -> u32;
  give: func(start: u32) -> counter;
}

interface takers {
  use counters.{counter};
  take: func(it: counter) -> u32;
}

world matrix {
  import echo;
  import counters;
  import takers;
  import root-echo: func(x: u64) -> u64;
  export echo;
  export counters;
  export root: func(x: u64) -> u64;
  export attempt: func(code: string) -> string;
  export seen: func() -> list<string>;
  export crash: func(how: string) -> result<u32, string>;
  export pass: func(it: own-counter) -> own-counter;
  use counters.{counter as own-counter};
}
`;

/** One text for every value that JS tells apart; the guest has the very same function. */
function describeValue(value: unknown): string {
  const inner = (item: unknown): string => describeValue(item);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "string")
    return value.length > 100 ? `text of ${value.length}` : JSON.stringify(value);
  if (value === null || typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(inner).join(",")}]`;
  if (ArrayBuffer.isView(value))
    return `${value.constructor.name}[${Array.from(value as unknown as number[], inner).join(",")}]`;
  return `{${Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([key, item]) => `${key}:${inner(item)}`)
    .join(",")}}`;
}

const guest = `
import * as host from "matrix:m/echo@1.0.0";
import * as counters from "matrix:m/counters";
import * as takers from "matrix:m/takers@1.0.0";
import rootEcho from "root-echo";
${describeValue.toString()}
const log = [];
const note = (value) => { log.push(describeValue(value)); return value; };
export const echo = {
${rows.map(([name]) => `  ${camel(name)}: (x) => note(host.${camel(name)}(note(x))),`).join("\n")}
${failing
  .map(
    ([name]) => `  ${camel(name)}(ok, err) {
    try { return note(host.${camel(name)}(ok, err)); } catch (error) {
      note([error instanceof Error, error.payload]);
      if (log.length % 2) throw error;
      throw error.payload;
    }
  },`,
  )
  .join("\n")}
  failUnit: (fails) => host.failUnit(fails),
  nothing: () => host.nothing(),
};
class Counter {
  constructor(start) { this.total = start; }
  add(amount, times) { this.total += amount * Number(times); return this.total; }
  same(other) { return other === this; }
  static of(start) { return new Counter(start + 1); }
}
let kept;
export { kept };
const ownCounters = { Counter, value: (of) => of.total, give: (start) => (kept ??= new Counter(start)) };
export { ownCounters as counters };
export const root = (x) => rootEcho(x);
export const attempt = (code) => {
  try { return describeValue(new Function("host", "counters", "takers", code)(host, counters, takers)); }
  catch (error) { return String(error); }
};
const deep = () => {
  throw new TypeError("thrown on purpose");
};
export function crash(how) {
  if (how === "error") return deep();
  throw how === "payload" ? Object.assign(new Error(), { payload: 1 }) : { not: "an error" };
}
export const seen = () => log.splice(0);
export const pass = (it) => { log.push(String(counters.value(it))); return it; };
`;

/** Line and column, from one, of a text in the guest's main file. */
const placeInGuest = (text: string): [number, number] => {
  const before = guest.slice(0, guest.indexOf(text)).split("\n");
  return [before.length, before.at(-1)!.length + 1];
};

/** jco drops a guest's resource when its object is collected, which here would be after the test. */
const held: unknown[] = [];

const folder = mkdtempSync(join(tmpdir(), "loop-matrix-"));
const cacheBefore = process.env.XDG_CACHE_HOME;
beforeAll(() => {
  process.env.XDG_CACHE_HOME = join(folder, "cache");
});
afterAll(() => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  rmSync(folder, { recursive: true, force: true });
});

const buildMatrix = async (engine: string, quick: boolean): Promise<Uint8Array> => {
  const project = join(folder, `${engine}${quick}`);
  for (const path of ["src", "wit"]) mkdirSync(join(project, path), { recursive: true });
  writeFileSync(join(project, "loop.toml"), `[component]\nname = "matrix"\n[build]\nengine = "${engine}"\n`);
  writeFileSync(join(project, "wit/world.wit"), wit);
  writeFileSync(join(project, "src/main.js"), guest);
  const { component } = await buildProject(project, { builderFor: () => typescript, quick });
  return Bun.file(component).bytes();
};

class HostCounter {
  static dropped: string[] = [];
  total: number;
  constructor(start: number) {
    this.total = start;
  }
  add(amount: number, times: bigint): number {
    this.total += amount * Number(times);
    return this.total;
  }
  same(other: HostCounter): boolean {
    return other === this;
  }
  static of(start: number): HostCounter {
    return new HostCounter(start + 1);
  }
  [Symbol.dispose](): void {
    HostCounter.dropped.push(String(this.total));
  }
}

interface Matrix extends Probe {
  readonly received: unknown[];
}

const start = async (bytes: Uint8Array): Promise<Matrix> => {
  const received: unknown[] = [];
  const echo: Functions = {};
  for (const [name] of rows)
    echo[camel(name)] = (value) => {
      received.push(value);
      return value;
    };
  for (const [name] of failing)
    echo[camel(name)] = (ok, err) => {
      if (err) throw declared((err as unknown[])[0]);
      return (ok as unknown[])[0];
    };
  echo.failUnit = (fails) => {
    if (fails) throw declared(undefined);
  };
  echo.nothing = () => undefined;
  const started = await probe(bytes, {
    "matrix:m/echo": echo,
    "matrix:m/counters": {
      Counter: HostCounter,
      value: (of: HostCounter) => of.total,
      give: (from: number) => new HostCounter(from),
    },
    "matrix:m/takers": { take: (it: HostCounter) => it.total },
    "root-echo": (x) => x,
  });
  return { ...started, received };
};

// StarlingMonkey comes before the quick path, whose engines hold the few memories that JavaScriptCore can grow without
// copying: its own build grows one to hundreds of megabytes, a page at a time.
for (const how of ["quickjs", "starlingmonkey", "quickjs quick"])
  describe(how, () => {
    const [engine, quick] = how.split(" ") as [string, string?];
    let bytes: Uint8Array;
    let matrix: Matrix;
    const call = (name: string, ...args: unknown[]) => (matrix.exports[name] as Callable)(...args);
    const echo = () => matrix.exports["matrix:m/echo@1.0.0"] as Functions;
    const own = () =>
      matrix.exports["matrix:m/counters@1.0.0"] as Functions & { Counter: typeof HostCounter };
    const attempt = (code: string) => call("attempt", code) as string;

    beforeAll(async () => {
      bytes = await buildMatrix(engine, quick !== undefined);
      expect(new TextDecoder("latin1").decode(bytes).includes(", quick)")).toBe(quick !== undefined);
      matrix = await start(bytes);
    }, 300_000);

    /** Rows of which StarlingMonkey's wrapper refused a value, because its componentizer would garble it. */
    const refused: string[] = [];
    const refuses = async (name: string, error: unknown): Promise<void> => {
      if (!matrix.stderr().includes("goes wrong in StarlingMonkey's componentizer")) throw error;
      refused.push(name);
      matrix = await start(bytes);
    };

    for (const [name, type, values] of rows)
      test(`${name}: ${type} crosses four times and stays what it was`, async () => {
        for (const value of values) {
          const [sent, arrives] = value instanceof Becomes ? [value.from, value.to] : [value, value];
          matrix.received.length = 0;
          let answer: unknown;
          try {
            answer = echo()[camel(name)]!(sent);
          } catch (error) {
            await refuses(`${name} ${describeValue(value)}`, error);
            continue;
          }
          const wanted = describeValue(arrives);
          expect(call("seen")).toEqual([wanted, wanted]);
          expect(describeValue(matrix.received[0])).toBe(wanted);
          expect(describeValue(answer)).toBe(wanted);
        }
      });

    test("QuickJS carries everything; StarlingMonkey refuses what its componentizer would garble, and no more", () => {
      expect(refused).toEqual(engine === "quickjs" ? [] : [...garbledByStarlingmonkey]);
    });

    for (const [name, ok, err, oks, errs] of failing)
      test(`${name}: result<${ok}, ${err}> returns its ok and throws its err`, () => {
        for (const value of oks) {
          expect(describeValue(echo()[camel(name)]!([value], undefined))).toBe(describeValue(value));
          expect(call("seen")).toEqual([describeValue(value)]);
        }
        // Twice each: once rethrown as it was caught, once thrown as the plain value.
        for (const value of [...errs, ...errs]) {
          let payload: unknown;
          try {
            echo()[camel(name)]!(undefined, [value]);
            expect().fail("it returned");
          } catch (error) {
            payload = (error as { payload: unknown }).payload;
          }
          expect(describeValue(payload)).toBe(describeValue(value));
          expect(call("seen")).toEqual([describeValue([true, value])]);
        }
      });

    test("a result of nothing returns and throws nothing", () => {
      expect(echo().failUnit!(false)).toBeUndefined();
      expect(() => echo().failUnit!(true)).toThrow();
      expect(echo().nothing!()).toBeUndefined();
    });

    test("functions of the world itself are imported and exported", () => {
      expect(call("root", maxU64)).toBe(maxU64);
    });

    test("what does not fit is refused by name instead of rounded", () => {
      const where = "matrix:m/echo";
      expect(attempt("return host.u8(256)")).toBe(
        `RangeError: ${where}#u8: x: u8 (an integer from 0 to 255) was expected, and 256 was given`,
      );
      expect(attempt("return host.u32(-1)")).toStartWith(`RangeError: ${where}#u32: x: u32`);
      expect(attempt("return host.u32(1.5)")).toStartWith(`RangeError: ${where}#u32: x: u32`);
      expect(attempt("return host.u64(2 ** 53)")).toStartWith(`TypeError: ${where}#u64: x: u64`);
      expect(attempt("return host.u64(2n ** 64n)")).toStartWith(`RangeError: ${where}#u64: x: u64`);
      expect(attempt("return host.s64(2n ** 63n)")).toStartWith(`RangeError: ${where}#s64: x: s64`);
      expect(attempt("return host.char('ab')")).toStartWith(`RangeError: ${where}#char: x: char`);
      expect(attempt("return host.char('\\ud800')")).toStartWith(`RangeError: ${where}#char: x: char`);
      expect(attempt("return host.text(5)")).toStartWith(`TypeError: ${where}#text: x: string`);
      expect(attempt("return host.aColour('blue')")).toContain("enum (red, dark-green)");
      expect(attempt("return host.aShape({ tag: 'square' })")).toContain("empty, circle-of, at, many");
      expect(attempt("return host.listU32([1, -1])")).toStartWith(`RangeError: ${where}#list-u32: x[1]: u32`);
      expect(attempt("return host.aPoint({ theX: 1, deepNest: { a: 1n, b: [2] } })")).toStartWith(
        `TypeError: ${where}#a-point: x.deepNest.b[0]: true or false was expected, and 2 was given`,
      );
      expect(attempt("return host.text()")).toContain("undefined was given");
    });

    test("an integer of a Number is taken for 64 bits where it is exact, and plain arrays for typed ones", () => {
      expect(attempt("return host.u64(2 ** 53 - 1)")).toBe("9007199254740991n");
      expect(attempt("return host.listU64([1, 2n ** 64n - 1n])")).toBe(`BigUint64Array[1n,${maxU64}n]`);
      expect(attempt("return host.listU8([1, 255])")).toBe("Uint8Array[1,255]");
      expect(attempt("return host.option(null)")).toBe("undefined");
    });

    test("a resource of the host's is a class, and disposing of it drops it at once", () => {
      HostCounter.dropped.length = 0;
      expect(
        attempt(
          "const c = new counters.Counter(1); const d = counters.Counter.of(9); return [c.add(2, 3n), c.same(c), c.same(d), counters.value(d), c instanceof counters.Counter]",
        ),
      ).toBe("[7,true,false,10,true]");
      expect(HostCounter.dropped.length).toBeLessThanOrEqual(2);
      HostCounter.dropped.length = 0;
      attempt("const c = counters.give(77); c[Symbol.dispose ?? Symbol.for('dispose')](); return 0");
      expect(HostCounter.dropped).toContain("77");
    });

    test("a resource that was given away or disposed of is refused", () => {
      const gone = "was expected, and one that was disposed of, given away or only lent was given";
      expect(attempt("const c = new counters.Counter(5); takers.take(c); return c.add(1, 1n)")).toContain(
        gone,
      );
      expect(
        attempt(
          "const c = new counters.Counter(5); c[Symbol.dispose ?? Symbol.for('dispose')](); return counters.value(c)",
        ),
      ).toContain(gone);
      expect(attempt("return counters.value({})")).toContain(
        "a Counter was expected, and an object was given",
      );
      expect(attempt("return new counters.Counter(-1)")).toStartWith("RangeError");
    });

    test("a resource of the host's passes through the guest and stays itself", () => {
      const counter = new HostCounter(41);
      expect(call("pass", counter)).toBe(counter);
      expect(call("seen")).toEqual(["41"]);
    });

    test("a resource of the guest's is a class of the host's, and comes back as the guest's own object", () => {
      const { Counter, value, give } = own();
      const counter = new Counter(4);
      expect(counter.add(2, 3n)).toBe(10);
      expect(counter.same(counter)).toBe(true);
      const another = Counter.of(1);
      expect(counter.same(another)).toBe(false);
      expect([value!(counter), value!(another)]).toEqual([10, 2]);
      // The guest keeps one object and gives it twice: two handles, one total.
      const [first, second] = [give!(5) as HostCounter, give!(0) as HostCounter];
      expect(first.add(1, 1n)).toBe(6);
      expect(second.add(1, 1n)).toBe(7);
      held.push(counter, another, first, second);
    });

    test("an uncaught exception says where it was thrown, and stops the guest", async () => {
      const thrown = await start(bytes);
      expect(() => (thrown.exports.crash as Callable)("error")).toThrow();
      const [line, column] = placeInGuest("throw new TypeError");
      const places =
        /^Uncaught TypeError: thrown on purpose\n {4}at deep \(src\/main\.js:(\d+):(\d+)\)\n {4}at crash \(/;
      const [, shownLine, shownColumn] = places.exec(thrown.stderr()) ?? [];
      expect(Number(shownLine)).toBe(line);
      // Engines point at different words of the statement.
      expect(Number(shownColumn)).toBeWithin(column, column + "throw new TypeError".length);
      for (const how of ["payload", "value"]) {
        const wrong = await start(bytes);
        expect(() => (wrong.exports.crash as Callable)(how)).toThrow();
        expect(wrong.stderr()).toStartWith("Uncaught TypeError: crash: the thrown err: string was expected");
      }
    });
  });
