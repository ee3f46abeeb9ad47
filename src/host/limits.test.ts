import { beforeEach, describe, expect, test } from "bun:test";
import type { Fault } from "../base/fault.ts";
import { faultOf, ownCache } from "../base/fixture.ts";
import { wasmTools } from "../contract/tools.ts";
import { type VerifiedComponent, verify } from "../trust/verify.ts";
import type { InstanceLimits } from "./budget.ts";
import { compileCore } from "./cores.ts";
import { type FilledSlot, fillingProvider } from "./filling.ts";
import { picker, quietContext } from "./fixture.ts";
import { type LinkerName, linkerNames } from "./linkers.ts";
import { type LinkedPlan, type LinkOptions, link as linkAny } from "./plan.ts";
import type { InstanceContext, Provider } from "./provider.ts";

// Guests that run away, in both linkers. Every law ends within the limits that it sets, whatever the machine does.

ownCache();

let linker: LinkerName;
const link = (component: VerifiedComponent, options: Partial<LinkOptions> = {}) =>
  linkAny(component, { linker, providers: [], ...options });
const wat = async (text: string, name = "away.wasm"): Promise<VerifiedComponent> =>
  verify(name, await (await wasmTools()).parse(text));

/** Imports t:t/host#next, which may wait; every export takes and gives nothing, or a number. */
const away = `(component
  (import "t:t/host@0.1.0" (instance $host (export "next" (func (param "n" u32) (result u32)))))
  (core func $next (canon lower (func $host "next")))
  (core module $m
    (import "host" "next" (func $next (param i32) (result i32)))
    (memory 1) (table $t 1 externref)
    (func (export "loop") (loop $l (br $l)))
    (func $deep (export "recurse") (param i32) (result i32)
      (i32.add (i32.const 1) (call $deep (local.get 0))))
    (func (export "allocate") (loop $l (br_if $l (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) unreachable)
    (func (export "tables") (loop $l
      (br_if $l (i32.ge_s (table.grow $t (ref.null extern) (i32.const 1000)) (i32.const 0)))) unreachable)
    (func (export "cope") (result i32)
      (loop $l (br_if $l (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0)))) (memory.size))
    (func (export "ask") (loop $l (drop (call $next (i32.const 1))) (br $l)))
    (func (export "wait") (result i32) (call $next (i32.const 7)))
    (func (export "answer") (result i32) (i32.const 42)))
  (core instance $i (instantiate $m (with "host" (instance (export "next" (func $next))))))
  ${["loop", "allocate", "tables", "ask"].map((name) => `(func (export "${name}") (canon lift (core func $i "${name}")))`).join("\n")}
  (func (export "recurse") (param "n" u32) (result u32) (canon lift (core func $i "recurse")))
  ${["cope", "wait", "answer"].map((name) => `(func (export "${name}") (result u32) (canon lift (core func $i "${name}")))`).join("\n")})`;

const host = (next: (n: number) => unknown = (n) => n, more: Partial<Provider> = {}): Provider => ({
  name: "host",
  interfaces: ["t:t/host@0.1.0"],
  suspending: [],
  defaultGranted: "*",
  instantiate: () => ({ "t:t/host@0.1.0": { next } }),
  ...more,
});
const waiting = { suspending: ["t:t/host#next"] };

const start = async (limits: InstanceLimits, provider = host(), more: Partial<InstanceContext> = {}) => {
  const component = await wat(away);
  const plan = await link(component, { providers: [provider] });
  return plan.instantiate(quietContext(component, { limits, ...more }));
};

/** Imports the slot's contract; \`go\` answers how many the fillings gave, plus 1000 for every time it was called. */
const application = `(component
  (import "s:s/pick@0.1.0" (instance $s (export "pick" (func (param "n" u32) (result (list u32))))))
  (core module $mem (memory (export "mem") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $mi (instantiate $mem))
  (core func $pick (canon lower (func $s "pick") (memory (core memory $mi "mem")) (realloc (core func $mi "realloc"))))
  (core module $m
    (import "s" "pick" (func $pick (param i32 i32)))
    (import "s" "mem" (memory 1))
    (global $calls (mut i32) (i32.const 0))
    (func (export "go") (param i32) (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1000)))
      (call $pick (local.get 0) (i32.const 0)) (i32.add (global.get $calls) (i32.load (i32.const 4)))))
  (core instance $i (instantiate $m (with "s" (instance (export "pick" (func $pick)) (export "mem" (memory $mi "mem"))))))
  (func (export "go") (param "n" u32) (result u32) (canon lift (core func $i "go"))))`;

const slotOf = async (
  combination: FilledSlot["combination"],
  fillings: readonly string[],
  limits: InstanceLimits = {},
) => {
  const plans: LinkedPlan[] = [];
  for (const [at, text] of fillings.entries())
    plans.push(await link(await wat(text, `filling${at}.wasm`), { limits }));
  const stopped: Fault[] = [];
  const provider = fillingProvider({
    slot: "style",
    contract: "s:s/pick@0.1.0",
    combination,
    fillings: plans,
    contextOf: (filling) => quietContext(filling.component),
    onStopped: (fault) => stopped.push(fault),
  });
  return { provider, stopped };
};

describe.each([...linkerNames])("linked by %s", (name) => {
  beforeEach(() => {
    linker = name;
  });

  test("a loop without end is stopped at its time, named by component and export, and poisons its instance alone", async () => {
    const instance = await start({ lifeMsMax: 600, hints: { time: "--timeout 160ms" } });
    const startMs = performance.now();
    const fault = await faultOf(() => instance.call(undefined, "loop", []));
    expect(performance.now() - startMs).toBeLessThan(1500);
    expect([fault.code, fault.hint]).toEqual(["LK0711", "--timeout 160ms"]);
    expect(fault.message).toBe("away.wasm was stopped in loop: it took longer than 600ms");
    expect(fault.causes).toContainEqual({ component: "away.wasm", phase: "call", message: "In loop" });
    expect((await faultOf(() => instance.call(undefined, "answer", []))).code).toBe("LK0304");
    expect(await (await start({ lifeMsMax: 10_000 })).call(undefined, "answer", [])).toBe(42);
  });

  test("a limit of each call begins anew with each", async () => {
    const instance = await start({ callMsMax: 400 });
    for (let call = 0; call < 6; call++) {
      expect(await instance.call(undefined, "answer", [])).toBe(42);
      await Bun.sleep(100);
    }
    expect((await faultOf(() => instance.call(undefined, "loop", []))).code).toBe("LK0711");
  });

  test("a limit of the whole life does not", async () => {
    const instance = await start({ lifeMsMax: 500 });
    await Bun.sleep(80);
    expect((await faultOf(() => instance.call(undefined, "ask", []))).code).toBe("LK0711");
  });

  test("a guest that asks the host for ever is stopped, however slow the host's answers are", async () => {
    const instance = await start(
      { lifeMsMax: 500 },
      host((n) => Bun.sleepSync(20) ?? n),
    );
    const startMs = performance.now();
    expect((await faultOf(() => instance.call(undefined, "ask", []))).code).toBe("LK0711");
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  test("a guest that waits past its time is abandoned, and what it held is let go", async () => {
    let released = 0;
    let arrive = (_: number) => {};
    const provider = host(undefined, {
      ...waiting,
      instantiate: (context) => {
        context.onDrop(() => released++);
        return { "t:t/host@0.1.0": { next: () => new Promise<number>((resolve) => (arrive = resolve)) } };
      },
    });
    const instance = await start({ callMsMax: 500 }, provider);
    const fault = await faultOf(() => instance.call(undefined, "wait", []));
    expect([fault.code, fault.message]).toEqual([
      "LK0711",
      "away.wasm was stopped in wait: it took longer than 500ms",
    ]);
    expect(released).toBe(1);
    // What it waited for arrives after all, and wakes nobody.
    arrive(1);
    await Bun.sleep(5);
    expect((await faultOf(() => instance.call(undefined, "answer", []))).code).toBe("LK0304");
  });

  test("a guest that waits within its time is answered", async () => {
    const instance = await start(
      { callMsMax: 5000 },
      host(async (n) => Bun.sleep(20).then(() => n * 6), waiting),
    );
    expect(await instance.call(undefined, "wait", [])).toBe(42);
  });

  test("a guest that waits and loops by turns is stopped in between", async () => {
    const instance = await start(
      { lifeMsMax: 600 },
      host(async (n) => n, waiting),
    );
    expect((await faultOf(() => instance.call(undefined, "ask", []))).code).toBe("LK0711");
  });

  test("a guest that is asked to stop and goes on is stopped after its grace", async () => {
    const controller = new AbortController();
    controller.abort();
    const instance = await start({ lifeMsMax: 60_000 }, host(), { stop: controller.signal });
    const fault = await faultOf(() => instance.call(undefined, "loop", []));
    expect([fault.code, fault.message]).toEqual(["LK0005", expect.stringContaining("asked to stop")]);
  });

  test("recursion without end is a trap that says so, with and without limits, and the host is unharmed", async () => {
    for (const limits of [{}, { lifeMsMax: 30_000 }]) {
      const instance = await start(limits);
      const fault = await faultOf(() => instance.call(undefined, "recurse", [1]));
      expect([fault.code, fault.message]).toEqual(["LK0304", expect.stringContaining("its stack is full")]);
      expect(await (await start(limits)).call(undefined, "answer", [])).toBe(42);
    }
  });

  test("a guest that allocates for ever gets no more than its limit, and the fault says what it asked for", async () => {
    for (const what of ["allocate", "tables"]) {
      const instance = await start({ memoryBytesMax: 8 * 1024 ** 2, hints: { memory: "--max-memory 16M" } });
      const fault = await faultOf(() => instance.call(undefined, what, []));
      expect([fault.code, fault.hint]).toEqual(["LK0712", "--max-memory 16M"]);
      expect(fault.message).toContain(`away.wasm trapped in ${what}`);
      expect(fault.message).toContain("the limit is 8M");
    }
  });

  test("a guest that copes with being refused memory is answered, and has all that the limit allows", async () => {
    const instance = await start({ memoryBytesMax: 1024 ** 2 });
    // 16 pages less the table's entry.
    expect(await instance.call(undefined, "cope", [])).toBe(15);
  });

  test("a guest that needs more than its limit to start is refused", async () => {
    const fault = await faultOf(() =>
      start({ memoryBytesMax: 1000, hints: { memory: "--max-memory 2000" } }),
    );
    expect([fault.code, fault.hint]).toEqual(["LK0712", "--max-memory 2000"]);
    expect(fault.message).toBe(
      "away.wasm cannot start: it has 0 of memory and asked for 65568 more, and the limit is 1000",
    );
  });

  test("a filling that loops for ever is left out and reported, and the application goes on", async () => {
    for (const combination of ["all", "first"] as const) {
      const fillings = [picker(1, true), picker(2)];
      const { provider, stopped } = await slotOf(combination, fillings, { callMsMax: 500 });
      const component = await wat(application, "application.wasm");
      const instance = await (await link(component, { providers: [provider] })).instantiate(
        quietContext(component),
      );
      expect(await instance.call(undefined, "go", [5])).toBe(1001);
      expect(stopped.map(({ code }) => code)).toEqual(["LK0711"]);
      expect(stopped[0]!.message).toContain("filling0.wasm was stopped in s:s/pick@0.1.0#pick");
      expect(stopped[0]!.causes.at(-1)).toMatchObject({ slot: "style", component: "filling0.wasm" });
      // Left out for good: its time is not spent again.
      const startMs = performance.now();
      expect(await instance.call(undefined, "go", [5])).toBe(2001);
      expect(performance.now() - startMs).toBeLessThan(50);
      expect(stopped).toHaveLength(1);
    }
  });

  test("the only filling of a slot that is stopped ends its caller's call, with the slot's name", async () => {
    const { provider } = await slotOf("one", [picker(1, true)], { callMsMax: 500 });
    const component = await wat(application, "application.wasm");
    const instance = await (await link(component, { providers: [provider] })).instantiate(
      quietContext(component),
    );
    const fault = await faultOf(() => instance.call(undefined, "go", [5]));
    expect(fault.code).toBe("LK0711");
    expect(fault.causes.map(({ slot }) => slot)).toContain("style");
  });

  test("an application's own time runs out in a filling that has none", async () => {
    const { provider, stopped } = await slotOf("all", [picker(1, true), picker(2)]);
    const component = await wat(application, "application.wasm");
    const plan = await link(component, { providers: [provider] });
    // Its fillings are made ready within its time.
    const instance = await plan.instantiate(quietContext(component, { limits: { lifeMsMax: 800 } }));
    const fault = await faultOf(() => instance.call(undefined, "go", [5]));
    expect([fault.code, stopped.length]).toEqual(["LK0711", 0]);
    expect(fault.message).toContain("application.wasm");
  });

  test("memory of a filling counts for its application, until it is dropped", async () => {
    const { provider } = await slotOf("all", [picker(1), picker(2)]);
    const component = await wat(application, "application.wasm");
    const plan = await link(component, { providers: [provider] });
    const context = (memoryBytesMax: number) => quietContext(component, { limits: { memoryBytesMax } });
    expect(await (await plan.instantiate(context(3 * 65_536))).call(undefined, "go", [5])).toBe(1002);
    expect((await faultOf(() => plan.instantiate(context(2 * 65_536)))).code).toBe("LK0712");
  });
});

test("output beyond its limit is not passed on, and ends the guest", async () => {
  const written: number[] = [];
  const sink = {
    write: (bytes: Uint8Array) => void written.push(bytes.length),
    flush() {},
    isTerminal: false,
  };
  const component = await wat(away);
  linker = "loop";
  const writer = host(undefined, {
    instantiate: ({ stdio }) => ({
      "t:t/host@0.1.0": { next: (n: number) => stdio.stdout.write(new Uint8Array(40)) ?? n },
    }),
  });
  const plan = await link(component, { providers: [writer] });
  const stdio = { ...quietContext(component).stdio, stdout: sink };
  const instance = await plan.instantiate(
    quietContext(component, { limits: { outputBytesMax: 100 }, stdio }),
  );
  const fault = await faultOf(() => instance.call(undefined, "ask", []));
  expect([fault.code, fault.message]).toEqual([
    "LK0713",
    "away.wasm was stopped in ask: it wrote more than 100",
  ]);
  expect(written).toEqual([40, 40]);
});

test("without a limit the engine gets a module's own bytes, and nothing is metered", async () => {
  const bytes = await (await wasmTools()).parse(`(module (func (export "go") (loop)))`);
  const compile = WebAssembly.compile;
  const given: unknown[] = [];
  WebAssembly.compile = ((source: BufferSource) => {
    given.push(source);
    return compile(source);
  }) as typeof compile;
  try {
    expect(WebAssembly.Module.imports(await compileCore(bytes))).toEqual([]);
    expect(given[0]).toBe(bytes);
    await compileCore(bytes, { time: true, memory: true });
    expect(given[1]).not.toBe(bytes);
  } finally {
    WebAssembly.compile = compile;
  }
});
