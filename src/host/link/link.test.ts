import { expect, test } from "bun:test";
import { DeclaredError, declared, Fault } from "../../base/fault.ts";
import { wasmTools } from "../../contract/tools.ts";
import { atGlance } from "../glance.ts";
import { linkComponent } from "./link.ts";

type Any = Record<string, (...args: unknown[]) => unknown>;

const parse = async (wat: string): Promise<Uint8Array> => (await wasmTools()).parse(wat);
const link = async (wat: string, suspending: string[] = []) =>
  linkComponent(await parse(wat), { suspending: new Set(suspending) });

/** Whether instances are made by the recipe that a first one left, as all but the first are. */
let replayed = false;

const instance = async (wat: string, imports: Record<string, unknown> = {}, suspending: string[] = []) => {
  const linked = await link(wat, suspending);
  if (replayed) await linked.instantiate(imports);
  return (await linked.instantiate(imports)) as Any;
};

/** A test of an instance that was made by walking its component, and of one that was made by the recipe. */
const law = (name: string, check: () => Promise<void>): void => {
  test(name, check);
  test(`${name} (replayed)`, async () => {
    replayed = true;
    try {
      await check();
    } finally {
      replayed = false;
    }
  });
};

const rejected = async (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** A memory and a bump allocator that grows it, for guests that need one. */
const libc = `(core module $libc
  (memory (export "memory") 1)
  (global $next (mut i32) (i32.const 1024))
  (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (block $enough (loop $more
      (br_if $enough (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
      (drop (memory.grow (i32.const 1)))
      (br $more)))
    (memory.copy (local.get $at) (local.get 0) (local.get 1))
    (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))`;

const adder = `(component
  (core module $m (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m))
  (func (export "add-up") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add"))))`;

law("integers cross whole: u32 above 2^31 stays what it is", async () => {
  const { addUp } = await instance(adder);
  expect(addUp!(2 ** 31, 5)).toBe(2 ** 31 + 5);
  expect(addUp!(2 ** 32 - 1, 1)).toBe(0);
});

law("a value that does not fit is a TypeError, and the instance is as it was", async () => {
  const { addUp } = await instance(adder);
  for (const wrong of [-1, 1.5, 2 ** 32, "1", undefined, 1n])
    expect(() => addUp!(wrong, 1)).toThrow(TypeError);
  expect(addUp!(1, 1)).toBe(2);
});

law("who reads at a glance is given the guest's memory, and everyone else a copy", async () => {
  const given: Uint8Array[] = [];
  const take = (list: Uint8Array) => void given.push(list);
  const guest = `(component
    (import "take" (func $take (param "list" (list u8))))
    ${libc}
    (core func $lowered (canon lower (func $take) (memory $memory)))
    (core module $m
      (import "" "memory" (memory 1))
      (import "" "take" (func $take (param i32 i32)))
      (data (i32.const 100) "abc")
      (func (export "go") (call $take (i32.const 100) (i32.const 3)) (i32.store8 (i32.const 100) (i32.const 120))))
    (core instance $given (export "memory" (memory $memory)) (export "take" (func $lowered)))
    (core instance $i (instantiate $m (with "" (instance $given))))
    (func (export "go") (canon lift (core func $i "go"))))`;
  for (const host of [take, atGlance((list: Uint8Array) => take(list))])
    (await instance(guest, { take: host })).go!();
  const [copy, view] = given.slice(-2).map((list) => Buffer.from(list).toString());
  expect([copy, view]).toEqual(["abc", "xbc"]);
});

test("a trap poisons its instance and no other", async () => {
  const linked = await link(`(component
    (core module $m (func (export "f") (param i32) (if (local.get 0) (then unreachable))))
    (core instance $i (instantiate $m))
    (func (export "f") (param "trap" bool) (canon lift (core func $i "f"))))`);
  const [one, other] = [(await linked.instantiate({})) as Any, (await linked.instantiate({})) as Any];
  expect(() => one.f!(true)).toThrow(WebAssembly.RuntimeError);
  expect(() => one.f!(false)).toThrow("cannot enter component instance");
  expect(other.f!(false)).toBeUndefined();
});

law("a guest that is inside a call cannot be entered again", async () => {
  let again = () => {};
  const exports = await instance(
    `(component (import "host" (func $host))
      (core func $low (canon lower (func $host)))
      (core module $m (import "" "f" (func $f)) (func (export "f") (call $f)))
      (core instance $i (instantiate $m (with "" (instance (export "f" (func $low))))))
      (func (export "f") (canon lift (core func $i "f"))))`,
    { host: () => again() },
  );
  again = () => exports.f!();
  expect(() => exports.f!()).toThrow("cannot enter component instance");
});

const failing = `(component ${libc}
  (import "ask" (func $ask (param "ok" bool) (result (result u8 (error string)))))
  (core func $low (canon lower (func $ask) (memory $memory) (realloc $realloc)))
  (core module $m (import "" "f" (func $f (param i32 i32)))
    (func (export "f") (param i32) (result i32) (call $f (local.get 0) (i32.const 16)) (i32.const 16)))
  (core instance $i (instantiate $m (with "" (instance (export "f" (func $low))))))
  (func (export "ask") (param "ok" bool) (result (result u8 (error string)))
    (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))`;

law("an err is thrown with its payload, by hosts and to hosts", async () => {
  const { ask } = await instance(failing, {
    ask: (ok: boolean) => {
      if (ok) return 7;
      throw declared("no");
    },
  });
  expect(ask!(true)).toBe(7);
  expect(() => ask!(false)).toThrow(DeclaredError);
  expect(ask!(true)).toBe(7);
});

law("an error that is no err goes through the guest to whoever called it", async () => {
  const { ask } = await instance(failing, {
    ask: () => {
      throw new Error("the host broke");
    },
  });
  expect(() => ask!(true)).toThrow("the host broke");
});

law(
  "a guest catches neither traps nor the host's errors, and its own exceptions end at its border",
  async () => {
    class Exit extends Error {}
    const wat = `(component
    (import "host" (func $host (param "n" char)))
    (core func $low (canon lower (func $host)))
    (core module $m (import "" "f" (func $f (param i32))) (tag $t)
      (func (export "f") (param i32)
        (block $caught (try_table (catch_all $caught) (call $f (local.get 0)))))
      (func (export "throw") (throw $t)))
    (core instance $i (instantiate $m (with "" (instance (export "f" (func $low))))))
    (func (export "f") (param "n" u32) (canon lift (core func $i "f")))
    (func (export "throw") (canon lift (core func $i "throw"))))`;
    const host = () => {
      throw new Exit("leave");
    };
    await expect(instance(wat, { host }).then((one) => one.f!(65))).rejects.toThrow(Exit);
    await expect(instance(wat, { host }).then((one) => one.f!(0xd800))).rejects.toThrow(
      "invalid `char` bit pattern",
    );
    await expect(instance(wat, { host }).then((one) => one.throw!())).rejects.toThrow(
      WebAssembly.RuntimeError,
    );
  },
);

law("an import that waits suspends the guest; what cannot reach it stays synchronous", async () => {
  const exports = await instance(
    `(component (import "a:b/c@1.0.0" (instance $c (export "wait" (func (param "n" u32) (result u32)))))
      (core func $low (canon lower (func $c "wait")))
      (core module $m (import "" "f" (func $f (param i32) (result i32)))
        (func (export "slow") (param i32) (result i32) (i32.add (call $f (local.get 0)) (i32.const 1))))
      (core module $n (func (export "fast") (result i32) (i32.const 5)))
      (core instance $i (instantiate $m (with "" (instance (export "f" (func $low))))))
      (core instance $j (instantiate $n))
      (func (export "slow") (param "n" u32) (result u32) (canon lift (core func $i "slow")))
      (func (export "fast") (result u32) (canon lift (core func $j "fast"))))`,
    { "a:b/c@1.2.0": { wait: (n: number) => (n > 9 ? n : Bun.sleep(1).then(() => n)) } },
    ["a:b/c#wait"],
  );
  expect(exports.fast!()).toBe(5);
  const slow = exports.slow!(3);
  expect(slow).toBeInstanceOf(Promise);
  expect(await rejected(Promise.resolve(exports.slow!(1)))).toBeInstanceOf(WebAssembly.RuntimeError);
  expect(await slow).toBe(4);
  expect(await exports.slow!(10)).toBe(11);
});

law("a destructor may wait, and so may the guest that drops the resource", async () => {
  const log: string[] = [];
  const exports = await instance(
    `(component (import "wait" (func $wait))
      (core func $low (canon lower (func $wait)))
      (core module $d (import "" "w" (func $w)) (func (export "drop") (param i32) (call $w)))
      (core instance $d (instantiate $d (with "" (instance (export "w" (func $low))))))
      (type $r (resource (rep i32) (dtor (core func $d "drop"))))
      (core func $new (canon resource.new $r))
      (core func $drop (canon resource.drop $r))
      (core module $m (import "" "new" (func $new (param i32) (result i32))) (import "" "drop" (func $drop (param i32)))
        (func (export "f") (result i32) (call $drop (call $new (i32.const 1))) (i32.const 2)))
      (core instance $i (instantiate $m (with "" (instance (export "new" (func $new)) (export "drop" (func $drop))))))
      (func (export "f") (result u32) (canon lift (core func $i "f"))))`,
    { wait: () => Bun.sleep(2).then(() => void log.push("waited")) },
    ["wait"],
  );
  const answer = exports.f!();
  expect(answer).toBeInstanceOf(Promise);
  expect(log).toEqual([]);
  expect(await answer).toBe(2);
  expect(log).toEqual(["waited"]);
});

law("a promise from a function that must answer at once is a bug that says so", async () => {
  const exports = await instance(
    `(component (import "now" (func $now)) (core func $low (canon lower (func $now)))
      (core module $m (import "" "f" (func $f)) (func (export "f") (call $f)))
      (core instance $i (instantiate $m (with "" (instance (export "f" (func $low))))))
      (func (export "f") (canon lift (core func $i "f"))))`,
    { now: async () => {} },
  );
  expect(() => exports.f!()).toThrow("The host answered now with a promise");
});

test("an import that nobody gives is a fault that names it", async () => {
  const linked = await link(`(component (import "a:b/c@1.0.0" (instance (export "f" (func)))))`);
  const missing = await rejected(linked.instantiate({}));
  expect(missing).toBeInstanceOf(Fault);
  expect((missing as Fault).message).toContain("a:b/c@1.0.0");
  expect(await rejected(linked.instantiate({ "a:b/c@2.0.0": { f() {} } }))).toBeInstanceOf(Fault);
  const partial = await rejected(linked.instantiate({ "a:b/c@1.0.0": {} }));
  expect((partial as Fault).message).toContain("a:b/c@1.0.0#f");
  await linked.instantiate({ "a:b/c@1.9.0": { f() {} } });
});

const counters = `(component
  (core module $d (global $dropped (export "dropped") (mut i32) (i32.const 0))
    (func (export "drop") (param i32) (global.set $dropped (i32.add (global.get $dropped) (local.get 0))))
    (func (export "sum") (result i32) (global.get $dropped)))
  (core instance $d (instantiate $d))
  (type $counter' (resource (rep i32) (dtor (core func $d "drop"))))
  (canon resource.new $counter' (core func $new))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
    (func (export "get") (param i32) (result i32) (local.get 0))
    (func (export "both") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
  (func $make (param "n" u32) (result (own $counter')) (canon lift (core func $i "make")))
  (func $get (param "self" (borrow $counter')) (result u32) (canon lift (core func $i "get")))
  (func $both (param "a" (borrow $counter')) (param "b" (borrow $counter')) (result u32) (canon lift (core func $i "both")))
  (func $sum (result u32) (canon lift (core func $d "sum")))
  (component $shim
    (import "t" (type $t (sub resource)))
    (import "m" (func $m (param "n" u32) (result (own $t))))
    (import "g" (func $g (param "self" (borrow $t)) (result u32)))
    (import "b" (func $b (param "a" (borrow $t)) (param "b" (borrow $t)) (result u32)))
    (import "s" (func $s (result u32)))
    (export $u "counter" (type $t))
    (export "[constructor]counter" (func $m) (func (param "n" u32) (result (own $u))))
    (export "[method]counter.get" (func $g) (func (param "self" (borrow $u)) (result u32)))
    (export "[static]counter.both" (func $b) (func (param "a" (borrow $u)) (param "b" (borrow $u)) (result u32)))
    (export "sum" (func $s)))
  (instance $s (instantiate $shim (with "t" (type $counter')) (with "m" (func $make)) (with "g" (func $get))
    (with "b" (func $both)) (with "s" (func $sum))))
  (export "a:b/counters@1.0.0" (instance $s)))`;

interface Counters {
  Counter: {
    new (n: number): Disposable & { get(): number };
    both(a: unknown, b: unknown): number;
  };
  sum(): number;
}
const countersOf = async () =>
  ((await instance(counters)) as unknown as Record<string, Counters>)["a:b/counters@1.0.0"]!;

test("a guest's resource is a class: constructed, called, dropped once", async () => {
  const { Counter, sum } = await countersOf();
  const counter = new Counter(40);
  expect(counter).toBeInstanceOf(Counter);
  expect(counter.get()).toBe(40);
  expect(Counter.both(counter, new Counter(2))).toBe(42);
  counter[Symbol.dispose]();
  counter[Symbol.dispose]();
  expect(sum()).toBe(40);
  expect(() => counter.get()).toThrow("has been dropped");
});

test("a resource of one instance is no resource of another", async () => {
  const [one, other] = [await countersOf(), await countersOf()];
  expect(() => other.Counter.both(new one.Counter(1), new other.Counter(1))).toThrow(TypeError);
  expect(other.sum()).toBe(0);
});

test("a dropped resource that nobody disposed of runs its destructor after collection", async () => {
  const { Counter, sum } = await countersOf();
  const make = () => {
    for (let i = 0; i < 50; i++) new Counter(1);
  };
  make();
  for (let i = 0; i < 50 && sum() === 0; i++) {
    Bun.gc(true);
    await Bun.sleep(2);
  }
  expect(sum()).toBeGreaterThan(0);
});

const streams = `(component
  (import "host:io/s@1.0.0" (instance $s
    (export "r" (type $r (sub resource)))
    (export "open" (func (param "n" u32) (result (own $r))))
    (export "[method]r.size" (func (param "self" (borrow $r)) (result u32)))
    (export "keep" (func (param "r" (own $r))))))
  (alias export $s "r" (type $r))
  (core func $open (canon lower (func $s "open")))
  (core func $size (canon lower (func $s "[method]r.size")))
  (core func $keep (canon lower (func $s "keep")))
  (core func $drop (canon resource.drop $r))
  (core module $m
    (import "" "open" (func $open (param i32) (result i32)))
    (import "" "size" (func $size (param i32) (result i32)))
    (import "" "keep" (func $keep (param i32)))
    (import "" "drop" (func $drop (param i32)))
    (global $h (mut i32) (i32.const 0))
    (func (export "start") (param i32) (result i32) (global.set $h (call $open (local.get 0))) (global.get $h))
    (func (export "size") (result i32) (call $size (global.get $h)))
    (func (export "keep") (call $keep (global.get $h)))
    (func (export "drop") (call $drop (global.get $h)))
    (func (export "borrowed") (param i32) (result i32) (call $size (local.get 0)))
    (func (export "returned") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 1)))
  (core instance $i (instantiate $m (with "" (instance (export "open" (func $open)) (export "size" (func $size))
    (export "keep" (func $keep)) (export "drop" (func $drop))))))
  (func (export "start") (param "n" u32) (result u32) (canon lift (core func $i "start")))
  (func (export "size") (result u32) (canon lift (core func $i "size")))
  (func (export "keep") (canon lift (core func $i "keep")))
  (func (export "drop") (canon lift (core func $i "drop")))
  (export $exported "r" (type $r))
  (func (export "borrowed") (param "r" (borrow $exported)) (result u32) (canon lift (core func $i "borrowed")))
  (func (export "returned") (param "r" (borrow $exported)) (result u32) (canon lift (core func $i "returned"))))`;

const hostStreams = () => {
  const log: string[] = [];
  class R {
    readonly n: number;
    constructor(n: number) {
      this.n = n;
    }
    size() {
      return this.n;
    }
    [Symbol.dispose]() {
      log.push(`dropped ${this.n}`);
    }
  }
  const kept: R[] = [];
  return {
    log,
    kept,
    R,
    given: { "host:io/s@1.0.0": { R, open: (n: number) => new R(n), keep: (r: R) => kept.push(r) } },
  };
};

law(
  "a host's resource is the host's own object: called, given back, disposed of when the guest drops it",
  async () => {
    const host = hostStreams();
    const exports = await instance(streams, host.given);
    expect(exports.start!(3)).toBe(1);
    expect(exports.size!()).toBe(3);
    exports.keep!();
    expect(host.kept.map((r) => r.n)).toEqual([3]);
    expect(host.log).toEqual([]);
    // The index is free again, and the last freed is used first.
    expect(exports.start!(4)).toBe(1);
    exports.drop!();
    expect(host.log).toEqual(["dropped 4"]);
    expect(() => exports.size!()).toThrow("unknown handle index 1");
  },
);

law("a borrowed handle has to be dropped before the call returns", async () => {
  const host = hostStreams();
  const exports = await instance(streams, host.given);
  expect(exports.returned!(new host.R(1))).toBe(1);
  expect(host.log).toEqual([]);
  expect(() => exports.borrowed!(new host.R(9))).toThrow("borrow handles still remain");
});

law("one component's exports fill another's imports without passing through JavaScript values", async () => {
  const provider = await instance(counters);
  const client = await instance(
    `(component
      (import "a:b/counters@1.0.0" (instance $c
        (export "counter" (type $t (sub resource)))
        (export "[constructor]counter" (func (param "n" u32) (result (own $t))))
        (export "[method]counter.get" (func (param "self" (borrow $t)) (result u32)))))
      (alias export $c "counter" (type $t))
      (core func $make (canon lower (func $c "[constructor]counter")))
      (core func $get (canon lower (func $c "[method]counter.get")))
      (core func $drop (canon resource.drop $t))
      (core module $m
        (import "" "make" (func $make (param i32) (result i32)))
        (import "" "get" (func $get (param i32) (result i32)))
        (import "" "drop" (func $drop (param i32)))
        (func (export "run") (param i32) (result i32) (local $h i32)
          (local.set $h (call $make (local.get 0)))
          (call $get (local.get $h))
          (call $drop (local.get $h))))
      (core instance $i (instantiate $m (with "" (instance (export "make" (func $make)) (export "get" (func $get))
        (export "drop" (func $drop))))))
      (func (export "run") (param "n" u32) (result u32) (canon lift (core func $i "run"))))`,
    provider,
  );
  const { Counter, sum } = (provider as unknown as Record<string, Counters>)["a:b/counters@1.0.0"]!;
  // A call that went through the host's object would meet this.
  (Counter as unknown as { prototype: Record<string, unknown> }).prototype.get = () => {
    throw new Error("through JavaScript");
  };
  expect(client.run!(11)).toBe(11);
  expect(sum()).toBe(11);
});

law("a component or module given for an import is instantiated by the one that imports it", async () => {
  const four = await parse(`(module (func (export "f") (result i32) (i32.const 4)))`);
  const { addUp, four: give } = await instance(
    `(component
      (import "c" (component $c (export "add-up" (func (param "a" u32) (param "b" u32) (result u32)))))
      (import "m" (core module $m (export "f" (func (result i32)))))
      (instance $i (instantiate $c))
      (core instance $j (instantiate $m))
      (func (export "four") (result u32) (canon lift (core func $j "f")))
      (export "add-up" (func $i "add-up")))`,
    { c: await link(adder), m: new WebAssembly.Module(four as BufferSource) },
  );
  expect(give!()).toBe(4);
  expect(addUp!(4, 3)).toBe(7);
});

law("memory that grows while it is being written stays in view", async () => {
  const { echo } = await instance(`(component ${libc}
    (core module $m (func (export "f") (param i32 i32) (result i32) unreachable))
    (core module $n (import "" "memory" (memory 1))
      (func (export "f") (param i32 i32) (result i32)
        (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0)))
    (core instance $i (instantiate $n (with "" (instance (export "memory" (memory $memory))))))
    (func (export "echo") (param "a" (list string)) (result (list string))
      (canon lift (core func $i "f") (memory $memory) (realloc $realloc))))`);
  const list = Array.from({ length: 200 }, (_, i) => `${i}`.repeat(1 + (i % 7) * 300));
  expect(echo!(list)).toEqual(list);
});

test("names in the bytes are data in the generated code", async () => {
  const bytes = await parse(`(component
    (core module $m (func (export "f") (param i32) (result i32) (local.get 0)))
    (core instance $i (instantiate $m))
    (type $e (enum "aaaaaaaaa" "b"))
    (export $f "e" (type $e))
    (func (export "f") (param "x" $f) (result $f) (canon lift (core func $i "f"))))`);
  // The validator would refuse this label; the linker must not run it.
  const label = Buffer.from(bytes).indexOf("aaaaaaaaa");
  bytes.set(new TextEncoder().encode('"+(x=1)+"'), label);
  const exports = (await (await linkComponent(bytes)).instantiate({})) as Any;
  expect(exports.f!('"+(x=1)+"')).toBe('"+(x=1)+"');
  expect(exports.f!("b")).toBe("b");
});

test("instances that would multiply without end are refused", async () => {
  const layers = Array.from({ length: 40 }, (_, i) =>
    i === 0
      ? "(component $c0)"
      : `(component $c${i} (alias outer 1 ${i - 1} (component $x)) (instance (instantiate $x)) (instance (instantiate $x)))`,
  );
  const linked = await link(`(component ${layers.join("\n")} (instance (instantiate $c39)))`);
  expect(((await rejected(linked.instantiate({}))) as Fault).code).toBe("LK0204");
});

test("altered bytes link, fault or trap, and never anything else", async () => {
  let seed = 0x1234567;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % below;
  };
  let lived = 0;
  for (const wat of [failing, counters, streams]) {
    const whole = await parse(wat);
    for (let round = 0; round < 400; round++) {
      const bytes = Uint8Array.from(whole);
      for (let flips = 1 + random(3); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
      const given = { ...hostStreams().given, ask: () => 1 };
      const error = await rejected(linkComponent(bytes).then((linked) => linked.instantiate(given)));
      if (error === undefined) lived++;
      else if (!(error instanceof Fault || error instanceof WebAssembly.RuntimeError)) throw error;
    }
  }
  expect(lived).toBeGreaterThan(0);
}, 20_000);

test("a thousand links and drops leave the heap where it was", async () => {
  const { heapStats } = await import("bun:jsc");
  const bytes = await parse(counters);
  const round = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const exports = (await (await linkComponent(bytes)).instantiate({})) as unknown as Record<
        string,
        Counters
      >;
      const { Counter } = exports["a:b/counters@1.0.0"]!;
      using counter = new Counter(1);
      if (counter.get() !== 1) throw new Error("The counter does not count");
    }
    for (let i = 0; i < 5; i++) {
      await Bun.sleep(5);
      Bun.gc(true);
    }
    return heapStats();
  };
  const before = await round(200);
  const after = await round(1000);
  expect(after.heapSize).toBeLessThan(before.heapSize * 1.1 + 2e6);
  expect(after.objectCount).toBeLessThan(before.objectCount * 1.1 + 5000);
}, 30_000);

test("a component of the asynchronous model is refused with what it uses", async () => {
  const refused = (await rejected(link(`(component (core func (canon waitable-set.new)))`))) as Fault;
  expect(refused.code).toBe("LK0303");
  expect(refused.message).toContain("it uses waitable-set.new");
});
