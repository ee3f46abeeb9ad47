import { expect, test } from "bun:test";
import { Fault, fault } from "../base/fault.ts";
import { ownCache } from "../base/fixture.ts";
import { wasmTools } from "../contract/tools.ts";
import { verify } from "../trust/verify.ts";
import { type Combination, fillingProvider } from "./filling.ts";
import { contextOf, failure, picker } from "./fixture.ts";
import { Places, type SwapEvent } from "./places.ts";
import { type LinkedPlan, link } from "./plan.ts";

// A slot whose fillings come, go and change their order while it is called.

ownCache("each");

/** By identifier: a, b, c and d add 1, 2, 3 and 4 to what they are asked for. */
const texts: Readonly<Record<string, string>> = {
  a: picker(1),
  b: picker(2),
  c: picker(3),
  d: picker(4),
  endless: picker(9, true),
  other: "(component)",
  trapping: `(component (core module $m (func $s unreachable) (start $s)) (core instance (instantiate $m)))`,
};
const plans = new Map<string, Promise<LinkedPlan>>();
const planOf = (identifier: string): Promise<LinkedPlan> => {
  const made = async () =>
    link(verify(identifier, await (await wasmTools()).parse(texts[identifier]!)), { providers: [] });
  const plan = plans.get(identifier) ?? made();
  plans.set(identifier, plan);
  return plan;
};

/** A slot as the application root makes one, called through the provider that serves it. */
const slot = async (combination: Combination, ...identifiers: string[]) => {
  const places = new Places();
  const events: SwapEvent[] = [];
  places.listen((event) => events.push(event));
  const fillings = await Promise.all(identifiers.map(planOf));
  const drops: (() => void)[] = [];
  const provider = fillingProvider({
    slot: "style",
    contract: "s:s/pick@0.1.0",
    combination,
    fillings,
    contextOf: (plan) => contextOf(plan),
    swaps: {
      places,
      async arrive({ identifier }, _, phases, requireFit) {
        if (!texts[identifier]) throw fault("LK0101", `No file at ${identifier}`);
        const plan = await planOf(identifier);
        phases.enter("compare");
        requireFit(plan.component, plan.world);
        phases.enter("link");
        return { plan, lacks: () => [], contextOf: () => contextOf(plan) };
      },
    },
  });
  const [plan] = fillings;
  const caller = async () => {
    const made = await provider.instantiate({ ...contextOf(plan!), onDrop: (drop) => drops.push(drop) });
    const { pick } = made["s:s/pick@0.1.0"] as { pick(n: number): Promise<Uint32Array> | Uint32Array };
    return async () => [...(await pick(10))];
  };
  return {
    places,
    events,
    call: await caller(),
    /** Another, from now on. */
    caller,
    arrange: (...next: string[]) =>
      places.arrange(
        "style",
        next.map((identifier) => ({ identifier })),
      ),
    standing: () => places.at("style").map(({ identifier }) => identifier),
    end: () => {
      for (const drop of drops) drop();
    },
  };
};

test("fillings are added, taken away and put in another order, and the next call has them so", async () => {
  const { call, arrange, standing, events } = await slot("all", "a", "b");
  expect(await call()).toEqual([11, 12]);
  await arrange("a", "b", "c");
  expect(await call()).toEqual([11, 12, 13]);
  await arrange("c", "a");
  expect(await call()).toEqual([13, 11]);
  expect(standing()).toEqual(["c", "a"]);
  await arrange("b", "d", "c");
  expect(await call()).toEqual([12, 14, 13]);
  await arrange("b", "d", "c");
  expect(events.map((event) => ("arranged" in event ? event.arranged : event))).toMatchObject([
    { fillings: ["a", "b", "c"], added: ["c"], removed: [] },
    { fillings: ["c", "a"], added: [], removed: ["b"] },
    // Who goes gives way to who comes, as in any swap; who comes besides is one more.
    { identifier: "b", swapped: { place: "style", generation: 2 } },
    { fillings: ["b", "d", "c"], added: ["d"], removed: [] },
  ]);
});

test.each([[["a"]], [["a", "b"]]])(
  "a slot that %j filled and nothing does is in use still, and takes in what comes later",
  async (before) => {
    const { call, arrange, places } = await slot("all", ...before);
    await arrange();
    expect(places.names).toEqual(["style"]);
    expect(await call()).toEqual([]);
    const swap = places.swap("style", { identifier: "c" }).then(undefined, (error) => error);
    expect((await swap).message).toBe("Nothing fills style at the moment, so there is nothing to replace");
    await arrange("c");
    expect(await call()).toEqual([13]);
  },
);

test("one becomes several and one again, where its slot takes several", async () => {
  const { call, arrange } = await slot("all", "a");
  expect(await call()).toEqual([11]);
  await arrange("a", "b");
  expect(await call()).toEqual([11, 12]);
  await arrange("b");
  expect(await call()).toEqual([12]);
  const first = await slot("first", "a");
  await first.arrange("b", "a");
  expect(await first.call()).toEqual([12]);
});

for (const [what, bad, phase] of [
  ["that is not there", "nowhere", "fetch"],
  ["of another world", "other", "compare"],
  ["that traps in its start", "trapping", "compare"],
] as const)
  test(`a filling ${what} leaves the row as it was, and others that came with it go`, async () => {
    const { call, arrange, standing, events } = await slot("all", "a", "b");
    const failed = await failure(arrange("b", "c", bad));
    expect(failed.causes.at(-1)?.message).toContain(`Swapping: ${phase}`);
    expect(await call()).toEqual([11, 12]);
    expect(standing()).toEqual(["a", "b"]);
    expect(events.length).toBe(1);
    expect("failed" in events[0]! && events[0]!.failed).toBeInstanceOf(Fault);
  });

test("a call has the fillings that there were when it began, and those that go wait for its end", async () => {
  const { call, arrange, places } = await slot("all", "a", "b", "c");
  const calls = Array.from({ length: 40 }, () => call());
  const arranging = arrange("c");
  calls.push(...Array.from({ length: 40 }, () => call()));
  await arranging;
  for (const answer of await Promise.all(calls)) expect([[11, 12, 13], [13]]).toContainEqual(answer);
  expect(await call()).toEqual([13]);
  expect(places.at("style").length).toBe(1);
});

test("changes of one row follow one another, and after its end there are none", async () => {
  const { call, arrange, standing, end } = await slot("all", "a");
  await Promise.all([arrange("a", "b"), arrange("c"), arrange("d", "c")]);
  expect(await call()).toEqual([14, 13]);
  const late = arrange("a");
  end();
  expect((await failure(late)).code).toBe("LK0422");
  expect(standing()).toEqual([]);
});

test("one of several that were brought in is swapped as any other", async () => {
  const { call, arrange, places } = await slot("all", "a");
  await arrange("a", "b");
  await places.swap("style", { identifier: "d" }, "b");
  expect(await call()).toEqual([11, 14]);
});

test("who begins to call later has the fillings that there are by then, and changes with the others", async () => {
  const { call, caller, arrange, places } = await slot("all", "a", "b");
  await arrange("b", "c");
  await places.swap("style", { identifier: "d" }, "b");
  const later = await caller();
  expect([await call(), await later()]).toEqual([
    [14, 13],
    [14, 13],
  ]);
  await arrange("a");
  expect([await call(), await later(), await (await caller())()]).toEqual([[11], [11], [11]]);
});

test("of a slot that somebody has to answer for, not all are taken away", async () => {
  const { call, arrange } = await slot("first", "a");
  expect((await failure(arrange())).code).toBe("LK0407");
  expect(await call()).toEqual([11]);
});

test("a call in flight keeps those that it has, whatever follows the change after it began", async () => {
  const { call, arrange } = await slot("all", "a", "b", "c");
  const calls = [call()];
  for (const next of [["b"], ["d"], ["a", "c"]]) {
    const arranging = arrange(...next);
    calls.push(call(), call());
    await arranging;
    calls.push(call());
  }
  const known = [[11, 12, 13], [12], [14], [11, 13]];
  for (const answer of await Promise.all(calls)) expect(known).toContainEqual(answer);
});
