import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import type { Fault } from "../base/fault.ts";
import { ownCache } from "../base/fixture.ts";
import { wasmTools } from "../contract/tools.ts";
import { verify } from "../trust/verify.ts";
import { Chain } from "./chain.ts";
import { counters, quietContext } from "./fixture.ts";
import { Places } from "./places.ts";
import { link } from "./plan.ts";

// Resources of a component that serves a capability, held while another takes its place.

ownCache();

interface Counters {
  Counter: { new (n: number): { get(): number }; both(a: unknown, b: unknown): number };
}

const planOf = async (factor: number) =>
  link(verify(`${factor}`, await (await wasmTools()).parse(counters(factor))), { providers: [] });

/** What a guest is given of a stand-in, and the way to swap it. */
const served = async () => {
  const plans = [await planOf(1), await planOf(10)];
  const places = new Places();
  const { exports } = plans[0]!.world;
  const chain = new Chain({
    slot: "provider:a:b",
    covers: () => true,
    imports: exports,
    rest: [],
    joins: () => [],
    requireFit: () => {},
    contextOf: ({ component }) => quietContext(component),
    swaps: () => ({
      places,
      arrive: async ({ identifier }) => {
        const plan = plans.find(({ component }) => component.identifier === identifier)!;
        return { plan, lacks: () => [], contextOf: () => quietContext(plan.component) };
      },
    }),
  });
  chain.add(plans[0]!);
  const provider = await chain.provider();
  const wanted = [...exports].flatMap(([offered, extern]) =>
    extern.kind === "interface" ? [{ offered, interface: extern.interface }] : [],
  );
  const given = await provider.instantiate(quietContext(plans[0]!.component), wanted);
  const { Counter } = given["a:b/counters@1.0.0"] as unknown as Counters;
  return { Counter, swapTo: (factor: number) => places.swap("provider:a:b", { identifier: `${factor}` }) };
};

const thrown = async (work: () => unknown): Promise<unknown> => {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("Nothing was thrown");
};

test("what the old one made is gone after a swap, and is never another's", async () => {
  const { Counter, swapTo } = await served();
  const old = new Counter(7);
  expect(await old.get()).toBe(7);
  await swapTo(10);
  const made = new Counter(7);
  expect(await made.get()).toBe(70);
  expect(((await thrown(() => old.get())) as Fault).code).toBe("LK0426");
  // Nor does it pass for one of the new as an argument, on either side.
  for (const work of [() => Counter.both(old, made), () => Counter.both(made, old)])
    expect(((await thrown(work)) as Fault).code).toBe("LK0426");
  expect(await Counter.both(made, made)).toBe(140);
  // The one that comes back is a generation of its own.
  await swapTo(1);
  expect(((await thrown(() => old.get())) as Fault).code).toBe("LK0426");
  expect(((await thrown(() => made.get())) as Fault).code).toBe("LK0426");
});

test("five hundred swaps under a guest that holds on to what the old ones made leave memory flat", async () => {
  const { Counter, swapTo } = await served();
  const held: { get(): number }[] = [];
  const objects: number[] = [];
  for (let i = 1; i <= 500; i++) {
    held.push(new Counter(i));
    await swapTo(i % 2 === 0 ? 1 : 10);
    if (held.length > 8) expect(((await thrown(() => held.shift()!.get())) as Fault).code).toBe("LK0426");
    if (i % 50 === 0) {
      // What was collected is told at the end of a turn.
      for (let turn = 0; turn < 3; turn++) {
        Bun.gc(true);
        await Bun.sleep(1);
      }
      objects.push(heapStats().objectCount);
    }
  }
  expect(objects.at(-1)! - objects[2]!).toBeLessThan(2000);
}, 60_000);
