import { heapStats } from "bun:jsc";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { wasmTools } from "../contract/tools.ts";
import { noGrants } from "../trust/grants.ts";
import { verify } from "../trust/verify.ts";
import { type Candidate, Live } from "./live.ts";
import { succeeding } from "./places.ts";
import { type LinkedPlan, link } from "./plan.ts";
import type { InstanceContext, Provider } from "./provider.ts";

let cache: string;
const before = process.env.XDG_CACHE_HOME;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "loop-live-"));
  process.env.XDG_CACHE_HOME = cache;
});
afterEach(() => {
  rmSync(cache, { recursive: true, force: true });
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
});

/** What a counter does differently from the usual one; each text is core code. */
interface Made {
  /** Added at each count, which is how calls tell generations apart. */
  readonly step?: number;
  readonly start?: string;
  readonly save?: string;
  readonly restore?: string;
  readonly health?: string;
  /** The only version of state that it takes, a digit. */
  readonly takes?: number;
  readonly handsOver?: boolean;
  readonly waits?: boolean;
  /** Another function instead of `count`. */
  readonly exported?: string;
}

/** `count` adds a step and answers the sum; `nap` waits at the host and answers the sum. */
const counterText = ({ step = 1, takes = 1, ...made }: Made): string => {
  const { start = "", save = "", restore = "", health, handsOver = true, waits = false } = made;
  const host = waits
    ? `(import "t:t/host" (instance $host (export "rest" (func))))
       (core func $rest (canon lower (func $host "rest")))`
    : "";
  return `(component
  ${host}
  (core module $m
    ${waits ? '(import "host" "rest" (func $rest))' : "(func $rest)"}
    (memory (export "memory") 1)
    (data (i32.const 64) "${takes}")
    (data (i32.const 80) "other version")
    (data (i32.const 112) "not today")
    (global $sum (mut i32) (i32.const 0))
    (global $next (mut i32) (i32.const 1024))
    (func $start ${start}) (start $start)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.add (local.get $at) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
      (local.get $at))
    (func (export "count") (result i32)
      (global.set $sum (i32.add (global.get $sum) (i32.const ${step}))) (global.get $sum))
    (func (export "nap") (result i32) (call $rest) (global.get $sum))
    (func (export "save") (result i32) ${save}
      (i32.store (i32.const 8) (global.get $sum))
      (i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const 1))
      (i32.store (i32.const 24) (i32.const 8)) (i32.store (i32.const 28) (i32.const 4))
      (i32.const 16))
    (func (export "restore") (param i32 i32 i32 i32) (result i32) ${restore}
      (if (i32.ne (i32.load8_u (local.get 0)) (i32.load8_u (i32.const 64)))
        (then
          (i32.store (i32.const 32) (i32.const 1))
          (i32.store (i32.const 36) (i32.const 80)) (i32.store (i32.const 40) (i32.const 13)))
        (else
          (i32.store (i32.const 32) (i32.const 0))
          (global.set $sum (i32.load (local.get 2)))))
      (i32.const 32))
    (func (export "check") (result i32) ${health ?? ""}
      (i32.store (i32.const 48) (i32.const 0)) (i32.const 48)))
  (core instance $i (instantiate $m ${waits ? '(with "host" (instance (export "rest" (func $rest))))' : ""}))
  (alias core export $i "memory" (core memory $memory))
  (alias core export $i "realloc" (core func $realloc))
  (func $count (result u32) (canon lift (core func $i "count")))
  (func $nap (result u32) (canon lift (core func $i "nap")))
  (instance (export "t:t/counter") (export "${made.exported ?? "count"}" (func $count)) (export "nap" (func $nap)))
  ${handsOver ? handoverText : ""}
  ${health === undefined ? "" : healthText})`;
};

const handoverText = `
  (type $saved (record (field "version" string) (field "bytes" (list u8))))
  (component $shim
    (type $s (record (field "version" string) (field "bytes" (list u8))))
    (import "saved" (type $saved (eq $s)))
    (import "save" (func $save (result $saved)))
    (import "restore" (func $restore (param "version" string) (param "bytes" (list u8)) (result (result (error string)))))
    (export $named "saved" (type $saved))
    (export "save" (func $save) (func (result $named)))
    (export "restore" (func $restore)))
  (func $save (result $saved) (canon lift (core func $i "save") (memory $memory)))
  (func $restore (param "version" string) (param "bytes" (list u8)) (result (result (error string)))
    (canon lift (core func $i "restore") (memory $memory) (realloc $realloc)))
  (instance $h (instantiate $shim (with "saved" (type $saved)) (with "save" (func $save)) (with "restore" (func $restore))))
  (export "loop:core/handover@0.1.0" (instance $h))`;

const healthText = `
  (func $check (result (result (error string))) (canon lift (core func $i "check") (memory $memory)))
  (instance (export "loop:core/health@0.1.0") (export "check" (func $check)))`;

let rests: (() => void)[] = [];
const host: Provider = {
  name: "host",
  interfaces: ["t:t/host"],
  suspending: ["t:t/host#rest"],
  defaultGranted: "*",
  instantiate: () => ({
    "t:t/host": { rest: () => new Promise<void>((resolve) => rests.push(() => resolve())) },
  }),
};

const planOf = async (made: Made): Promise<LinkedPlan> => {
  const bytes = await (await wasmTools()).parse(counterText(made));
  return link(verify(`counter-${JSON.stringify(made)}`, bytes), { providers: [host] });
};

const contextOf = ({ component }: LinkedPlan): InstanceContext => ({
  component: { identifier: component.identifier, digest: component.digest },
  args: [],
  grants: noGrants,
  limits: { stoppable: true },
  stdio: {
    stdin: { read: () => undefined, isTerminal: false },
    stdout: { write() {}, flush() {}, isTerminal: false },
    stderr: { write() {}, flush() {}, isTerminal: false },
  },
  onDrop() {},
});

const candidate = (plan: LinkedPlan, more: Partial<Candidate> = {}): Candidate => ({
  plan,
  start: () => plan.instantiate(contextOf(plan)),
  ...more,
});

/** A place with a counter in it. */
const placed = async (made: Made = {}): Promise<Live> => {
  const plan = await planOf(made);
  const whole = plan.world;
  const name = "t:t/counter";
  const contract = { ...whole, exports: new Map([[name, whole.exports.get(name)!]]) };
  const instance = await plan.instantiate(contextOf(plan));
  return new Live({ place: "counter", contract, waits: true }, plan, instance);
};

const count = (live: Live) => live.callNow("t:t/counter", "count", []);
const swapTo = async (live: Live, made: Made, more: Partial<Candidate> = {}) => {
  const plan = await planOf(made);
  return live.swap(async (phases, requireFit) => {
    phases.enter("compare");
    requireFit(plan.component, plan.world);
    phases.enter("link");
    return candidate(plan, more);
  });
};

const failure = async (work: Promise<unknown>): Promise<Fault> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Fault) return error;
  throw new Error(`A fault was looked for, and there is ${error}`);
};

const phaseOf = (fault: Fault): string | undefined =>
  /^Swapping: (\w+)/.exec(fault.causes.find(({ slot }) => slot === "counter")?.message ?? "")?.[1];

test("state that both sides hand over crosses, and callers go on counting", async () => {
  const live = await placed();
  expect(count(live)).toBe(1);
  const { state, generation, parts } = await swapTo(live, { step: 10 });
  expect({ state, generation }).toEqual({ state: "handed-over", generation: 2 });
  expect(parts.map(({ phase }) => phase)).toEqual([
    "fetch",
    "compare",
    "link",
    "instantiate",
    "save",
    "restore",
    "health",
    "exchange",
  ]);
  expect(count(live)).toBe(11);
});

test("what hands nothing over begins anew", async () => {
  const live = await placed({ handsOver: false });
  expect(count(live)).toBe(1);
  expect((await swapTo(live, { step: 10 })).state).toBe("none");
  expect(count(live)).toBe(10);
});

test("state of another version goes through the migration, and without one the old goes on", async () => {
  const live = await placed();
  count(live);
  const refused = await failure(swapTo(live, { step: 10, takes: 2 }));
  expect([refused.code, phaseOf(refused)]).toEqual(["LK0423", "restore"]);
  expect(refused.message).toContain("other version");
  expect(count(live)).toBe(2);
  const migrate: Candidate["migrate"] = async ({ bytes }) => ({ version: "2", bytes });
  expect((await swapTo(live, { step: 10, takes: 2 }, { migrate })).state).toBe("migrated");
  expect(count(live)).toBe(12);
});

const broken: readonly [string, Made, string][] = [
  ["a trap in its start", { start: "unreachable" }, "instantiate"],
  ["a trap in restore", { restore: "unreachable" }, "restore"],
  ["a trap in health", { health: "unreachable" }, "health"],
  ["a sentence in health", { health: notWell() }, "health"],
  ["another world", { exported: "tally" }, "compare"],
  ["another version of state", { takes: 7 }, "restore"],
];

function notWell(): string {
  return `(i32.store (i32.const 48) (i32.const 1)) (i32.store (i32.const 52) (i32.const 112))
    (i32.store (i32.const 56) (i32.const 9)) (return (i32.const 48))`;
}

for (const [what, made, phase] of broken)
  test(`${what} leaves the old one serving, with its state`, async () => {
    const live = await placed();
    count(live);
    const fault = await failure(swapTo(live, { step: 10, ...made }));
    expect(phaseOf(fault)).toBe(phase);
    expect([count(live), live.generation]).toEqual([2, 1]);
  });

test("a restore that never ends is stopped, and the old one goes on", async () => {
  const live = await placed();
  count(live);
  const plan = await planOf({ step: 10, restore: "(loop $for_ever (br $for_ever))" });
  const start = async () => {
    const made = await plan.instantiate(contextOf(plan));
    const { callWithin } = made;
    // Nobody waits five seconds for a law.
    made.callWithin = (_ms, ...rest) => callWithin.call(made, 50, ...rest);
    return made;
  };
  const fault = await failure(live.swap(async () => ({ plan, start })));
  expect([fault.code, phaseOf(fault)]).toEqual(["LK0711", "restore"]);
  expect(count(live)).toBe(2);
});

test("a start that never ends is stopped, and the old one goes on", async () => {
  const live = await placed();
  count(live);
  const plan = await planOf({ step: 10, start: "(loop $for_ever (br $for_ever))" });
  const context = contextOf(plan);
  const start = () => plan.instantiate({ ...context, limits: { stoppable: true, startMsMax: 50 } });
  const fault = await failure(live.swap(async () => ({ plan, start })));
  expect([fault.code, phaseOf(fault)]).toEqual(["LK0711", "instantiate"]);
  expect(count(live)).toBe(2);
});

test("what takes a place has a time for its start", () => {
  const { limits: held } = succeeding({ limits: { callMsMax: 7 } } as InstanceContext, undefined);
  expect(held).toEqual({ callMsMax: 7, stoppable: true, startMsMax: limits.swapCallMsMax });
});

test("a save that passes its slot's timeout ends the old one, and what is swapped in next begins anew", async () => {
  const plan = await planOf({ save: "(loop $for_ever (br $for_ever))" });
  const instance = await plan.instantiate({ ...contextOf(plan), limits: { callMsMax: 50 } });
  const exports = new Map([["t:t/counter", plan.world.exports.get("t:t/counter")!]]);
  const live = new Live(
    { place: "counter", contract: { ...plan.world, exports }, waits: true },
    plan,
    instance,
  );
  count(live);
  const fault = await failure(swapTo(live, { step: 10 }));
  expect([fault.code, phaseOf(fault)]).toEqual(["LK0711", "save"]);
  expect(() => count(live)).toThrow("after it had trapped");
  expect((await swapTo(live, { step: 10 })).state).toBe("none");
  expect(count(live)).toBe(10);
});

test("a migration that never ends leaves the old one serving", async () => {
  const live = await placed();
  count(live);
  const endless = await planOf({ health: "(loop $for_ever (br $for_ever))" });
  const migrate = async () => {
    const migration = await endless.instantiate(contextOf(endless));
    return (await migration.callWithin(50, "loop:core/health@0.1.0", "check", [])) as never;
  };
  const fault = await failure(swapTo(live, { step: 10, takes: 2 }, { migrate }));
  expect([fault.code, phaseOf(fault)]).toEqual(["LK0711", "restore"]);
  expect(count(live)).toBe(2);
});

test("bytes that are no component, or are cut anywhere, change nothing", async () => {
  const live = await placed();
  count(live);
  const whole = await (await wasmTools()).parse(counterText({ step: 10 }));
  for (const bytes of [
    new Uint8Array(0),
    new TextEncoder().encode("this is no component"),
    ...Array.from({ length: 40 }, (_, i) => whole.subarray(0, Math.floor((whole.length * i) / 40))),
  ]) {
    const load = async () => candidate(await link(verify("cut", bytes), { providers: [host] }));
    // Sections may end where it was cut: then it is a component that does not export what callers use.
    expect((await failure(live.swap(load))).code).toMatch(/^LK0(20\d|402|30\d)$/);
  }
  expect([count(live), live.generation]).toEqual([2, 1]);
});

test("what lacks a grant does not start", async () => {
  const live = await placed();
  const fault = await failure(swapTo(live, { step: 10 }, { lacks: ["loop:storage"] }));
  expect([fault.code, phaseOf(fault)]).toEqual(["LK0701", "link"]);
  expect(count(live)).toBe(1);
});

test("what cannot be loaded changes nothing, and the phase is the loader's", async () => {
  const live = await placed();
  const fault = await failure(
    live.swap(async (phases) => {
      phases.enter("verify");
      throw new Fault("LK0203", "The component is malformed at byte 8");
    }),
  );
  expect([fault.code, phaseOf(fault)]).toEqual(["LK0203", "verify"]);
  expect(count(live)).toBe(1);
});

test("where callers cannot wait, neither can what comes", async () => {
  const plan = await planOf({});
  const instance = await plan.instantiate(contextOf(plan));
  const contract = { ...plan.world, exports: new Map() };
  const live = new Live({ place: "counter", contract, waits: false }, plan, instance);
  const fault = await failure(swapTo(live, { waits: true }));
  expect([fault.code, phaseOf(fault)]).toEqual(["LK0402", "link"]);
});

test("calls in flight finish on the old, new calls go to the new, and the old is dropped after its last", async () => {
  rests = [];
  const live = await placed({ waits: true, handsOver: false });
  await count(live);
  const old = live.instance;
  const napping = live.callNow("t:t/counter", "nap", []) as Promise<number>;
  await swapTo(live, { step: 10, handsOver: false });
  expect(count(live)).toBe(10);
  expect(old.usable).toBe(true);
  for (const rest of rests) rest();
  expect(await napping).toBe(1);
  expect(old.usable).toBe(false);
});

test("state waits for the calls in flight, and the calls of meanwhile for the state", async () => {
  rests = [];
  const live = await placed({ waits: true });
  await count(live);
  const napping = live.callNow("t:t/counter", "nap", []) as Promise<number>;
  const swapping = swapTo(live, { step: 10 });
  while (!live.changing) await Bun.sleep(1);
  const meanwhile = count(live);
  expect(meanwhile).toBeInstanceOf(Promise);
  for (const rest of rests) rest();
  expect(await napping).toBe(1);
  const { state } = await swapping;
  expect(state).toBe("handed-over");
  expect(await meanwhile).toBe(11);
});

test("a place that is dropped during a swap drops both", async () => {
  const live = await placed();
  const plan = await planOf({ step: 10 });
  let made: { usable: boolean } | undefined;
  const fault = await failure(
    live.swap(async () => ({
      plan,
      start: async () => {
        const instance = await plan.instantiate(contextOf(plan));
        made = instance;
        live.drop();
        return instance;
      },
    })),
  );
  expect(fault.code).toBe("LK0422");
  expect([made?.usable, live.instance.usable]).toEqual([false, false]);
});

test("a thousand swaps, a third of them broken, lose no call and end with the right one", async () => {
  const plans = await Promise.all(
    [{ step: 10 }, { step: 100 }, ...broken.map(([, made]) => ({ step: 1000, ...made }))].map(planOf),
  );
  const live = await placed();
  let calls = 0;
  let last = 0;
  let done = false;
  const caller = async () => {
    while (!done) {
      const sum = (await count(live)) as number;
      // A state that was lost, or half-restored, would be less than one that was seen.
      expect(sum).toBeGreaterThan(last);
      last = sum;
      calls++;
      if (calls % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const calling = caller();
  let failed = 0;
  const memory: { rss: number; objects: number }[] = [];
  const measure = () => {
    Bun.gc(true);
    memory.push({ rss: process.memoryUsage.rss() / 2 ** 20, objects: heapStats().objectCount });
  };
  for (let i = 0; i < 1000; i++) {
    if (i % 100 === 99) measure();
    const plan = i % 3 === 2 ? plans[2 + (((i / 3) | 0) % broken.length)]! : plans[i % 2]!;
    await live.swap(async () => candidate(plan)).catch(() => failed++);
    await new Promise((resolve) => setImmediate(resolve));
  }
  done = true;
  await calling;
  expect(failed).toBe(333);
  expect(live.generation).toBe(1 + 667);
  expect(live.plan).toBe(plans[999 % 2]!);
  expect(calls).toBeGreaterThan(1000);
  // From when the engine has compiled what it will: nothing of an instance that was dropped, or never served, is left.
  const [early, late] = [memory.slice(2, 5), memory.slice(-3)];
  const least = (of: "rss" | "objects", some: typeof memory) => Math.min(...some.map((one) => one[of]));
  expect(least("rss", late) - least("rss", early)).toBeLessThan(16);
  // 400 instances later; one that was kept would be dozens of objects.
  expect(least("objects", late) - least("objects", early)).toBeLessThan(2000);
}, 60_000);

test("a swap takes no more than its bounds let it", () => {
  expect(limits.swapCallMsMax).toBeLessThan(limits.swapQuietMsMax);
});
