// The quick path of development against the full build: what it makes behaves alike, and what does not build fails in
// the same words. matrix.test.ts holds both to the whole mapping of types.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { digestOf } from "../base/digest.ts";
import { faultOf, ownTimings } from "../base/fixture.ts";
import { limits } from "../base/limits.ts";
import { timings } from "../base/timings.ts";
import { wasmTools } from "../contract/tools.ts";
import { instantiateCore } from "../host/cores.ts";
import { linkComponent } from "../host/link/link.ts";
import { type Callable, probe } from "./probe.ts";
import { buildProject, type Outcome } from "./project.ts";
import { withMemory } from "./typescript/image.ts";
import { typescript } from "./typescript.ts";

const root = mkdtempSync(join(tmpdir(), "loop-quick-"));
const cacheBefore = process.env.XDG_CACHE_HOME;
setDefaultTimeout(120_000);
ownTimings();
beforeAll(() => {
  process.env.XDG_CACHE_HOME = join(root, "cache");
});
afterAll(() => {
  if (cacheBefore === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cacheBefore;
  rmSync(root, { recursive: true, force: true });
});

const greet = "package a:b;\nworld w { export greet: func(name: string) -> string; }\n";
const write = async (folder: string, files: Record<string, string>): Promise<void> => {
  for (const [path, text] of Object.entries({ "loop.toml": '[component]\nname = "probe"\n', ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  // A source written now may be changed within the same clock tick; builds see it as it is after that.
  await Bun.sleep(40);
};

let count = 0;
/** One program at a time in a folder of its own, whose world exports `greet`. */
const project = () => {
  const folder = join(root, String(count++));
  const build = async (main: string, quick: boolean): Promise<Outcome> => {
    await write(folder, { "wit/w.wit": greet, "src/main.ts": main });
    return buildProject(folder, { builderFor: () => typescript, quick });
  };
  return { folder, build };
};
const bytesOf = ({ component }: Outcome): Uint8Array => new Uint8Array(readFileSync(component));
const isQuick = (outcome: Outcome): boolean =>
  new TextDecoder("latin1").decode(bytesOf(outcome)).includes(", quick)");
const says = async (outcome: Outcome, name: string) => {
  const { exports, stdout, stderr, imports } = await probe(bytesOf(outcome));
  let answer: unknown;
  try {
    answer = (exports.greet as Callable)(name);
  } catch (error) {
    answer = error instanceof WebAssembly.RuntimeError ? "trap" : error;
  }
  const world = { imports: [...imports].sort(), exports: Object.keys(exports).sort() };
  return { answer, stdout: stdout(), stderr: stderr(), ...world };
};
const failureOf = async (made: Promise<Outcome>): Promise<string> => {
  const { code, message } = await faultOf(made);
  return `${code} ${message}`;
};

test("a program that was changed is built without componentizing, and each build is its own program", async () => {
  const { build } = project();
  const text = (word: string) => `export const greet = (name: string): string => \`${word} \${name}\`;\n`;
  expect(isQuick(await build(text("one"), true))).toBe(true);
  const from = timings().length;
  const second = await build(text("two"), true);
  const parts = timings().slice(from);
  expect(parts.map(({ name }) => name)).not.toContainAnyValues(["componentize", "warm"]);
  expect([isQuick(second), second.built]).toEqual([true, true]);
  expect(second.digest).toBe(digestOf(bytesOf(second)));
  expect((await says(second, "é🎉")).answer).toBe("two é🎉");
  await (await wasmTools()).validate(bytesOf(second));
  expect((await build(text("two"), true)).built).toBe(false);
});

test("what was made quickly is never taken for what was made in full, and the other way round it is", async () => {
  const { build } = project();
  const text = "export const greet = (name: string): string => name;\n";
  expect(isQuick(await build(text, true))).toBe(true);
  const full = await build(text, false);
  expect([full.built, isQuick(full)]).toEqual([true, false]);
  const again = await build(text, true);
  expect([again.built, isQuick(again)]).toEqual([false, false]);
});

test("in a folder where nothing is stale, what the first quick build needs is made ready beside", async () => {
  const folder = join(root, "ready");
  // A world of its own, so that no other test has its engine.
  const wit = greet.replace("a:b", "a:ready");
  const build = async (word: string, quick: boolean) => {
    const main = `export const greet = (name: string): string => name + "${word}" + Date.now();\n`;
    await write(folder, { "wit/w.wit": wit, "src/main.ts": main });
    return buildProject(folder, { builderFor: () => typescript, quick });
  };
  const made = () => timings().filter(({ name }) => name === "warm").length;
  await build("one", false);
  const before = made();
  for (let round = 0; round < 3; round++) expect((await build("one", true)).built).toBe(false);
  while (made() === before) await Bun.sleep(10);
  const quick = await build("another", true);
  expect([isQuick(quick), made()]).toEqual([true, before + 1]);
});

test("what a program does while it is loaded, its globals, its output and its exceptions are those of the full build", async () => {
  const { build } = project();
  const text = `let settled = "waits";
Promise.resolve().then(() => { settled = "settled"; });
const early = [typeof this, (() => { try { undeclared = 1; return "sloppy"; } catch (error) { return String(error); } })()];
console.log("loaded", "é漢🎉\\u2028", ...early);
const tagged = String.raw\`\\u00e9é\\n\`;
class Deep {
  fail(): never {
    throw new RangeError("on purpose");
  }
}
export const greet = (name: string): string => {
  if (name === "throw")
    return new Deep().fail();
  return [name, settled, tagged, eval("1 + 1"), new Function("return typeof greet")(), greet.name].join();
};
`;
  const [quick, full] = [await build(text, true), await project().build(text, false)];
  expect([isQuick(quick), isQuick(full)]).toEqual([true, false]);
  for (const name of ["é🎉", "throw"]) {
    const said = await says(quick, name);
    expect(said).toEqual(await says(full, name));
    expect(said.stdout).toStartWith("loaded é漢🎉");
  }
  expect((await says(quick, "throw")).stderr).toMatch(
    /^Uncaught RangeError: on purpose\n {4}at fail \(src\/main\.ts:8:\d+\)\n {4}at greet \(src\/main\.ts:13:\d+\)\n/,
  );
});

test("what does not build fails as in the full build, and the next good program is built", async () => {
  const ok = "export const greet = (name: string): string => name;\n";
  const { build } = project();
  for (const bad of [
    `${ok}export const x = ;\n`,
    `${ok}const deep = () => {\n  throw new RangeError("too early");\n};\ndeep();\n`,
    `${ok}throw "why";\n`,
    "export const great = 1;\n",
  ]) {
    const said = await failureOf(build(bad, true));
    expect(said).toStartWith("LK0602 src/main.ts");
    expect(said).toBe(await failureOf(build(bad, false)));
  }
  expect(isQuick(await build(ok, true))).toBe(true);
});

test("what only a module may do is built in full", async () => {
  for (const only of ["typeof import.meta", "await Promise.resolve(1)"]) {
    const text = `const value = ${only};\nexport const greet = (name: string): string => name + value;\n`;
    const quick = await project().build(text, true);
    expect(isQuick(quick)).toBe(false);
    expect(await says(quick, "x")).toEqual(await says(await project().build(text, false), "x"));
  }
});

test("a module that goes on loading is stopped, and the next good program is built", async () => {
  const ok = "export const greet = (name: string): string => name;\n";
  const { build } = project();
  const began = performance.now();
  expect(await failureOf(build(`${ok}for (;;);\n`, true))).toBe(
    "LK0602 src/main.ts: The module was still being loaded after 5s; what it does outside of its functions has to come to an end",
  );
  expect(performance.now() - began).toBeGreaterThan(limits.quickLoadMsMax);
  expect(isQuick(await build(ok, true))).toBe(true);
});

test("a snapshot begins with the memory that the program had when it was loaded, however large that is", async () => {
  const { build } = project();
  const quick = await build(
    `const large = new Uint32Array(2_000_000).map((_, at) => at % 1000 === 0 ? at : 0);
const names = Array.from({ length: 20_000 }, (_, at) => "name " + at);
export const greet = (name: string): string => [name, large[1_999_000], large[5], names[19_999]].join();
`,
    true,
  );
  expect(isQuick(quick)).toBe(true);
  expect((await says(quick, "x")).answer).toBe("x,1999000,0,name 19999");
  await (await wasmTools()).validate(bytesOf(quick));
});

/** A component whose one core module owns a page of memory, with "abc" at 16. */
const small = async (): Promise<Uint8Array> =>
  (await wasmTools()).parse(`(component
    (core module $m (memory (export "memory") 1) (data (i32.const 16) "abc"))
    (core instance (instantiate $m)))`);

const memoryOf = async (component: Uint8Array): Promise<Uint8Array> => {
  const [module] = [...(await (await linkComponent(component)).modules).values()];
  const { memory } = instantiateCore(module!, {}, undefined).exports as { memory: WebAssembly.Memory };
  return new Uint8Array(memory.buffer);
};

test("any two memories, the one written over the other, give the other", async () => {
  const component = await small();
  const before = await memoryOf(component);
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 50; round++) {
    const after = new Uint8Array((1 + random(3)) * 65_536);
    after.set(before);
    for (let change = random(200); change > 0; change--)
      after.fill(random(256), random(after.length), random(after.length));
    for (let change = random(200); change > 0; change--) after[random(after.length)] = random(256);
    expect(Buffer.compare(await memoryOf(withMemory(component, before, after)!), after)).toBe(0);
  }
});

test("a component that owns no memory, or two, has no snapshot", async () => {
  const tools = await wasmTools();
  const memory = '(core module (memory 1) (data (i32.const 0) "x"))';
  const page = new Uint8Array(65_536);
  for (const text of ["(component)", `(component ${memory} ${memory})`])
    expect(withMemory(await tools.parse(text), page, page)).toBeUndefined();
});
