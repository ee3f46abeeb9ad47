import { expect, test } from "bun:test";
import { ownCache } from "../base/fixture.ts";
import { fillingProvider } from "./filling.ts";
import { contextOf, failure, type Made, planOf } from "./fixture.ts";
import { Places, type SwapEvent } from "./places.ts";

// Several of a slot that give way at once, with their state: all of them, or none.

ownCache();

const contract = "t:t/counter";
/** What saving changes of a counter itself is undone where it goes on. */
const spoils = "(global.set $sum (i32.add (global.get $sum) (i32.const 5000)))";

const made: Readonly<Record<string, Made>> = {
  one: { step: 1, save: spoils },
  ten: { step: 10, save: spoils },
  hundred: { step: 100 },
  thousand: { step: 1000 },
  trapping: { step: 9, restore: "unreachable" },
  refusing: { step: 9, takes: 7 },
  ill: { step: 9, health: "unreachable" },
  unsaved: { step: 3, save: "unreachable" },
};

/** A slot of `first`, whose first filling answers all that it is asked. */
const slot = async (...identifiers: string[]) => {
  const places = new Places();
  const events: SwapEvent[] = [];
  places.listen((event) => events.push(event));
  const plans = new Map<string, Awaited<ReturnType<typeof planOf>>>();
  for (const [name, one] of Object.entries(made)) {
    const plan = await planOf(one);
    plans.set(name, { ...plan, component: { ...plan.component, identifier: name } as typeof plan.component });
  }
  const provider = fillingProvider({
    slot: "counters",
    contract,
    combination: "first",
    fillings: identifiers.map((name) => plans.get(name)!),
    contextOf: (plan) => contextOf(plan),
    swaps: {
      places,
      async arrive({ identifier }) {
        const plan = plans.get(identifier)!;
        return { plan, lacks: () => [], contextOf: () => contextOf(plan) };
      },
    },
  });
  const given = await provider.instantiate(contextOf(plans.get("one")!));
  const { count } = given[contract] as { count(): number | Promise<number> };
  return {
    count: async () => count(),
    events,
    places,
    arrange: (...names: string[]) =>
      places.arrange(
        "counters",
        names.map((identifier) => ({ identifier })),
      ),
    standing: () => places.at("counters").map(({ identifier, generation }) => `${identifier} ${generation}`),
  };
};

test("several give way at once, each with its state to who takes its place", async () => {
  const { count, arrange, standing, events } = await slot("one", "ten");
  expect([await count(), await count()]).toEqual([1, 2]);
  await arrange("ten", "one");
  expect(await count()).toBe(10);
  await arrange("hundred", "thousand");
  expect(standing()).toEqual(["hundred 2", "thousand 2"]);
  expect(await count()).toBe(5110);
  await arrange("thousand", "hundred");
  expect(await count()).toBe(6002);
  expect(events.map((event) => ("swapped" in event ? event.swapped.state : "arranged" in event))).toEqual([
    true,
    "handed-over",
    "handed-over",
    true,
  ]);
});

for (const [bad, phase] of [
  ["trapping", "restore"],
  ["refusing", "restore"],
  ["ill", "health"],
] as const)
  test(`where the second of them is ${bad} the first has not changed, and nobody has lost anything`, async () => {
    const { count, arrange, standing, events } = await slot("one", "ten");
    expect(await count()).toBe(1);
    const failing = failure(arrange("hundred", bad));
    // Calls wait while state is on its way, and are answered by who goes on.
    const waiting = Promise.all([count(), count()]);
    const failed = await failing;
    expect(failed.causes.some(({ message }) => message.startsWith(`Swapping: ${phase}`))).toBe(true);
    expect(await waiting).toEqual([2, 3]);
    expect([await count(), standing()]).toEqual([4, ["one 1", "ten 1"]]);
    expect(events.length).toBe(1);
    await arrange("ten", "one");
    expect(await count()).toBe(10);
    // Those that failed have left nothing that would keep the next ones out.
    await arrange("thousand", "one");
    expect(standing()).toEqual(["thousand 2", "one 1"]);
    expect(await count()).toBe(6010);
  });

test("who cannot save its state stays, and so does everybody else", async () => {
  const { count, arrange, standing } = await slot("one", "unsaved", "ten");
  expect(await count()).toBe(1);
  await failure(arrange("hundred", "thousand"));
  expect(standing()).toEqual(["one 1", "unsaved 1", "ten 1"]);
  expect(await count()).toBe(2);
});

test("a swap of one of them and a change of all follow one another", async () => {
  const { count, arrange, standing, places } = await slot("one", "ten");
  const [swapped] = await Promise.all([
    places.swap("counters", { identifier: "hundred" }, "one"),
    arrange("ten", "hundred"),
    places.swap("counters", { identifier: "thousand" }, "ten"),
  ]);
  expect(swapped[0]).toMatchObject({ generation: 2, state: "handed-over" });
  expect(standing()).toEqual(["thousand 2", "hundred 2"]);
  expect(await count()).toBe(6000);
});
