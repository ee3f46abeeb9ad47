// Guests of three toolchains that run away, each in five ways. Compiling the C program takes some five seconds and
// building the TypeScript guest two, once.
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Fault } from "../src/base/fault.ts";
import { ownCache } from "../src/base/fixture.ts";
import { limits as bounds } from "../src/base/limits.ts";
import { c } from "../src/builders/c.ts";
import { typescript } from "../src/builders/typescript.ts";
import { completed } from "../src/builders/wit.ts";
import { wasmTools } from "../src/contract/tools.ts";
import type { InstanceLimits } from "../src/host/budget.ts";
import { type LinkedPlan, link } from "../src/host/plan.ts";
import { GuestExit } from "../src/host/provider.ts";
import { bufferStdio } from "../src/providers/wasi/buffer.ts";
import { wasi } from "../src/providers/wasi/index.ts";
import { noGrants } from "../src/trust/grants.ts";
import { verify } from "../src/trust/verify.ts";
import { homeFor } from "./home.ts";

const guests = join(import.meta.dir, "fixtures/away");
const home = homeFor("away");
ownCache();

const plans = new Map<string, LinkedPlan>();
beforeAll(async () => {
  writeFileSync(join(home.folder, "file"), "");
  const wit = await completed(new Map([["wit/world.wit", readFileSync(join(guests, "world.wit"), "utf8")]]));
  const request = { folder: guests, name: "away", wit, settings: {} };
  const built = {
    C: (await c.build({ ...request, main: "main.c", world: undefined, wit: new Map() })).component,
    TypeScript: (await typescript.build({ ...request, main: "main.ts", world: "away" })).component,
  };
  for (const [language, component] of Object.entries(built))
    plans.set(language, await link(verify(`${language}.wasm`, component), { providers: [wasi] }));
}, 120_000);

/** What a guest answers or writes, or the fault that it ends with, and how many bytes it wrote. */
const run = async (language: string, what: string, limits: InstanceLimits = {}) => {
  const plan = plans.get(language)!;
  const stdio = bufferStdio();
  const { identifier, digest } = plan.component;
  const instance = await plan.instantiate({
    component: { identifier, digest },
    args: ["away", what],
    grants: { ...noGrants, folders: [{ host: home.folder, guest: "/data", readOnly: true }] },
    stdio,
    limits,
    onDrop() {},
  });
  try {
    const answer =
      language === "C"
        ? await instance.call("wasi:cli/run@0.2.0", "run", [])
        : await instance.call(undefined, "away", [what]);
    return { answer: answer ?? stdio.stdoutText(), written: stdio.stdoutBytes().length };
  } catch (error) {
    if (error instanceof GuestExit)
      return { answer: stdio.stdoutText(), written: stdio.stdoutBytes().length };
    if (error instanceof Fault) return { fault: error, written: stdio.stdoutBytes().length };
    throw error;
  } finally {
    instance.drop();
  }
};

describe.each(["C", "TypeScript"])("a guest made from %s", (language) => {
  test("answers the same with every limit as with none", async () => {
    const plain = await run(language, "calculate");
    expect(plain.answer).toBeString();
    for (const limits of [
      { lifeMsMax: 60_000 },
      { memoryBytesMax: 256 * 1024 ** 2 },
      { callMsMax: 60_000, memoryBytesMax: 256 * 1024 ** 2, outputBytesMax: 1024 },
    ])
      expect(await run(language, "calculate", limits)).toEqual(plain);
  });

  test("that loops for ever is stopped at its time", async () => {
    const { fault } = await run(language, "loop", { callMsMax: 300 });
    expect(fault?.code).toBe("LK0711");
    expect(fault?.message).toContain("it took longer than 300ms");
  });

  test("that allocates for ever ends by its limit of memory", async () => {
    const { fault } = await run(language, "allocate", { memoryBytesMax: 64 * 1024 ** 2, lifeMsMax: 20_000 });
    expect(fault?.message).toContain(`${language}.wasm trapped in`);
    expect(fault?.code).toBe("LK0712");
  }, 30_000);

  test("that recurses for ever ends by a trap, and the host goes on", async () => {
    const { fault } = await run(language, "recurse", { lifeMsMax: 20_000 });
    expect(fault?.code).toBe("LK0304");
    expect((await run(language, "calculate")).answer).toBeString();
  }, 30_000);

  test("that writes for ever is stopped at its limit of output", async () => {
    const { fault, written } = await run(language, "write", { outputBytesMax: 100_000, lifeMsMax: 20_000 });
    expect(fault?.code).toBe("LK0713");
    expect(written).toBeLessThanOrEqual(100_000);
    expect(written).toBeGreaterThan(90_000);
  }, 30_000);
});

test("a C program that opens files for ever is refused at the limit of open files, and copes", async () => {
  const { answer } = await run("C", "open", { lifeMsMax: 20_000 });
  const opened = Number(/opened (\d+)/.exec(answer as string)?.[1]);
  expect(opened).toBeGreaterThan(100);
  expect(opened).toBeLessThanOrEqual(bounds.openFilesMax);
}, 30_000);

test("a TypeScript guest that takes handles for ever is ended", async () => {
  const { fault } = await run("TypeScript", "open", { lifeMsMax: 20_000 });
  expect(fault?.code).toBeString();
}, 30_000);

const wat = async (name: string, text: string): Promise<string> => {
  const path = join(home.folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, await (await wasmTools()).parse(text));
  return path;
};

test("the flags of loop run stop a guest made from WAT, and say what helps", async () => {
  const path = await wat(
    "away.wasm",
    `(component
      (core module $m (memory 1)
        (func (export "loop") (loop $l (br $l)))
        (func (export "allocate") (loop $l (br_if $l (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) unreachable))
      (core instance $i (instantiate $m))
      (func (export "loop") (canon lift (core func $i "loop")))
      (func (export "allocate") (canon lift (core func $i "allocate"))))`,
  );
  const timed = await home.loop(home.folder, "run", path, "--invoke", "loop()", "--timeout", "200ms");
  expect(timed.said).toContain(`error[LK0711]: ${path} was stopped in loop: it took longer than 200ms`);
  expect(timed.said).toContain(`hint: loop run ${path} --timeout 400ms`);
  expect(timed.code).toBe(1);
  const capped = await home.loop(home.folder, "run", path, "--invoke", "allocate()", "--max-memory", "4M");
  expect(capped.said).toContain("error[LK0712]");
  expect(capped.said).toContain(`hint: loop run ${path} --max-memory 8M`);
  const wrong = await home.loop(home.folder, "run", path, "--timeout", "soon");
  expect(wrong.said).toContain(
    'error[LK0004]: --timeout is a time such as 500ms, 2s or 1m, above zero, and "soon"',
  );
}, 30_000);

test("a slot's timeout in loop.toml stops the plugin that loops, names it, and the application answers", async () => {
  const contract = (body: string) => `(component
    (core module $m (memory (export "mem") 1)
      (func (export "pick") (param i32) (result i32) ${body}
        (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1)) (i32.const 0)))
    (core instance $i (instantiate $m))
    (func $pick (param "n" u32) (result (list u32)) (canon lift (core func $i "pick") (memory (core memory $i "mem"))))
    (instance $api (export "pick" (func $pick)))
    (export "s:s/pick@0.1.0" (instance $api)))`;
  const folder = join(home.folder, "application");
  await wat("application/endless.wasm", contract("(loop $l (br $l))"));
  await wat("application/well.wasm", contract(""));
  await wat(
    "application/app.wasm",
    `(component
      (import "s:s/pick@0.1.0" (instance $s (export "pick" (func (param "n" u32) (result (list u32))))))
      (core module $mem (memory (export "mem") 1)
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
      (core instance $mi (instantiate $mem))
      (core func $pick (canon lower (func $s "pick") (memory (core memory $mi "mem")) (realloc (core func $mi "realloc"))))
      (core module $m (import "s" "pick" (func $pick (param i32 i32))) (import "s" "mem" (memory 1))
        (func (export "go") (result i32) (call $pick (i32.const 1) (i32.const 0)) (i32.load (i32.const 4))))
      (core instance $i (instantiate $m (with "s" (instance (export "pick" (func $pick)) (export "mem" (memory $mi "mem"))))))
      (func (export "go") (result u32) (canon lift (core func $i "go"))))`,
  );
  writeFileSync(
    join(folder, "loop.toml"),
    `[slots.style]
contract = "s:s/pick@0.1.0"
combination = "all"
default = ["./endless.wasm", "./well.wasm"]
timeout = "100ms"
`,
  );
  const { out, said, code } = await home.loop(folder, "run", "./app.wasm", "--invoke", "go()");
  expect([out, code]).toEqual(["1\n", 0]);
  expect(said).toContain("warning[LK0711]");
  expect(said).toContain("endless.wasm was stopped in s:s/pick@0.1.0#pick: it took longer than 100ms");
  expect(said).toContain("slot style");
  expect(said).toContain('hint: in [slots."style"] of loop.toml: timeout = "200ms"');
}, 30_000);
