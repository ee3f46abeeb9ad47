import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { faultOf } from "../base/fixture.ts";
import { wasmTools } from "../contract/tools.ts";
import { type Callable, type Probe, probe } from "./probe.ts";
import { buildProject } from "./project.ts";
import { typescript } from "./typescript.ts";

const root = mkdtempSync(join(tmpdir(), "loop-typescript-"));
const cacheBefore = process.env.XDG_CACHE_HOME;
setDefaultTimeout(60_000);
beforeAll(() => {
  process.env.XDG_CACHE_HOME = join(root, "cache");
});
afterAll(() => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  rmSync(root, { recursive: true, force: true });
});

let count = 0;
const project = (files: Record<string, string>): string => {
  const folder = join(root, String(count++));
  const all = { "loop.toml": '[component]\nname = "probe"\n', ...files };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
};
const build = async (files: Record<string, string>): Promise<Uint8Array> => {
  const { component } = await buildProject(project(files), { builderFor: () => typescript });
  return new Uint8Array(readFileSync(component));
};
const failureOf = async (files: Record<string, string>): Promise<string> => {
  const { code, message } = await faultOf(build(files));
  return `${code} ${message}`;
};

const greet = "package a:b;\nworld w { export greet: func(name: string) -> string; }\n";
const ok = "export const greet = (name: string): string => name;\n";

describe("a mistake is refused with its place", () => {
  test("in the syntax", async () => {
    const message = await failureOf({ "wit/w.wit": greet, "src/main.ts": `${ok}export const x = ;\n` });
    expect(message).toStartWith("LK0602 src/main.ts:2:18: ");
    expect(message).toContain("  export const x = ;\n");
  });

  test("in an import of a file or package that is not there", async () => {
    const message = await failureOf({ "wit/w.wit": greet, "src/main.ts": `import "./absent.ts";\n${ok}` });
    expect(message).toStartWith("LK0602 src/main.ts:1:8: ");
    expect(message).toContain("absent.ts");
  });

  test("in an import that the world does not have", async () => {
    const text =
      'import { getEnvironment } from "wasi:cli/environment@0.2.12";\nconsole.log(getEnvironment());\n';
    expect(await failureOf({ "wit/w.wit": greet, "src/main.ts": text + ok })).toBe(
      "LK0602 src/main.ts imports wasi:cli/environment@0.2.12, and the world a:b/w does not: it imports nothing",
    );
  });

  test("in an import of a module of Node", async () => {
    const text = 'import { readFileSync } from "node:fs";\nreadFileSync("x");\n';
    expect(await failureOf({ "wit/w.wit": greet, "src/main.ts": text + ok })).toBe(
      "LK0602 src/main.ts imports node:fs, which is a module of Node and not in a component",
    );
  });

  test("in a macro, which would run in loop's own process", async () => {
    const ran = join(root, "ran");
    const macro = `import { writeFileSync } from "node:fs";\nexport const run = () => (writeFileSync(${JSON.stringify(ran)}, ""), "x");\n`;
    for (const text of [
      'import { run } from "./macro.ts" with { type: "macro" };',
      'import { run } from "macro:./macro.ts";',
    ]) {
      const files = {
        "wit/w.wit": greet,
        "src/macro.ts": macro,
        "src/main.ts": `${text}\nexport const greet = () => run();\n`,
      };
      expect(await failureOf(files)).toBe(
        "LK0602 src/main.ts uses a macro, which would run outside the component",
      );
    }
    expect(existsSync(ran)).toBe(false);
  });

  test("in an export that the world asks for", async () => {
    expect(await failureOf({ "wit/w.wit": greet, "src/main.ts": "export const great = 1;\n" })).toBe(
      "LK0602 src/main.ts does not export the function greet, which the world a:b/w asks for; it exports great",
    );
  });

  test("in an exception while the module is loaded", async () => {
    const text = `${ok}const deep = () => {\n  throw new RangeError("too early");\n};\ndeep();\n`;
    expect(await failureOf({ "wit/w.wit": greet, "src/main.ts": text })).toMatch(
      /^LK0602 src\/main\.ts:3:\d+: .*too early/,
    );
  });

  test("in what is thrown and no Error while the module is loaded", async () => {
    expect(await failureOf({ "wit/w.wit": greet, "src/main.ts": `${ok}throw "why";\n` })).toBe(
      'LK0602 src/main.ts: The module throws what is no Error: "why"',
    );
  });

  test("in a call of an import while the module is loaded", async () => {
    const message = await failureOf({
      "wit/w.wit": "package a:b;\nworld w { import wasi:cli/environment@0.2.12; export greet: func(); }\n",
      "src/main.ts":
        'import { getArguments } from "wasi:cli/environment@0.2.12";\n\nexport const args = getArguments();\n',
    });
    expect(message).toMatch(/^LK0602 src\/main\.ts:3:\d+: .*called while the module is loaded/);
  });

  test("in a world that exports nothing", async () => {
    const wit = "package a:b;\nworld w { import wasi:cli/environment@0.2.12; }\n";
    expect(await failureOf({ "wit/w.wit": wit, "src/main.ts": ok })).toStartWith(
      "LK0602 The world a:b/w exports nothing",
    );
  });

  test("in a module that does not come to an end of its stack", async () => {
    const text = `${ok}const again = (): number => again() + 1;\nagain();\n`;
    expect(await failureOf({ "wit/w.wit": greet, "src/main.ts": text })).toMatch(
      /^LK0602 src\/main\.ts.*stack/,
    );
  });

  test("in the WIT", async () => {
    const message = await failureOf({
      "wit/w.wit": "package a:b;\nworld w { export greet: fun(); }\n",
      "src/main.ts": ok,
    });
    expect(message).toStartWith("LK0209 wit/w.wit:2:");
  });

  test("where there is no WIT", async () => {
    expect(await failureOf({ "src/main.ts": ok })).toStartWith("LK0607 WIT was looked for in ");
  });

  test("in a type that QuickJS would hand over wrongly", async () => {
    const wit =
      "package a:b;\ninterface i { resource r { constructor(); } take: func(it: r); }\nworld w { export i; }\n";
    const message = await failureOf({ "wit/w.wit": wit, "src/main.ts": "export const i = {};\n" });
    expect(message).toStartWith("LK0602 a:b/i#take takes an own r");
  });
});

test("a program that uses no globals imports the place of its exceptions, and nothing else", async () => {
  const bytes = await build({ "wit/w.wit": greet, "src/main.ts": ok });
  // The builder rewrites parts of what the componentizer makes; the whole has to stay valid.
  await (await wasmTools()).validate(bytes);
  const { imports, exports } = await probe(bytes);
  expect([...imports].sort()).toEqual([
    "wasi:cli/stderr",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
  ]);
  expect(Object.keys(exports)).toEqual(["greet"]);
  expect((exports.greet as Callable)("é🎉")).toBe("é🎉");
});

describe("a program", () => {
  let running: Probe;
  const evaluate = (code: string) => (running.exports.evaluate as Callable)(code) as string;
  const clock = { seconds: 1_700_000_000n, nanoseconds: 250_000_000 };

  beforeAll(async () => {
    const bytes = await build({
      "wit/w.wit": `package a:b;
interface names { name: func() -> string; }
world w { export evaluate: func(code: string) -> string; export names; export late: func() -> string; }
`,
      "tsconfig.json": '{ "compilerOptions": { "paths": { "#lib/*": ["./lib/*"] } } }',
      "lib/name.ts": "export const name = (): string => enumerated.A;\nenum enumerated { A = 'from lib' }\n",
      "node_modules/dependency/package.json":
        '{ "name": "dependency", "version": "1.0.0", "main": "index.js" }',
      "node_modules/dependency/index.js": "module.exports = { twice: (x) => x + x };\n",
      "src/main.ts": `import { name as libName } from "#lib/name.ts";
import { twice } from "dependency";
console.log("loaded");
export const evaluate = (code: string): string => {
  try {
    return String(new Function("console", code)(console));
  } catch (error) {
    return String(error);
  }
};
export const names = { name: () => twice(libName()) };
export const late = async () => "later";
export const used = [Date, performance, crypto, Math.random];
`,
    });
    running = await probe(bytes, {
      "wasi:clocks/wall-clock": { now: () => clock },
      "wasi:clocks/monotonic-clock": { now: () => 5_000_000n },
      "wasi:random/random": { getRandomBytes: (count: bigint) => new Uint8Array(Number(count)).fill(0x41) },
    });
  });

  test("prints what it printed while it was loaded at its first call", () => {
    expect(running.stdout()).toBe("");
    evaluate("return 1");
    expect(running.stdout()).toBe("loaded\n");
  });

  test("finds packages of npm and paths of tsconfig.json", () => {
    expect((running.exports["a:b/names"] as { name: Callable }).name()).toBe("from libfrom lib");
  });

  test("prints values as a person reads them", () => {
    evaluate(`
      const self = { name: "self" }; self.self = self;
      console.log("%s has %d of %j%%", "a", 5, { x: 1 }, "and more");
      console.log({ a: 1, b: [1, 2n, "three"], "c-d": new Map([["k", new Set([1])]]) }, null, undefined, -0);
      console.log(self, new Uint8Array([1, 2]), Symbol("s"), function named() {}, class C {});
      console.group("in"); console.info("deeper"); console.groupEnd();
      console.log({ get x() { throw new Error("never called"); } });
    `);
    expect(running.stdout()).toBe(`a has 5 of {"x":1}% and more
{ a: 1, b: [ 1, 2n, 'three' ], 'c-d': Map(1) { 'k' => Set(1) { 1 } } } null undefined -0
{ name: 'self', self: [Circular] } Uint8Array(2) [ 1, 2 ] Symbol(s) [Function named] [class C]
in
  deeper
{ x: [Getter] }
`);
    evaluate('console.error("to", "stderr"); console.warn("too"); console.assert(1 === 2, "odd")');
    expect(running.stderr()).toBe("to stderr\ntoo\nAssertion failed: odd\n");
  });

  test("prints more than a stream takes at once", () => {
    evaluate('console.log("é".repeat(100_000))');
    expect(running.stdout()).toBe(`${"é".repeat(100_000)}\n`);
  });

  test("has the time and chance of its host", () => {
    expect(evaluate("return Date.now()")).toBe("1700000000250");
    expect(evaluate("return new Date().toISOString()")).toBe("2023-11-14T22:13:20.250Z");
    expect(evaluate("return new Date(0) instanceof Date && new Date(0).constructor === Date")).toBe("true");
    expect(evaluate("return performance.now()")).toBe("0");
    expect(evaluate("return Math.random()")).toBe(evaluate("return Math.random()"));
    expect(Number(evaluate("return Math.random()"))).toBeWithin(0.25, 0.26);
    expect(evaluate("return crypto.randomUUID()")).toBe("41414141-4141-4141-8141-414141414141");
    expect(evaluate("return crypto.getRandomValues(new Uint16Array(2)).join()")).toBe("16705,16705");
  });

  test("encodes and decodes UTF-8 as the standard says", () => {
    const samples = ["", "aé漢🎉", "\ud800", "a\udc00b", "\ufeffbom"];
    for (const sample of samples) {
      const literal = JSON.stringify(sample);
      expect(evaluate(`return new TextEncoder().encode(${literal}).join()`)).toBe(
        new TextEncoder().encode(sample).join(),
      );
    }
    const bytes = [
      [0xf0, 0x9f, 0x8e, 0x89],
      [0xc0, 0x80],
      [0xe2, 0x82],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xff, 0x41],
      [0xef, 0xbb, 0xbf, 0x41],
      [0xe2, 0x41, 0x82],
      [0xf0, 0x9f, 0x41],
    ];
    for (const sample of bytes)
      expect(evaluate(`return new TextDecoder().decode(new Uint8Array([${sample}]))`)).toBe(
        new TextDecoder().decode(Uint8Array.from(sample)),
      );
    expect(
      evaluate("return new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([255]))"),
    ).toStartWith("TypeError");
    expect(
      evaluate(
        `const d = new TextDecoder(); return d.decode(new Uint8Array([0xf0, 0x9f]), { stream: true }) + "|" + d.decode(new Uint8Array([0x8e, 0x89]))`,
      ),
    ).toBe("|🎉");
  });

  test("clones structures", () => {
    expect(
      evaluate(`const a = { d: new Date(5), m: new Map([[1, new Set([2])]]), u: new Uint8Array([7]) }; a.self = a;
        const b = structuredClone(a);
        return [b !== a, b.self === b, b.d.getTime(), b.m.get(1).has(2), b.u[0], b.u.buffer !== a.u.buffer]`),
    ).toBe("true,true,5,true,7,true");
    expect(evaluate("return structuredClone(() => 1)")).toContain("could not be cloned");
  });

  test("hears that there is no event loop", () => {
    expect(evaluate("return typeof setTimeout")).toBe("function");
    expect(evaluate("setTimeout(() => {}, 1)")).toContain("a QuickJS component has no event loop");
    expect(() => (running.exports.late as Callable)()).toThrow();
    expect(running.stderr()).toStartWith(
      "Uncaught TypeError: late returned a Promise, and this engine has no event loop",
    );
  });
});

test("an uncaught exception names the lines as they are written, of every frame", async () => {
  const { exports, stderr } = await probe(
    await build({
      "wit/w.wit": greet,
      "src/main.ts": [
        "const inner = (text: string): string => {",
        "  const deep = () => {",
        '    throw new TypeError("here");',
        "  };",
        "  const answer = deep();",
        "  return answer + text;",
        "};",
        "export const greet = (name: string): string => {",
        "  const said = inner(name);",
        "  return said;",
        "};",
        "",
      ].join("\n"),
    }),
  );
  expect(() => (exports.greet as Callable)("x")).toThrow();
  const frames = (text: string) =>
    [...text.matchAll(/at (\w+) \((\S+:\d+):\d+\)/g)].map(([, ...found]) => found);
  const text = stderr();
  expect(text).toStartWith("Uncaught TypeError: here\n");
  expect(frames(text)).toEqual([
    ["deep", "src/main.ts:3"],
    ["inner", "src/main.ts:5"],
    ["greet", "src/main.ts:9"],
  ]);
});

test("an uncaught exception whose text goes over two lines has its place", async () => {
  const { exports, stderr } = await probe(
    await build({
      "wit/w.wit": greet,
      "src/main.ts": "export const greet = (name: string) => {\n  throw new Error(`one\ntwo` + name);\n};\n",
    }),
  );
  expect(() => (exports.greet as Callable)("x")).toThrow();
  expect(stderr()).toMatch(/^Uncaught Error: one\ntwox\n {4}at greet \(src\/main\.ts:[23]:\d+\)\n/);
});
