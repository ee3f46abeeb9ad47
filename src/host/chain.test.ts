import { describe, expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import { ownCache } from "../base/fixture.ts";
import { wasmTools } from "../contract/tools.ts";
import { noGrants } from "../trust/grants.ts";
import { type VerifiedComponent, verify } from "../trust/verify.ts";
import { Chain } from "./chain.ts";
import { decoded } from "./decoded.ts";
import { passer, passerGuest, quietContext } from "./fixture.ts";
import { type LinkerName, linkerNames } from "./linkers.ts";
import { link } from "./plan.ts";
import type { InstanceContext, Provider } from "./provider.ts";

ownCache();

const wat = async (text: string, name: string): Promise<VerifiedComponent> =>
  verify(name, await (await wasmTools()).parse(text));

const times10 = passer("(i32.mul (call $next (local.get 0)) (i32.const 10))");
const plus1 = passer("(i32.add (call $next (local.get 0)) (i32.const 1))");
const counting = passer(
  "(global.set $calls (i32.add (global.get $calls) (i32.const 1))) (global.get $calls)",
);
const trapping = passer("unreachable");

const host = (next: (n: number, context: InstanceContext) => number): Provider => ({
  name: "host",
  interfaces: ["t:t/host@0.1.0", "t:t/other@0.1.0"],
  suspending: [],
  defaultGranted: "*",
  instantiate: (context) => ({ "t:t/host@0.1.0": { next: (n: number) => next(n, context) } }),
});

const covers = (name: string) => name.startsWith("t:t/host@");

describe.each([...linkerNames])("linked by %s", (linker: LinkerName) => {
  /** What components stand before the host, the first in front. */
  const before = async (texts: readonly string[], own: Provider): Promise<Provider> => {
    const { imports } = decoded(await wat(passerGuest, "caller.wasm")).world;
    const chain = new Chain({
      slot: "provider:t:t",
      covers,
      imports,
      rest: [own],
      joins: () => [],
      requireFit: () => {},
      contextOf: ({ component }) => quietContext(component),
    });
    for (const text of texts.toReversed()) {
      const component = await wat(text, "filling.wasm");
      chain.add(await link(component, { providers: [chain.next, ...chain.behind], linker }));
    }
    return chain.provider();
  };
  const start = async (providers: readonly Provider[], more: Partial<InstanceContext> = {}) => {
    const component = await wat(passerGuest, "caller.wasm");
    return (await link(component, { providers, linker })).instantiate(quietContext(component, more));
  };
  const faultOf = async (work: () => unknown): Promise<Fault> => {
    try {
      await work();
    } catch (error) {
      if (error instanceof Fault) return error;
      throw error;
    }
    throw new Error("A fault was looked for, and none was thrown");
  };

  test("the first of a chain is in front, and the host is at its end", async () => {
    const own = host((n) => n + 5);
    const instance = await start([await before([times10, plus1], own), own]);
    expect(await instance.call(undefined, "go", [1])).toBe(70);
  });

  test("each instance that is served has one of its own to serve it", async () => {
    const filling = await before(
      [counting],
      host((n) => n),
    );
    const [a, b] = [await start([filling]), await start([filling])];
    expect(await a.call(undefined, "go", [0])).toBe(1);
    expect(await a.call(undefined, "go", [0])).toBe(2);
    expect(await b.call(undefined, "go", [0])).toBe(1);
  });

  test("what passes through a chain is the use of the guest at its head, under that guest's grants", async () => {
    const asked: string[][] = [];
    const own = host((n, { grants }) => {
      asked.push(grants.env.map(([name]) => name));
      return n;
    });
    const instance = await start([await before([plus1, plus1], own)], {
      grants: { ...noGrants, env: [["MINE", "1"]] },
    });
    expect(await instance.call(undefined, "go", [1])).toBe(3);
    expect(asked).toEqual([["MINE"]]);
  });

  test("a filling that traps is named with its slot", async () => {
    const instance = await start([
      await before(
        [trapping],
        host((n) => n),
      ),
    ]);
    const fault = await faultOf(() => instance.call(undefined, "go", [1]));
    expect(fault.code).toBe("LK0304");
    expect(fault.message).toStartWith("filling.wasm trapped in t:t/host@0.1.0#next");
    expect(fault.causes.some(({ slot }) => slot === "provider:t:t")).toBe(true);
  });

  test("what is absent is refused by name before the component starts, whoever else offers it", async () => {
    const without: Provider = {
      ...host((n) => n),
      interfaces: [],
      absent: new Map([["t:t/host", "this platform has none"]]),
    };
    const fault = await faultOf(() => start([without, host((n) => n)]));
    expect(fault.code).toBe("LK0703");
    expect(fault.message).toBe("caller.wasm imports t:t/host@0.1.0, and this platform has none");
    expect(fault.hint).toBe("loop slot explain provider:t:t");
  });
});
