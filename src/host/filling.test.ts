import { heapStats } from "bun:jsc";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { wasmTools } from "../contract/tools.ts";
import { verify } from "../trust/verify.ts";
import { type Combination, fillingProvider } from "./filling.ts";
import { contextOf, counters, countersGuest, failure } from "./fixture.ts";
import { type LinkerName, linkerNames } from "./linkers.ts";
import { Places } from "./places.ts";
import { type LinkedPlan, link } from "./plan.ts";

// Objects that the fillings of an application's slot make, held by a guest while others come and go.

const before = process.env.XDG_CACHE_HOME;
let cache = "";
beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), "loop-filling-"));
  process.env.XDG_CACHE_HOME = cache;
});
afterAll(() => {
  rmSync(cache, { recursive: true, force: true });
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
});

type Exported = "make" | "get" | "peek" | "both" | "dropped" | "drop";

const textOf = (factor: number) => counters(factor, factor === endless ? "(loop $l (br $l))" : "");

/** The factor of one whose objects never answer. */
const endless = 9;

/** A guest of a slot whose fillings are named by the factors that they multiply with. */
const served = async (
  combination: Combination,
  factors: readonly number[],
  [guest, filling]: readonly [LinkerName, LinkerName],
) => {
  const tools = await wasmTools();
  const plans = new Map<string, Promise<LinkedPlan>>();
  const planOf = (factor: string): Promise<LinkedPlan> => {
    const made = async () =>
      link(verify(factor, await tools.parse(textOf(Number(factor)))), { providers: [], linker: filling });
    const plan = plans.get(factor) ?? made();
    plans.set(factor, plan);
    return plan;
  };
  const places = new Places();
  const stopped: string[] = [];
  const fillings = await Promise.all(factors.map((factor) => planOf(`${factor}`)));
  const provider = fillingProvider({
    slot: "counters",
    contract: "a:b/counters@1.0.0",
    combination,
    fillings,
    contextOf: (plan) => ({
      ...contextOf(plan),
      ...(plan.component.identifier === `${endless}` && { limits: { callMsMax: 300 } }),
    }),
    onStopped: ({ code }) => stopped.push(code),
    swaps: {
      places,
      async arrive({ identifier }, _, phases, requireFit) {
        const plan = await planOf(identifier);
        phases.enter("compare");
        requireFit(plan.component, plan.world);
        return { plan, lacks: () => [], contextOf: () => contextOf(plan) };
      },
    },
  });
  const plan = await link(verify("guest", await tools.parse(countersGuest)), {
    providers: [provider],
    linker: guest,
  });
  const instance = await plan.instantiate(contextOf(plan));
  return {
    call: (func: Exported, ...args: number[]) => instance.call(undefined, func, args) as Promise<number>,
    swap: (factor: number) => places.swap("counters", { identifier: `${factor}` }),
    arrange: (...next: number[]) =>
      places.arrange(
        "counters",
        next.map((factor) => ({ identifier: `${factor}` })),
      ),
    end: () => instance.drop(),
    stopped,
  };
};

/** What was collected is told at the end of a turn. */
const collect = async () => {
  for (let turn = 0; turn < 3; turn++) {
    Bun.gc(true);
    await Bun.sleep(1);
  }
};

const pairs = linkerNames.flatMap((guest) => linkerNames.map((filling) => [guest, filling] as const));

describe.each(pairs)("a guest linked by %s, fillings by %s", (...linkers) => {
  test("an object is its maker's, and gone after a swap by the function's own err", async () => {
    const { call, swap } = await served("one", [1], linkers);
    const old = await call("make", 7);
    expect([await call("get", old), await call("peek", old)]).toEqual([7, 0]);
    await swap(10);
    const made = await call("make", 7);
    expect(await call("peek", old)).toBe(1);
    expect([await call("get", made), await call("both", made, made)]).toEqual([70, 140]);
    // The one that comes back is a generation of its own.
    await swap(1);
    expect([await call("peek", old), await call("peek", made)]).toEqual([1, 1]);
    expect((await failure(call("get", old))).code).toBe("LK0426");
  });

  test("one of another generation is refused as an argument, on either side", async () => {
    for (const swapped of [false, true]) {
      const { call, swap } = await served("one", [1], linkers);
      const old = await call("make", 7);
      await swap(10);
      const made = await call("make", 7);
      const args = swapped ? [made, old] : [old, made];
      expect((await failure(call("both", ...args))).code).toBe("LK0426");
    }
  });

  test("what is dropped goes back to its maker, and to nobody where that is gone", async () => {
    const { call, swap } = await served("one", [1], linkers);
    const [first, second, third] = [await call("make", 1), await call("make", 2), await call("make", 3)];
    await call("drop", first);
    expect(await call("dropped")).toBe(1);
    await swap(10);
    await call("drop", second);
    expect(await call("dropped")).toBe(0);
    await call("drop", await call("make", 4));
    expect(await call("dropped")).toBe(1);
    expect(await call("peek", third)).toBe(1);
  });

  test("of several, who comes first makes objects, and each answers for its own while it is there", async () => {
    const { call, arrange } = await served("first", [1, 10], linkers);
    const ones = await call("make", 7);
    await arrange(10, 1);
    const tens = await call("make", 7);
    expect([await call("get", ones), await call("get", tens)]).toEqual([7, 70]);
    expect([await call("both", ones, ones), await call("both", tens, tens)]).toEqual([14, 140]);
    await arrange(10);
    expect([await call("peek", ones), await call("peek", tens)]).toEqual([1, 0]);
    // Back again it is another.
    await arrange(1, 10);
    expect([await call("peek", ones), await call("get", tens)]).toEqual([1, 70]);
    const again = await call("make", 7);
    expect((await failure(call("both", again, tens))).code).toBe("LK0426");
  });

  test("one of several whose object never answers is stopped and left out", async () => {
    const { call, stopped } = await served("first", [endless, 10], linkers);
    const held = await call("make", 1);
    expect((await failure(call("get", held))).code).toBe("LK0711");
    expect(stopped).toEqual(["LK0711"]);
  });

  test("a slot of one that is filled anew as a row has no object of who left", async () => {
    const { call, arrange } = await served("one", [1], linkers);
    const old = await call("make", 7);
    await arrange(1);
    expect(await call("get", old)).toBe(7);
    await arrange(10);
    expect(await call("peek", old)).toBe(1);
    expect(await call("get", await call("make", 7))).toBe(70);
  });

  test("whoever holds objects of sixty that are gone keeps none of those", async () => {
    const { call, swap } = await served("one", [1], linkers);
    const instances = async () => {
      await collect();
      return heapStats().objectTypeCounts["WebAssembly.Instance"]!;
    };
    const before = await instances();
    const held: number[] = [];
    for (let i = 1; i <= 60; i++) {
      held.push(await call("make", i));
      await swap(i % 2 === 0 ? 1 : 10);
    }
    // Each is two core instances.
    expect((await instances()) - before).toBeLessThan(30);
    for (const one of held) expect(await call("peek", one)).toBe(1);
  }, 60_000);

  test("two hundred swaps with objects held and let go leave memory flat", async () => {
    const { call, swap, end } = await served("one", [1], linkers);
    const held: number[] = [];
    const objects: number[] = [];
    for (let i = 1; i <= 200; i++) {
      held.push(await call("make", i));
      await swap(i % 2 === 0 ? 1 : 10);
      if (held.length > 8) {
        expect(await call("peek", held[0]!)).toBe(1);
        await call("drop", held.shift()!);
      }
      if (i % 25 > 0) continue;
      await collect();
      objects.push(heapStats().objectCount);
    }
    // What jco makes is warm after some hundred; a generation that stays is fifty objects and more.
    expect(objects.at(-1)! - objects[2]!).toBeLessThan(5000);
    end();
  }, 60_000);
});

test("several whose answers are joined cannot construct, and are refused before the guest starts", async () => {
  const refused = await failure(served("all", [1, 10], ["loop", "loop"]));
  expect(refused.code).toBe("LK0402");
  expect(refused.message).toContain("the result of [constructor]counter is no list");
});
