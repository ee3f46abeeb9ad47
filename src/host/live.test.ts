import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import { ownCache } from "../base/fixture.ts";
import { limits } from "../base/limits.ts";
import { wasmTools } from "../contract/tools.ts";
import { verify } from "../trust/verify.ts";
import {
  candidate,
  contextOf,
  count,
  counterText,
  failure,
  host,
  type Made,
  phaseOf,
  placed,
  planOf,
  rests,
  swapTo,
} from "./fixture.ts";
import { type Candidate, Live } from "./live.ts";
import { succeeding } from "./places.ts";
import { link } from "./plan.ts";
import type { InstanceContext } from "./provider.ts";

ownCache("each");

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
  rests.length = 0;
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

test("whoever waits for a call of what was replaced need not wait for its end, nor hear of its failure", async () => {
  const live = await placed({ handsOver: false, waits: true });
  rests.length = 0;
  const old = live.instance;
  const call = live.callWhileThere("t:t/counter", "nap", []);
  while (rests.length === 0) await Bun.sleep(1);
  await swapTo(live, { step: 10, handsOver: false, waits: true });
  expect(await call).toBeUndefined();
  // It goes on to its end all the same, and is dropped after it.
  expect(old.usable).toBe(true);
  rests[0]!();
  while (old.usable) await Bun.sleep(1);
  expect(await live.callWhileThere("t:t/counter", "count", [])).toBe(10);
});

test("state waits for the calls in flight, and the calls of meanwhile for the state", async () => {
  rests.length = 0;
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
