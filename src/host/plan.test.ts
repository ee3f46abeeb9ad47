import { beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { DeclaredError, declared } from "../base/fault.ts";
import { faultOf, ownCache } from "../base/fixture.ts";
import { wasmTools } from "../contract/tools.ts";
import { noGrants } from "../trust/grants.ts";
import { type VerifiedComponent, verify } from "../trust/verify.ts";
import { fillingProvider } from "./filling.ts";
import { quietContext } from "./fixture.ts";
import type { Instance } from "./instance.ts";
import { type LinkerName, linkerNames } from "./linkers.ts";
import { type LinkOptions, link as linkAny } from "./plan.ts";
import type { InstanceContext, Provider } from "./provider.ts";

const wat = async (text: string, name = "test.wasm"): Promise<VerifiedComponent> =>
  verify(name, await (await wasmTools()).parse(text));

/** The linker that the laws are being held against. */
let linker: LinkerName;
const link = (component: VerifiedComponent, options: LinkOptions) =>
  linkAny(component, { linker, ...options });

const start = async (
  component: VerifiedComponent,
  providers: readonly Provider[],
  more: Partial<InstanceContext> = {},
) => (await link(component, { providers })).instantiate(quietContext(component, more));

const cache = ownCache("each");

/** Imports t:t/host@0.1.0#next, exports `go` which calls it, `boom` which traps, `count` which counts up. */
const counter = (version = "0.1.0") => `(component
  (import "t:t/host@${version}" (instance $host (export "next" (func (param "n" u32) (result u32)))))
  (core func $next (canon lower (func $host "next")))
  (core module $m
    (import "host" "next" (func $next (param i32) (result i32)))
    (global $count (mut i32) (i32.const 0))
    (func (export "go") (param i32) (result i32) (call $next (local.get 0)))
    (func (export "boom") unreachable)
    (func (export "count") (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count)))
  (core instance $i (instantiate $m (with "host" (instance (export "next" (func $next))))))
  (func (export "go") (param "n" u32) (result u32) (canon lift (core func $i "go")))
  (func (export "boom") (canon lift (core func $i "boom")))
  (func (export "count") (result u32) (canon lift (core func $i "count"))))`;

const host = (next: (n: number) => unknown, more: Partial<Provider> = {}): Provider => ({
  name: "host",
  interfaces: ["t:t/host@0.1.3"],
  suspending: [],
  defaultGranted: "*",
  instantiate: () => ({ "t:t/host@0.1.3": { next } }),
  ...more,
});

/** Exports s:s/pick@0.1.0 with `pick: func(n: u32) -> result<u32, u32>`: ok(n + add), or err(n) for n at or above `limit`. */
const picker = (add: number, limit: number) => `(component
  (core module $m (memory (export "mem") 1)
    (func (export "pick") (param i32) (result i32)
      (i32.store8 (i32.const 0) (i32.ge_u (local.get 0) (i32.const ${limit})))
      (i32.store (i32.const 4) (i32.add (local.get 0) (select (i32.const 0) (i32.const ${add}) (i32.ge_u (local.get 0) (i32.const ${limit})))))
      (i32.const 0)))
  (core instance $i (instantiate $m))
  (func $pick (param "n" u32) (result (result u32 (error u32))) (canon lift (core func $i "pick") (memory (core memory $i "mem"))))
  (instance $api (export "pick" (func $pick)))
  (export "s:s/pick@0.1.0" (instance $api)))`;

const caller = `(component
  (import "s:s/pick@0.1.0" (instance $s (export "pick" (func (param "n" u32) (result (result u32 (error u32)))))))
  (core module $mem (memory (export "mem") 1))
  (core instance $mi (instantiate $mem))
  (core func $pick (canon lower (func $s "pick") (memory (core memory $mi "mem"))))
  (core module $m
    (import "s" "pick" (func $pick (param i32 i32)))
    (import "s" "mem" (memory 1))
    (func (export "go") (param i32) (result i32)
      (call $pick (local.get 0) (i32.const 16))
      (i32.add (i32.mul (i32.load8_u (i32.const 16)) (i32.const 1000)) (i32.load (i32.const 20)))))
  (core instance $i (instantiate $m (with "s" (instance (export "pick" (func $pick)) (export "mem" (memory $mi "mem"))))))
  (func (export "go") (param "n" u32) (result u32) (canon lift (core func $i "go"))))`;

const filled = async (combination: "one" | "first" | "all", ...sources: string[]) => {
  const fillings = [];
  for (const source of sources) fillings.push(await link(await wat(source), { providers: [] }));
  return fillingProvider({
    slot: "pick",
    contract: "s:s/pick@0.1.0",
    combination,
    fillings,
    contextOf: (filling, of) => ({ ...quietContext(filling.component), onDrop: of.onDrop }),
  });
};

describe.each([...linkerNames])("linked by %s", (name) => {
  beforeEach(() => {
    linker = name;
  });

  test("an older compatible import is served", async () => {
    const instance = await start(await wat(counter("0.1.0")), [host((n) => n + 1)]);
    expect(await instance.call(undefined, "go", [41])).toBe(42);
  });

  test("a newer compatible import is served", async () => {
    const instance = await start(await wat(counter("0.1.9")), [host((n) => n * 2)]);
    expect(await instance.call(undefined, "go", [21])).toBe(42);
  });

  test("an import of another minor version is refused and the nearest is named", async () => {
    const component = await wat(counter("0.2.0"));
    const fault = await faultOf(() => link(component, { providers: [host((n) => n)] }));
    expect(fault.code).toBe("LK0301");
    expect(fault.message).toContain("t:t/host@0.1.3");
  });

  test("an import of types alone needs nobody, and one that makes something does", async () => {
    const importing = (type: string) => `(component (import "t:t/types@0.1.0" (instance ${type})))`;
    const places = importing(`(type $p (record (field "line" u32))) (export "place" (type (eq $p)))`);
    await start(await wat(places), []);
    const making = await wat(importing(`(export "document" (type (sub resource)))`));
    expect((await faultOf(() => link(making, { providers: [] }))).code).toBe("LK0301");
  });

  test("a function that a compatible version lacks is refused before the guest starts", async () => {
    const empty = host((n) => n, { instantiate: () => ({ "t:t/host@0.1.3": {} }) });
    expect((await faultOf(async () => start(await wat(counter()), [empty]))).code).toBe("LK0302");
  });

  test("two instances of one plan share no state", async () => {
    const component = await wat(counter());
    const plan = await link(component, { providers: [host((n) => n)] });
    const [a, b] = [
      await plan.instantiate(quietContext(component)),
      await plan.instantiate(quietContext(component)),
    ];
    expect(await a.call(undefined, "count", [])).toBe(1);
    expect(await a.call(undefined, "count", [])).toBe(2);
    expect(await b.call(undefined, "count", [])).toBe(1);
  });

  test("an interface that was not granted links, and only a call into it is refused", async () => {
    const instance = await start(await wat(counter()), [host((n) => n, { defaultGranted: [] })]);
    expect(await instance.call(undefined, "count", [])).toBe(1);
    const fault = await faultOf(() => instance.call(undefined, "go", [1]));
    expect(fault.code).toBe("LK0701");
    expect(fault.message).toContain("t:t/host#next");
  });

  test("a grant of the package opens the interface", async () => {
    const grants = { ...noGrants, capabilities: new Set(["t:t"]) };
    const instance = await start(await wat(counter()), [host((n) => n, { defaultGranted: [] })], { grants });
    expect(await instance.call(undefined, "go", [7])).toBe(7);
  });

  test("a trap names component and export, and poisons the instance", async () => {
    const instance = await start(await wat(counter(), "trap.wasm"), [host((n) => n)]);
    const fault = await faultOf(() => instance.call(undefined, "boom", []));
    expect(fault.code).toBe("LK0304");
    expect(fault.message).toContain("trap.wasm trapped in boom");
    expect((await faultOf(() => instance.call(undefined, "count", []))).code).toBe("LK0304");
  });

  test("a function that is not exported is refused with what exists", async () => {
    const instance = await start(await wat(counter()), [host((n) => n)]);
    const fault = await faultOf(() => instance.call(undefined, "gone", []));
    expect(fault.code).toBe("LK0207");
    expect(fault.message).toContain("go, boom, count");
  });

  test("while a guest waits for its import, timers and other guests go on", async () => {
    const waiting = host(async (n) => Bun.sleep(30).then(() => n), { suspending: ["t:t/host#next"] });
    const [slow, quick] = [
      await start(await wat(counter()), [waiting]),
      await start(await wat(counter()), [host((n) => n)]),
    ];
    const order: string[] = [];
    const pending = slow.call(undefined, "go", [1]).then(() => order.push("slow"));
    await quick.call(undefined, "go", [1]).then(() => order.push("quick"));
    await pending;
    expect(order).toEqual(["quick", "slow"]);
  });

  test("whatever a provider registered is released once, last first, when the instance is dropped", async () => {
    const released: number[] = [];
    const provider = host((n) => n, {
      instantiate: (context) => {
        context.onDrop(() => released.push(1));
        context.onDrop(() => released.push(2));
        return { "t:t/host@0.1.3": { next: (n: number) => n } };
      },
    });
    const instance: Instance = await start(await wat(counter()), [provider]);
    instance.drop();
    instance.drop();
    expect(released).toEqual([2, 1]);
    expect((await faultOf(() => instance.call(undefined, "count", []))).code).toBe("LK0304");
  });

  test("a slot's filling serves the import that names its contract", async () => {
    const instance = await start(await wat(caller), [await filled("one", picker(1, 100))]);
    expect(await instance.call(undefined, "go", [5])).toBe(6);
    expect(await instance.call(undefined, "go", [200])).toBe(1200);
  });

  test("first passes on to the next filling where one answers with an err", async () => {
    const instance = await start(await wat(caller), [await filled("first", picker(1, 10), picker(2, 50))]);
    expect(await instance.call(undefined, "go", [5])).toBe(6);
    expect(await instance.call(undefined, "go", [20])).toBe(22);
    expect(await instance.call(undefined, "go", [60])).toBe(1060);
  });

  test("all refuses a contract whose results cannot be joined", async () => {
    expect((await faultOf(() => filled("all", picker(1, 10), picker(2, 50)))).code).toBe("LK0402");
  });

  test("a declared error of a provider reaches the guest as its err", async () => {
    const provider: Provider = {
      name: "s",
      interfaces: ["s:s/pick@0.1.0"],
      suspending: [],
      defaultGranted: "*",
      instantiate: () => ({
        "s:s/pick@0.1.0": {
          pick: (n: number) => {
            throw declared(n + 3);
          },
        },
      }),
    };
    const instance = await start(await wat(caller), [provider]);
    expect(await instance.call(undefined, "go", [4])).toBe(1007);
  });

  test("a result's err is thrown as a declared error and poisons nothing", async () => {
    const instance = await start(await wat(picker(1, 10)), []);
    let thrown: unknown;
    try {
      await instance.call("s:s/pick@0.1.0", "pick", [11]);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(DeclaredError);
    expect((thrown as DeclaredError).payload).toBe(11);
    expect(await instance.call("s:s/pick@0.1.0", "pick", [1])).toBe(2);
  });
});

test("a second link by jco reads the cache, and a damaged cache is made anew", async () => {
  linker = "jco";
  const component = await wat(counter());
  await start(component, [host((n) => n)]);
  const [file] = readdirSync(cache.path, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  truncateSync(join(file!.parentPath, file!.name), 100);
  const instance = await start(component, [host((n) => n)]);
  expect(await instance.call(undefined, "go", [3])).toBe(3);
});
