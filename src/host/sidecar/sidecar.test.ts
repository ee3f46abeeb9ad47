// Programs that serve an interface, well and badly: what a caller sees, when, and who answers next.
import { expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gone } from "../../../tests/processes.ts";
import { failureOf, fixtures, type Started, shop, sidecars } from "../../../tests/sidecars.ts";
import { DeclaredError, Fault } from "../../base/fault.ts";
import type { Type } from "../../contract/model.ts";
import { randomSource } from "../../contract/random.ts";
import { Frames, frameOf } from "./wire.ts";

const { folder, start } = sidecars();

const pidOf = async ({ call }: Started): Promise<number> =>
  Number(((await call("misbehave", "nothing")) as string).split(" ")[1]);

for (const program of ["shop.py", "kiosk"])
  test(`a program in another language serves records, lists, options, results and variants: ${program}`, async () => {
    const { call } = await start(join(fixtures, program));
    expect(await call("find", "tea")).toEqual({ name: "tea", count: 3, tags: ["here", "TEA"] });
    expect(await call("find", "salt")).toBeUndefined();
    const want = (name: string, count: number) => ({ name, count, tags: [] });
    expect(await call("buy", [])).toEqual({ tag: "free" });
    expect(await call("buy", [want("tea", 2), want("cup", 1)])).toEqual({ tag: "fixed", val: 4.5 });
    expect(await call("buy", [want("cup", 12)])).toEqual({ tag: "named", val: "a bargain" });
    const refused = await failureOf(call("buy", [want("salt", 1)]));
    expect((refused as DeclaredError).payload).toBe("there is too little salt");
    // Calls at the same time find their answers.
    const names = ["tea", "cup", "salt", "tea"];
    const found = await Promise.all(names.map((name) => call("find", name)));
    expect(found.map((one) => (one as { name: string } | undefined)?.name)).toEqual([
      "tea",
      "cup",
      undefined,
      "tea",
    ]);
  }, 30_000);

const misdeeds: readonly (readonly [string, RegExp])[] = [
  ["die", /ended with exit code 3/],
  ["die in a message", /ended with exit code 0 in the middle of a message, 5 bytes into it/],
  ["garbage", /does not speak the protocol: a frame of \d+ bytes is announced/],
  ["oversize", /a frame of 4294967295 bytes is announced, and \d+ is the limit/],
  ["stranger", /answered call 123456, which nobody waits for/],
  ["flood", /answered ping 7, which nobody waits for/],
  ["slow", /did not answer misbehave within 1500 ms/],
  ["deaf", /did not answer misbehave within 1500 ms/],
];

test("whatever it does in place of an answer is a fault within the deadline, and a new process answers the next call", async () => {
  const started = await start(join(fixtures, "shop.py"), 1500);
  for (const [deed, expected] of misdeeds) {
    const before = await pidOf(started);
    const from = performance.now();
    const error = (await failureOf(started.call("misbehave", deed))) as Fault;
    const took = performance.now() - from;
    expect(error).toBeInstanceOf(Fault);
    expect([deed, error.code]).toEqual([deed, "LK0431"]);
    expect(error.message).toMatch(expected);
    expect(took, deed).toBeLessThan(1500 + 1500);
    expect(await pidOf(started), deed).not.toBe(before);
    await gone(before);
  }
  expect(started.instance.restarts?.()).toBe(misdeeds.length);
}, 120_000);

test("a function that fails fails alone, and what is said on standard error has a name and no escapes", async () => {
  const started = await start(join(fixtures, "shop.py"));
  const before = await pidOf(started);
  const error = (await failureOf(started.call("misbehave", "raise"))) as Fault;
  expect(error.message).toContain("says that misbehave failed: no such thing");
  await started.call("misbehave", "shout");
  for (let waited = 0; started.said.length === 0 && waited < 5000; waited += 10) await Bun.sleep(10);
  expect(started.said.join("")).toMatch(/^shop: a line.*of mine\n$/);
  expect(started.said.join("")).not.toContain("\x1b");
  expect(await pidOf(started)).toBe(before);
}, 30_000);

test("a result's err says the failure, where the function has one for text", async () => {
  const started = await start(join(fixtures, "shop.py"), 1500);
  const pid = await pidOf(started);
  process.kill(pid, "SIGSTOP");
  const error = await failureOf(started.call("buy", []));
  expect(error).toBeInstanceOf(DeclaredError);
  expect((error as DeclaredError).payload).toContain("did not answer buy within 1500 ms");
  await gone(pid);
  expect(await started.call("buy", [])).toEqual({ tag: "free" });
}, 30_000);

const seed = Number(process.env.LOOP_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));

test(`killed at any moment, it answers rightly or fails in time, and answers again (seed ${seed})`, async () => {
  const random = randomSource(seed);
  const started = await start(join(fixtures, "shop.py"));
  let failed = 0;
  for (let round = 0; round < 12; round++) {
    const pid = await pidOf(started);
    const timer = setTimeout(() => process.kill(pid, "SIGKILL"), random(4));
    const done = await Promise.allSettled(
      Array.from({ length: 8 }, async (_, i) => {
        await Bun.sleep(random(6));
        return started.call("find", i % 2 ? "tea" : "cup");
      }),
    );
    clearTimeout(timer);
    for (const [i, one] of done.entries())
      if (one.status === "fulfilled")
        expect((one.value as { name: string }).name).toBe(i % 2 ? "tea" : "cup");
      else {
        expect(one.reason).toBeInstanceOf(Fault);
        expect(one.reason.code, `seed ${seed}`).toBe("LK0431");
        failed++;
      }
    expect(((await started.call("find", "cup")) as { name: string }).name).toBe("cup");
  }
  expect(failed).toBeGreaterThan(0);
}, 120_000);

test("one that cannot start is started less and less often, and every call says so in time", async () => {
  const file = join(folder, "broken.sh");
  const count = join(folder, "count");
  writeFileSync(file, `#!/bin/sh\necho once >> ${count}\nexit 9\n`);
  chmodSync(file, 0o755);
  const error = (await failureOf(start(file))) as Fault;
  expect([error.code, error.message]).toEqual([
    "LK0431",
    `The sidecar sidecar:${file} ended with exit code 9`,
  ]);

  // Well at first, and broken from its second start on.
  const turned = join(folder, "turned.sh");
  writeFileSync(
    turned,
    `#!/bin/sh\nif [ -e ${count}2 ]; then echo once >> ${count}2; exit 9; fi\n: > ${count}2\nexec ${join(fixtures, "shop.py")}\n`,
  );
  chmodSync(turned, 0o755);
  const started = await start(turned, 300);
  process.kill(await pidOf(started), "SIGKILL");
  const from = performance.now();
  for (let i = 0; i < 100 && performance.now() - from < 3000; i++) {
    const before = performance.now();
    expect(((await failureOf(started.call("find", "tea"))) as Fault).code).toBe("LK0431");
    expect(performance.now() - before).toBeLessThan(1500);
  }
  const starts = readFileSync(`${count}2`, "utf8").split("\n").length - 1;
  expect(starts).toBeGreaterThan(1);
  expect(starts).toBeLessThan(12);
}, 60_000);

test("a program that does not serve the contract, or not all of it, is refused when it starts", async () => {
  const shopPlus = {
    ...shop,
    funcs: new Map([...shop.funcs, ["sell", { ...shop.funcs.get("buy")!, name: "sell" }]]),
  };
  const lacking = (await failureOf(start(join(fixtures, "shop.py"), 1000, shopPlus))) as Fault;
  expect([lacking.code, lacking.message]).toEqual([
    "LK0402",
    expect.stringContaining("serves demo:side/shop@0.1.0 without sell"),
  ]);
  const other = (await failureOf(
    start(join(fixtures, "shop.py"), 1000, { ...shop, name: "demo:side/shop@0.2.0" }),
  )) as Fault;
  expect(other.message).toContain("does not serve demo:side/shop@0.2.0; it serves: demo:side/shop@0.1.0");
  const file: Type = { kind: "own", resource: { name: "file", owner: undefined } };
  const handing = { ...shop.funcs.get("find")!, result: file };
  const resourceful = { ...shop, funcs: new Map([["find", handing]]) };
  const unsayable = (await failureOf(start(join(fixtures, "shop.py"), 1000, resourceful))) as Fault;
  expect([unsayable.code, unsayable.message]).toEqual([
    "LK0402",
    expect.stringContaining("is about own<file>"),
  ]);
}, 30_000);

test("the same program in its own place stays, and is told to read anew what it was made of", async () => {
  const first = await start(join(fixtures, "shop.py"));
  const pid = await pidOf(first);
  const second = await start(join(fixtures, "shop.py"), 5_000, shop, first.instance.context);
  expect(await pidOf(second)).toBe(pid);
  expect(await second.call("find", "tea")).toMatchObject({ count: 99 });
  first.instance.drop();
  expect(await second.call("find", "tea")).toMatchObject({ count: 99 });
  // Another program in its place is another process, and the first one goes.
  const third = await start(join(fixtures, "kiosk"), 5_000, shop, second.instance.context);
  expect(await pidOf(third)).not.toBe(pid);
  second.instance.drop();
  await gone(pid);
  expect(await third.call("find", "tea")).toMatchObject({ count: 3 });
}, 30_000);

test("an instance that is dropped leaves no process", async () => {
  const started = await start(join(fixtures, "shop.py"));
  const pid = await pidOf(started);
  started.instance.drop();
  await gone(pid);
}, 30_000);

test("messages are put together from pieces of any size", () => {
  const whole = Buffer.concat([frameOf({ tag: "ping", val: 300n }), frameOf({ tag: "ping", val: 1n })]);
  // What a sidecar calls a pong has the tag 3, as a ping from here has 2.
  for (const at of [4, whole.length - 2]) whole[at] = 3;
  for (let size = 1; size <= whole.length; size++) {
    const frames = new Frames();
    const seen: unknown[] = [];
    for (let at = 0; at < whole.length; at += size) seen.push(...frames.push(whole.subarray(at, at + size)));
    expect(seen).toEqual([
      { tag: "pong", val: 300n },
      { tag: "pong", val: 1n },
    ]);
    expect(frames.held).toBe(0);
  }
});
