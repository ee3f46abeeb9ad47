import { beforeEach, expect, test } from "bun:test";
import { ownCache } from "../base/fixture.ts";
import { wasmTools } from "../contract/tools.ts";
import { verify } from "../trust/verify.ts";
import type { InstanceLimits } from "./budget.ts";
import { contextOf, count, failure, type Made, phaseOf, placed, rests, swapTo } from "./fixture.ts";
import type { Instance } from "./instance.ts";
import type { Live } from "./live.ts";
import { link } from "./plan.ts";

// What a `save` has changed, and what is left of it where it fails, or what comes after it does.

ownCache("each");
beforeEach(() => {
  rests.length = 0;
});

/** Nobody waits five seconds for a law. */
const hurried = (live: Live): Live => {
  const { instance } = live;
  const { callWithin } = instance;
  instance.callWithin = (_ms, ...rest) => callWithin.call(instance, 50, ...rest);
  return live;
};

/** Its own sum, the version that it names when it is asked, and more memory than it had. */
const spoil = `(global.set $sum (i32.const 99)) (i32.store8 (i32.const 64) (i32.const 57))
  (drop (memory.grow (i32.const 1))) (memory.fill (i32.const 65536) (i32.const 7) (i32.const 100))`;
const once = (work: string) => `(if (i32.eq (global.get $sum) (i32.const 1)) (then ${spoil} ${work}))`;

for (const [what, work, code] of [
  ["traps", "unreachable", "LK0304"],
  ["never ends", "(loop $l (br $l))", "LK0711"],
  ["waits for ever", "(call $rest)", "LK0711"],
] as const)
  test(`a save that ${what} leaves the old one as it was, and the next swap takes its state along`, async () => {
    const live = hurried(await placed({ save: once(work), waits: true }));
    expect(await count(live)).toBe(1);
    const fault = await failure(swapTo(live, { step: 10, waits: true }));
    expect([fault.code, phaseOf(fault)]).toEqual([code, "save"]);
    // What it waited for comes after all, and wakes nobody.
    for (const rest of rests) rest();
    await Bun.sleep(1);
    expect([await count(live), live.generation]).toEqual([2, 1]);
    expect((await swapTo(live, { step: 10, waits: true })).state).toBe("handed-over");
    expect(await count(live)).toBe(12);
  });

const after: readonly [string, Made][] = [
  ["a restore that refuses", { takes: 7 }],
  ["a restore that traps", { restore: "unreachable" }],
  ["a failing health check", { health: "unreachable" }],
];
for (const [what, made] of after)
  test(`what a save has changed is put back after ${what}`, async () => {
    const live = await placed({ save: once(""), takes: 1 });
    count(live);
    await failure(swapTo(live, { step: 10, ...made }));
    expect(count(live)).toBe(2);
  });

/** `save` changes a table, and what it holds of the host; `ask` calls through the table, `use` what it holds. */
const holder = (save: string) => `(component
  (import "t:t/things" (instance $things
    (export "thing" (type $thing (sub resource)))
    (export "[constructor]thing" (func (result (own $thing))))
    (export "[method]thing.use" (func (param "self" (borrow $thing)) (result u32)))))
  (alias export $things "thing" (type $thing))
  (core func $make (canon lower (func $things "[constructor]thing")))
  (core func $use (canon lower (func $things "[method]thing.use")))
  (core func $drop (canon resource.drop $thing))
  (core module $m
    (import "h" "make" (func $make (result i32)))
    (import "h" "use" (func $use (param i32) (result i32)))
    (import "h" "drop" (func $drop (param i32)))
    (type $f (func (result i32)))
    (table $t 2 8 funcref) (elem (table $t) (i32.const 0) func $one $two)
    (memory (export "memory") 1)
    (global $held (mut i32) (i32.const 0))
    (func $one (result i32) (i32.const 1))
    (func $two (result i32) (i32.const 2))
    (func (export "begin") (global.set $held (call $make)))
    (func (export "ask") (result i32) (call_indirect $t (type $f) (i32.const 0)))
    (func (export "use") (result i32) (call $use (global.get $held)))
    (func (export "save") (result i32) ${save}))
  (core instance $i (instantiate $m (with "h" (instance
    (export "make" (func $make)) (export "use" (func $use)) (export "drop" (func $drop))))))
  (alias core export $i "memory" (core memory $memory))
  (func (export "begin") (canon lift (core func $i "begin")))
  (func (export "ask") (result u32) (canon lift (core func $i "ask")))
  (func (export "use") (result u32) (canon lift (core func $i "use")))
  (type $saved (record (field "version" string) (field "bytes" (list u8))))
  (component $shim
    (type $s (record (field "version" string) (field "bytes" (list u8))))
    (import "saved" (type $saved (eq $s)))
    (import "save" (func $save (result $saved)))
    (export $named "saved" (type $saved))
    (export "save" (func $save) (func (result $named))))
  (func $save (result $saved) (canon lift (core func $i "save") (memory $memory)))
  (instance $h (instantiate $shim (with "saved" (type $saved)) (with "save" (func $save))))
  (export "loop:core/handover@0.1.0" (instance $h)))`;

const holding = async (save: string, limits: InstanceLimits = { stoppable: true }) => {
  const dropped: number[] = [];
  let made = 0;
  class Thing {
    readonly number = ++made;
    use() {
      return this.number;
    }
    [Symbol.dispose]() {
      dropped.push(this.number);
    }
  }
  const provider = {
    name: "things",
    interfaces: ["t:t/things"],
    suspending: [],
    defaultGranted: "*" as const,
    instantiate: () => ({ "t:t/things": { Thing } }),
  };
  const component = verify("holder.wasm", await (await wasmTools()).parse(holder(save)));
  const plan = await link(component, { providers: [provider] });
  const instance = await plan.instantiate({ ...contextOf(plan), limits });
  instance.callNow(undefined, "begin", []);
  return { instance, dropped };
};
const trySave = (instance: Instance): Promise<string> =>
  instance.attempt(1000, "loop:core/handover@0.1.0", "save", []).then(
    () => "saved",
    (error) => error.code,
  );

test("tables are as they were, and what was made meanwhile is let go of", async () => {
  const { instance, dropped } = await holding(
    `(table.set $t (i32.const 0) (ref.func $two)) (drop (table.grow $t (ref.null func) (i32.const 2)))
     (global.set $held (call $make)) unreachable`,
  );
  expect(await trySave(instance)).toBe("LK0304");
  expect([instance.callNow(undefined, "ask", []), instance.callNow(undefined, "use", [])]).toEqual([1, 1]);
  expect(dropped).toEqual([2]);
});

test("what a save let go of cannot be had back, so one that fails then ends its instance", async () => {
  const { instance, dropped } = await holding("(call $drop (global.get $held)) unreachable");
  expect(await trySave(instance)).toBe("LK0304");
  expect(() => instance.callNow(undefined, "use", [])).toThrow("after it had trapped");
  expect(dropped).toEqual([1]);
});

test("an instance that is not metered is not copied, and a save that traps ends it", async () => {
  const { instance } = await holding("unreachable", {});
  expect(await trySave(instance)).toBe("LK0304");
  expect(() => instance.callNow(undefined, "ask", [])).toThrow("after it had trapped");
});
