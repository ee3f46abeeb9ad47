import { beforeEach, describe, expect, test } from "bun:test";
import { limits } from "../base/limits.ts";
import { wasmTools } from "../contract/tools.ts";
import { verify } from "../trust/verify.ts";
import { quietContext } from "./fixture.ts";
import type { Instance } from "./instance.ts";
import { type LinkerName, linkerNames } from "./linkers.ts";
import { link } from "./plan.ts";
import type { InstanceContext } from "./provider.ts";
import { Turns } from "./turns.ts";

// Guests that compute without end, beside whom the host's other work goes on.

const guest = `(component
  (core module $m
    (func (export "away") (loop $l (br $l)))
    (func (export "count") (param i32) (result i32) (local i32)
      (loop $l (local.set 1 (i32.add (local.get 1) (i32.const 3)))
        (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
      (local.get 1))
    (func (export "answer") (result i32) (i32.const 42)))
  (core instance $i (instantiate $m))
  (func (export "away") (canon lift (core func $i "away")))
  (func (export "count") (param "n" u32) (result u32) (canon lift (core func $i "count")))
  (func (export "answer") (result u32) (canon lift (core func $i "answer"))))`;

/** The same, endless, behind another component of the same binary. */
const inner = `(component
  (component $in
    (core module $m (func (export "away") (loop $l (br $l))))
    (core instance $i (instantiate $m))
    (func (export "away") (canon lift (core func $i "away"))))
  (instance $in (instantiate $in))
  (component $out
    (import "away" (func $away))
    (core func $call (canon lower (func $away)))
    (core module $m (import "h" "away" (func $a)) (func (export "go") (call $a)))
    (core instance $i (instantiate $m (with "h" (instance (export "away" (func $call))))))
    (func (export "away") (canon lift (core func $i "go"))))
  (instance $out (instantiate $out (with "away" (func $in "away"))))
  (export "away" (func $out "away")))`;

let linker: LinkerName;
const start = async (text: string, more: Partial<InstanceContext> = {}): Promise<Instance> => {
  const component = verify("away.wasm", await (await wasmTools()).parse(text));
  const bounds = { stoppable: true, turns: new Turns(), graceMsMax: 20 };
  const plan = await link(component, { linker, providers: [], limits: bounds });
  expect(plan.suspends).toBe(true);
  return plan.instantiate(quietContext(component, { limits: bounds, ...more }));
};

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error) => error.code ?? `${error}`,
  );

for (const name of linkerNames)
  describe(`with the linker ${name}`, () => {
    beforeEach(() => {
      linker = name;
    });

    test("timers go on while a guest computes, and whoever asks it to stop is heard", async () => {
      const stop = new AbortController();
      const instance = await start(guest, { stop: stop.signal });
      let ticks = 0;
      const ticking = setInterval(() => ++ticks === 5 && stop.abort(), 1);
      expect(await codeOf(instance.call(undefined, "away", []))).toBe("LK0005");
      clearInterval(ticking);
      expect(ticks).toBeGreaterThanOrEqual(5);
    });

    test("what a guest computes is the same, in however many pieces", async () => {
      const instance = await start(guest);
      let ticks = 0;
      const ticking = setInterval(() => ticks++, 1);
      expect(await instance.call(undefined, "count", [400_000_000])).toBe(1_200_000_000);
      clearInterval(ticking);
      expect(ticks).toBeGreaterThan(1);
      expect(await instance.call(undefined, "answer", [])).toBe(42);
    });

    test("nobody enters an instance that is suspended in the middle of computing, before it is done", async () => {
      const stop = new AbortController();
      const instance = await start(guest, { stop: stop.signal });
      const ended: string[] = [];
      const first = instance.call(undefined, "count", [200_000_000]).then(() => ended.push("first"));
      await Bun.sleep(1);
      const second = instance.call(undefined, "answer", []).then(() => ended.push("second"));
      await Promise.all([first, second]);
      expect(ended).toEqual(["first", "second"]);
      const away = codeOf(instance.call(undefined, "away", []));
      await Bun.sleep(1);
      const never = codeOf(instance.call(undefined, "answer", []));
      stop.abort();
      expect([await away, await never]).toEqual(["LK0005", "LK0005"]);
    });

    test("a component inside of a component shares its thread as well", async () => {
      const stop = new AbortController();
      const instance = await start(inner, { stop: stop.signal });
      const stopping = setTimeout(() => stop.abort(), 5);
      expect(await codeOf(instance.call(undefined, "away", []))).toBe("LK0005");
      clearTimeout(stopping);
    });
  });

test("a guest that is told to stop is stopped, and the fault says why", async () => {
  linker = "loop";
  const turns = new Turns();
  turns.ask = () => "stop";
  const instance = await start(guest, { limits: { turns } });
  await expect(instance.call(undefined, "away", [])).rejects.toMatchObject({
    code: "LK0711",
    message: "away.wasm was stopped in away: it computed for longer than 5s where it cannot be suspended",
  });
});

test("a guest that cannot be suspended is told to stop when it has held the thread for too long", async () => {
  const turns = new Turns();
  const now = performance.now() + limits.turnEveryMs;
  expect(turns.ask(now)).toBe("turn");
  // The event loop has not turned since.
  expect(turns.ask(now + 1)).toBe("go on");
  expect(turns.ask(now + limits.turnHeldMsMax)).toBe("turn");
  expect(turns.ask(now + 2 * limits.turnHeldMsMax)).toBe("stop");
  await turns.take();
  await turns.take();
  expect(turns.ask(now + 3 * limits.turnHeldMsMax)).toBe("turn");
});

test("while others are in a hurry guests compute in smaller pieces, and wait for what begins", async () => {
  let swapping = false;
  const turns = new Turns(() => swapping);
  const now = performance.now();
  expect(turns.ask(now + limits.turnHurriedMs)).toBe("go on");
  swapping = true;
  expect(turns.ask(now + limits.turnHurriedMs)).toBe("turn");
  const order: string[] = [];
  const built = turns.hurried(async () => {
    for (let step = 0; step < 5; step++) await new Promise((resolve) => setImmediate(resolve));
    order.push("built");
  });
  await turns.take().then(() => order.push("guest"));
  await built;
  expect(order).toEqual(["built", "guest"]);
});
