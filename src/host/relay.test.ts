import { beforeEach, describe, expect, test } from "bun:test";
import { fault } from "../base/fault.ts";
import { ownCache } from "../base/fixture.ts";
import { wasmTools } from "../contract/tools.ts";
import { noGrants } from "../trust/grants.ts";
import { verify } from "../trust/verify.ts";
import { Chain } from "./chain.ts";
import { decoded } from "./decoded.ts";
import {
  contextOf,
  counters,
  countersGuest,
  counterText,
  failure,
  type Made,
  passer,
  passerGuest,
  quietContext,
} from "./fixture.ts";
import { type LinkerName, linkerNames } from "./linkers.ts";
import { Places, type SwapEvent } from "./places.ts";
import { type LinkedPlan, link } from "./plan.ts";
import type { Provider } from "./provider.ts";

// Components that come into a capability's place, go and change their order while it is called.

ownCache("each");

/** Each writes its digit behind what the one behind it answers. */
const digit = (one: number) =>
  passer(`(i32.add (i32.mul (call $next (local.get 0)) (i32.const 10)) (i32.const ${one}))`);

/** Writes behind the answer, in two digits, how often it was called, which is its state. */
const stateful = (made: Made = {}, asks = "(call $next (local.get 0))") => `(component
  (import "t:t/host@0.1.0" (instance $host (export "next" (func (param "n" u32) (result u32)))))
  ${counterText(made).replace("(component", "(component $counter")}
  (instance $c (instantiate $counter))
  (alias export $c "t:t/counter" (instance $counts))
  (alias export $c "loop:core/handover@0.1.0" (instance $handover))
  (component $passer
    (import "host" (instance $host (export "next" (func (param "n" u32) (result u32)))))
    (import "counts" (instance $counts (export "count" (func (result u32)))))
    (core func $next (canon lower (func $host "next")))
    (core func $count (canon lower (func $counts "count")))
    (core module $m
      (import "" "next" (func $next (param i32) (result i32))) (import "" "count" (func $count (result i32)))
      (func (export "next") (param i32) (result i32)
        (i32.add (i32.mul ${asks} (i32.const 100)) (call $count))))
    (core instance $i (instantiate $m (with "" (instance
      (export "next" (func $next)) (export "count" (func $count))))))
    (func (export "next") (param "n" u32) (result u32) (canon lift (core func $i "next"))))
  (instance $api (instantiate $passer (with "host" (instance $host)) (with "counts" (instance $counts))))
  (export "t:t/host@0.1.0" (instance $api))
  (export "loop:core/handover@0.1.0" (instance $handover)))`;

const texts: Readonly<Record<string, string>> = {
  first: stateful(),
  "other-first": stateful({ start: "nop" }),
  second: stateful({ save: "(global.set $sum (i32.add (global.get $sum) (i32.const 10)))" }),
  refusing: stateful({ takes: 7 }),
  twice: stateful({}, "(call $next (call $next (local.get 0)))"),
  a: digit(1),
  b: digit(2),
  c: digit(3),
  counting: passer("(global.set $calls (i32.add (global.get $calls) (i32.const 1))) (global.get $calls)"),
  alone: passer("(i32.const 77)"),
  other: "(component)",
  trapping: passer("unreachable", "(func $s unreachable) (start $s)"),
  one: counters(1),
  ten: counters(10),
};

const componentOf = async (text: string, name: string) => verify(name, await (await wasmTools()).parse(text));

/** What the host answers to 7 waits for the test. */
const waits: (() => void)[] = [];
beforeEach(() => {
  waits.length = 0;
});
const hostOf = (more: Partial<Provider> = {}): Provider => ({
  name: "host",
  interfaces: ["t:t/host@0.1.0"],
  suspending: ["t:t/host#next"],
  defaultGranted: "*",
  instantiate: () => ({
    "t:t/host@0.1.0": {
      next: (n: number) => (n === 7 ? new Promise((resolve) => waits.push(() => resolve(n))) : n),
    },
  }),
  ...more,
});

/** A guest, and the slot before what it imports, all linked by one linker. */
const slotWith =
  (linker: LinkerName) =>
  async (guest: string, host: readonly Provider[], ...identifiers: string[]) => {
    const places = new Places();
    const events: SwapEvent[] = [];
    places.listen((event) => events.push(event));
    const component = await componentOf(guest, "guest");
    const planOf = async (identifier: string): Promise<LinkedPlan> => {
      if (!texts[identifier]) throw fault("LK0101", `No file at ${identifier}`);
      return link(await componentOf(texts[identifier], identifier), {
        providers: [chain.next, ...chain.behind],
        linker,
      });
    };
    const chain: Chain = new Chain({
      slot: "provider:t:t",
      covers: () => true,
      imports: decoded(component).world.imports,
      rest: host,
      joins: () => [],
      requireFit({ identifier }, { exports }) {
        if (exports.size === 0) throw fault("LK0402", `${identifier} exports nothing`);
      },
      contextOf: (plan) => contextOf(plan),
      swaps: () => ({
        places,
        async arrive({ identifier }, _, phases, requireFit) {
          const made = await componentOf(texts[identifier] ?? "(module", identifier);
          phases.enter("compare");
          requireFit(made, decoded(made).world);
          phases.enter("link");
          const plan = await planOf(identifier);
          return { plan, lacks: (grants) => plan.ungranted(grants), contextOf: () => contextOf(plan) };
        },
      }),
    });
    for (const identifier of identifiers.toReversed()) chain.add(await planOf(identifier));
    const plan = await link(component, { providers: [await chain.provider(), ...host], linker });
    const drops: (() => void)[] = [];
    const start = async () =>
      plan.instantiate(quietContext(component, { onDrop: (drop) => drops.push(drop), grants: noGrants }));
    const instance = await start();
    return {
      places,
      events,
      instance,
      start,
      go: (n = 0) => instance.call(undefined, "go", [n]),
      call: (func: string, ...args: number[]) => instance.call(undefined, func, args),
      arrange: (...next: string[]) =>
        places.arrange(
          "provider:t:t",
          next.map((identifier) => ({ identifier })),
        ),
      standing: () => places.at("provider:t:t").map(({ identifier }) => identifier),
    };
  };

describe.each([...linkerNames])("linked by %s", (linker) => {
  const slot = slotWith(linker);

  test("components come, go and change their order, and the next call passes through them so", async () => {
    const { go, arrange, standing, events } = await slot(passerGuest, [hostOf()], "a");
    expect(await go()).toBe(1);
    await arrange("b", "a");
    expect(await go()).toBe(12);
    await arrange("a", "b");
    expect(await go()).toBe(21);
    await arrange("a", "c", "b");
    expect([await go(), standing()]).toEqual([231, ["a", "c", "b"]]);
    await arrange("b");
    expect([await go(), standing()]).toEqual([2, ["b"]]);
    // The host's own serves where nobody stands before it, and somebody may again.
    await arrange();
    expect([await go(5), standing()]).toEqual([5, []]);
    await arrange("c");
    expect(await go(5)).toBe(53);
    expect(events.map((event) => "arranged" in event && event.arranged)).toMatchObject([
      { fillings: ["b", "a"], added: ["b"], removed: [] },
      { fillings: ["a", "b"], added: [], removed: [] },
      { fillings: ["a", "c", "b"], added: ["c"], removed: [] },
      { fillings: ["b"], added: [], removed: ["a", "c"] },
      { fillings: [], added: [], removed: ["b"] },
      { fillings: ["c"], added: ["c"], removed: [] },
    ]);
  });

  test("who stays keeps what it has, and who is put before or behind it finds it so", async () => {
    const { go, arrange } = await slot(passerGuest, [hostOf()], "counting");
    expect([await go(), await go()]).toEqual([1, 2]);
    await arrange("a", "counting");
    expect(await go()).toBe(31);
    await arrange("counting", "b");
    expect(await go()).toBe(4);
    // It is replaced, and begins anew, where something else is to stand there.
    await arrange("c");
    await arrange("counting");
    expect(await go()).toBe(1);
  });

  test("what was linked to nothing behind it but the host reaches who comes behind it", async () => {
    const { go, arrange } = await slot(passerGuest, [hostOf()], "a");
    await arrange("a", "alone");
    expect(await go()).toBe(771);
    await arrange("a");
    expect(await go()).toBe(1);
  });

  test("a call in flight ends with whom it has begun, though all of them have gone meanwhile", async () => {
    const { go, arrange, start } = await slot(passerGuest, [hostOf()], "a", "b");
    const inFlight = go(7);
    while (waits.length === 0) await Bun.sleep(1);
    await arrange("c");
    await arrange();
    waits[0]!();
    expect(await inFlight).toBe(721);
    expect(await go(1)).toBe(1);
    // Whoever begins later begins with what there is by then.
    await arrange("c", "a");
    expect(await (await start()).call(undefined, "go", [0])).toBe(13);
  });

  for (const [what, bad, phase] of [
    ["that is not there", "nowhere", "fetch"],
    ["of another world", "other", "compare"],
    ["that traps in its start", "trapping", "instantiate"],
  ] as const)
    test(`a component ${what} leaves all as it was, and those that came with it go`, async () => {
      const { go, arrange, standing, events } = await slot(passerGuest, [hostOf()], "a", "b");
      for (const next of [
        [bad, "a", "b"],
        ["c", bad],
        ["b", "a", "c", bad],
      ]) {
        const failed = await failure(arrange(...next));
        expect(failed.causes.some(({ message }) => message.startsWith(`Swapping: ${phase}`))).toBe(true);
        expect([await go(), standing()]).toEqual([21, ["a", "b"]]);
      }
      expect(events.every((event) => "failed" in event)).toBe(true);
      await arrange("c", "b");
      expect(await go()).toBe(23);
    });

  test("calls go on while components come and go, and none is lost", async () => {
    const { go, arrange } = await slot(passerGuest, [hostOf()], "a");
    let done = false;
    const seen = new Set<unknown>();
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const calling = (async () => {
      while (!done) {
        seen.add(await go());
        await turn();
      }
    })();
    for (let round = 0; round < 40; round++)
      for (const next of [["a", "b"], ["b"], [], ["c", "b", "a"], ["a"]]) {
        await arrange(...next);
        for (let turns = 0; turns < round % 4; turns++) await turn();
      }
    done = true;
    await calling;
    // Each call into one is a call: who is reached from the middle of another is who stands there then.
    for (const answer of seen) expect([0, 1, 2, 3, 12, 21, 23, 13, 123, 32]).toContain(answer as number);
    expect(seen.size).toBeGreaterThan(3);
  });

  test("what one made is gone with it, and never another's; it stays its maker's in any order", async () => {
    const { call, arrange } = await slot(countersGuest, [], "one");
    const old = await call("make", 7);
    expect(await call("get", old as number)).toBe(7);
    await arrange("ten", "one");
    const made = await call("make", 7);
    expect([await call("get", made as number), await call("get", old as number)]).toEqual([70, 7]);
    await arrange("ten");
    expect(await call("get", made as number)).toBe(70);
    expect(await call("peek", old as number)).toBe(1);
    expect((await failure(call("get", old as number))).code).toBe("LK0426");
  });

  test("nobody goes whom something that runs was linked to, where nobody else would serve it", async () => {
    const { call, arrange, standing } = await slot(countersGuest, [], "one", "ten");
    await arrange("ten");
    const failed = await failure(arrange());
    expect([failed.code, standing()]).toEqual(["LK0428", ["ten"]]);
    expect(failed.message).toContain("nobody would serve a:b/counters@1.0.0, which what runs imports");
    expect(await call("make", 1)).toBeNumber();
  });

  test("where a component stood, what the host serves after it is granted or denied as it would have been", async () => {
    const { go, arrange } = await slot(passerGuest, [hostOf({ defaultGranted: [] })], "alone");
    expect(await go()).toBe(77);
    // What takes its place has no more of the host than it was granted, and is told so before it does.
    const failed = await failure(arrange("a"));
    expect([failed.code, failed.message]).toEqual([
      "LK0701",
      expect.stringContaining("a wants t:t/host@0.1.0"),
    ]);
    expect(await go()).toBe(77);
    await arrange();
    expect((await failure(go())).code).toBe("LK0701");
  });

  /** Counters of the host's own, which a number is added to. */
  const hostCounters = (): Provider => {
    class Counter {
      readonly n: number;
      constructor(n: number) {
        this.n = n;
      }
      get() {
        return this.n + 1000;
      }
      peek() {}
      static both(a: Counter, b: Counter) {
        return a.n + b.n;
      }
      [Symbol.dispose]() {}
    }
    return {
      name: "host",
      interfaces: ["a:b/counters@1.0.0"],
      suspending: [],
      defaultGranted: "*",
      instantiate: () => ({ "a:b/counters@1.0.0": { Counter, dropped: () => 0 } }),
    };
  };

  test("objects of the host's and of components pass for each other's nowhere, whoever comes or goes", async () => {
    const started = async () => {
      const { call, arrange } = await slot(countersGuest, [hostCounters()], "one");
      const ofComponent = (await call("make", 7)) as number;
      await arrange();
      const ofHost = (await call("make", 7)) as number;
      expect([await call("get", ofHost), await call("both", ofHost, ofHost)]).toEqual([1007, 14]);
      expect(await call("peek", ofComponent)).toBe(1);
      return { call, arrange, ofComponent, ofHost };
    };
    const first = await started();
    // A component's in the hands of the host.
    expect((await failure(first.call("both", first.ofHost, first.ofComponent))).code).toBe("LK0426");
    const second = await started();
    await second.arrange("ten");
    // The host's own go on being the host's.
    expect([await second.call("get", second.ofHost), await second.call("peek", second.ofHost)]).toEqual([
      1007, 0,
    ]);
    const made = (await second.call("make", 7)) as number;
    expect(await second.call("both", made, made)).toBe(140);
    expect((await failure(second.call("both", made, second.ofHost))).code).toBe("LK0426");
  });

  const otherBytes = "sha256:0000";

  test("state goes from each to who takes its place, though calls are in flight and the order is another", async () => {
    const { go, places } = await slot(passerGuest, [hostOf()], "twice", "second");
    const inFlight = go(7);
    while (waits.length === 0) await Bun.sleep(1);
    const renewed = (identifier: string) => ({ identifier, digest: otherBytes, anew: true }) as const;
    const arranging = places.arrange("provider:t:t", [renewed("second"), renewed("twice")]);
    // By then it waits for the call to leave, which is to enter the one behind once more.
    for (let turn = 0; turn < 100; turn++) await Bun.sleep(1);
    waits[0]!();
    expect(await inFlight).toBe(7010201);
    await arranging;
    expect(places.at("provider:t:t").map((one) => [one.identifier, one.generation])).toEqual([
      ["second", 2],
      ["twice", 2],
    ]);
    // Now the other way round; the second has counted ten more in its save.
    expect(await go()).toBe(213);
  });
});

// What a save has changed is put back by that linker alone (decision 020).
test("where who comes behind does not take the state, the one before has its own still, and all go on", async () => {
  const { go, arrange, standing } = await slotWith("loop")(passerGuest, [hostOf()], "second", "first");
  expect(await go()).toBe(101);
  const failing = failure(arrange("other-first", "refusing"));
  const waiting = go();
  expect((await failing).code).toBe("LK0423");
  expect([await waiting, standing()]).toEqual([202, ["second", "first"]]);
  await arrange("other-first", "first");
  expect(await go()).toBe(313);
});
