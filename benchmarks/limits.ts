// What limits cost: guests that compute, metered against plain; the call without a limit; how late a guest that
// loops for ever is stopped; and what making a module ready costs more. knowledge/decisions says what was chosen.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { c } from "../src/builders/c.ts";
import { typescript } from "../src/builders/typescript.ts";
import { completed } from "../src/builders/wit.ts";
import type { ComponentAst } from "../src/contract/binary/ast.ts";
import { decodeComponent } from "../src/contract/binary/decode.ts";
import { wasmTools } from "../src/contract/tools.ts";
import type { InstanceLimits } from "../src/host/budget.ts";
import type { Instance } from "../src/host/instance.ts";
import { meterCore } from "../src/host/meter/meter.ts";
import { link } from "../src/host/plan.ts";
import { Turns } from "../src/host/turns.ts";
import { bufferStdio } from "../src/providers/wasi/buffer.ts";
import { wasi } from "../src/providers/wasi/index.ts";
import { noGrants } from "../src/trust/grants.ts";
import { verify } from "../src/trust/verify.ts";
import { interleave, medianOf, type Row, versus } from "./measure.ts";

const guests = join(import.meta.dir, "../tests/fixtures/away");

const core = `(component
  (core module $m (memory 16)
    (func (export "loop") (loop $l (br $l)))
    (func $fib (export "fib") (param i32) (result i32)
      (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
        (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func (export "sum") (param i32) (result i32) (local i32 i32 i32)
      (loop $outer (local.set 1 (i32.const 0))
        (loop $inner
          (local.set 2 (i32.add (local.get 2) (i32.mul (i32.load (local.get 1)) (i32.const 31))))
          (i32.store (local.get 1) (i32.xor (local.get 2) (local.get 1)))
          (br_if $inner (i32.lt_u (local.tee 1 (i32.add (local.get 1) (i32.const 4))) (i32.const 1000000))))
        (br_if $outer (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 2)))
  (core instance $i (instantiate $m))
  (func (export "loop") (canon lift (core func $i "loop")))
  (func (export "fib") (param "n" u32) (result u32) (canon lift (core func $i "fib")))
  (func (export "sum") (param "n" u32) (result u32) (canon lift (core func $i "sum"))))`;

const starter = async (name: string, bytes: Uint8Array) => {
  const component = verify(name, bytes);
  const plan = await link(component, { providers: [wasi] });
  return (limits: InstanceLimits = {}): Promise<Instance> =>
    plan.instantiate({
      component: { identifier: name, digest: component.digest },
      args: ["away", "calculate"],
      grants: noGrants,
      stdio: bufferStdio(),
      limits,
      onDrop() {},
    });
};
type Start = Awaited<ReturnType<typeof starter>>;

const far: InstanceLimits = { lifeMsMax: 3_600_000 };
const [deadline, turns] = ["with a deadline", "taking turns"];
const limitsOf = (how: string): InstanceLimits =>
  how === turns ? { stoppable: true, turns: new Turns() } : far;

/** Work without and with a limit, one after the other. */
const cost = async (
  work: string,
  start: Start,
  once: (instance: Instance) => unknown,
  how = deadline,
): Promise<Row> => {
  const [plain, limited] = [await start(), await start(limitsOf(how))];
  const medians = await interleave([
    { name: how, once: async () => void (await once(limited)) },
    { name: "without", once: async () => void (await once(plain)) },
  ]);
  return versus(work, medians, how, "without");
};

/** A WASI command runs once in an instance, so the start is in both. */
const costOfRun = async (work: string, start: Start): Promise<Row> => {
  const once = async (limits: InstanceLimits) => {
    const instance = await start(limits);
    await instance.call("wasi:cli/run@0.2.0", "run", []);
    instance.drop();
  };
  const medians = await interleave([
    { name: deadline, once: () => once(far) },
    { name: "without", once: () => once({}) },
  ]);
  return versus(work, medians, deadline, "without");
};

const overshoot = async (start: Start): Promise<Row> => {
  const late: number[] = [];
  const limitMs = 50;
  for (let round = 0; round < 15; round++) {
    const instance = await start({ callMsMax: limitMs });
    const startMs = performance.now();
    await instance.call(undefined, "loop", []).catch(() => {});
    late.push(performance.now() - startMs - limitMs);
  }
  const median = medianOf(late);
  return {
    work: "an endless loop, stopped after its time by",
    median,
    unit: "ms",
    target: { text: "at most 100 ms", met: median <= 100 },
  };
};

const coreRanges = ({ definitions }: ComponentAst): { start: number; end: number }[] =>
  definitions.flatMap((one) => {
    if (one.kind === "core-module") return [one.range];
    return one.kind === "component" ? coreRanges(one.component) : [];
  });

/** Rewriting a component's largest core module, against compiling it, which has to be done anyway. */
const rewriting = async (component: Uint8Array): Promise<Row> => {
  const { start, end } = coreRanges(decodeComponent(component)).sort(
    (a, b) => b.end - b.start - (a.end - a.start),
  )[0]!;
  const module = component.slice(start, end);
  const medians = await interleave([
    { name: "rewriting", once: () => void meterCore(module, { time: true, memory: true }) },
    { name: "compiling", once: () => void new WebAssembly.Module(module) },
  ]);
  return versus(
    `metering a module of ${Math.round(module.length / 1024)} KiB`,
    medians,
    "rewriting",
    "compiling",
  );
};

/** A call of an instance that has no limit, and of one that has: what asking costs the caller. */
const calling = async (start: Start): Promise<Row> => {
  const many = (instance: Instance) => {
    for (let call = 0; call < 100_000; call++) instance.callNow(undefined, "fib", [1]);
  };
  return cost("100,000 calls of a function that does nothing", start, many);
};

export const run = async (): Promise<Row[]> => {
  const wit = await completed(new Map([["wit/world.wit", readFileSync(join(guests, "world.wit"), "utf8")]]));
  const request = { folder: guests, name: "away", wit, settings: {} };
  const script = (await typescript.build({ ...request, main: "main.ts", world: "away" })).component;
  const program = await c.build({ ...request, main: "main.c", world: undefined, wit: new Map() });
  const wat = await starter("core.wasm", await (await wasmTools()).parse(core));
  const quickjs = await starter("quickjs.wasm", script);
  const clang = await starter("c.wasm", program.component);
  const sum = (one: Instance) => one.callNow(undefined, "sum", [16]);
  const fib = (one: Instance) => one.callNow(undefined, "fib", [30]);
  const calculation = (one: Instance) => one.call(undefined, "away", ["calculate"]);
  return [
    await cost("WAT: 4 million steps of a loop over memory", wat, sum),
    await cost("WAT: fib(30), nothing but calls", wat, fib),
    await cost("QuickJS: a calculation", quickjs, calculation),
    await cost("WAT: 4 million steps of a loop over memory", wat, sum, turns),
    await cost("WAT: fib(30), nothing but calls", wat, fib, turns),
    await cost("QuickJS: a calculation", quickjs, calculation, turns),
    await costOfRun("C: a calculation, from its start", clang),
    await calling(wat),
    await overshoot(wat),
    await rewriting(script),
  ];
};
