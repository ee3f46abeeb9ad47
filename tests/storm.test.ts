// A storm of swaps by the path that every swap takes (fetched from files, verified, compared, linked, granted), under
// constant calls: no call is lost, none is answered by what is half-built, and nothing is left of what has gone.
import { heapStats } from "bun:jsc";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planRun } from "../src/app/link.ts";
import { splitArguments } from "../src/app/options.ts";
import { Program } from "../src/app/program.ts";
import { Fault } from "../src/base/fault.ts";
import { wasmTools } from "../src/contract/tools.ts";
import { counterText, failure, type Made, passer } from "../src/host/fixture.ts";
import type { Instance } from "../src/host/instance.ts";
import type { Stdio } from "../src/host/provider.ts";
import { noGrants } from "../src/trust/grants.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "loop-storm-")));
const kept = { data: process.env.XDG_DATA_HOME, cache: process.env.XDG_CACHE_HOME, folder: process.cwd() };

const said: string[] = [];
const sink = (lines: string[]) => ({
  write: (bytes: Uint8Array) => void lines.push(new TextDecoder().decode(bytes)),
  flush() {},
  isTerminal: false,
});
const stdio: Stdio = {
  stdin: { read: () => undefined, isTerminal: false },
  stdout: sink([]),
  stderr: sink(said),
};

/** Calls that misbehave hold up all others: they end at the slot's time, which no machine needs for an honest one. */
const settings = `[component]
name = "app"

[slots.counter]
contract = "t:t/counter@0.1.0"
default = "./one.wasm"
timeout = "2s"
`;

/** `go` counts, `mood` passes it on. */
const application = `(component
  (import "t:t/counter@0.1.0" (instance $counter
    (export "count" (func (result u32))) (export "mood" (func (param "mood" u32)))))
  (core func $count (canon lower (func $counter "count")))
  (core func $mood (canon lower (func $counter "mood")))
  (core module $m
    (import "h" "count" (func $count (result i32))) (import "h" "mood" (func $mood (param i32)))
    (func (export "go") (result i32) (call $count))
    (func (export "mood") (param i32) (call $mood (local.get 0))))
  (core instance $i (instantiate $m (with "h" (instance
    (export "count" (func $count)) (export "mood" (func $mood))))))
  (func (export "go") (result u32) (canon lift (core func $i "go")))
  (func (export "mood") (param "mood" u32) (canon lift (core func $i "mood"))))`;

/** `go` counts with the first of several, `through` passes through what stands before a capability. */
const several = `(component
  (import "t:t/counter@0.1.0" (instance $counter (export "count" (func (result u32)))))
  (import "t:t/host@0.1.0" (instance $host (export "next" (func (param "n" u32) (result u32)))))
  (core func $count (canon lower (func $counter "count")))
  (core func $next (canon lower (func $host "next")))
  (core module $m
    (import "h" "count" (func $count (result i32))) (import "h" "next" (func $next (param i32) (result i32)))
    (func (export "go") (result i32) (call $count))
    (func (export "through") (result i32) (call $next (i32.const 0))))
  (core instance $i (instantiate $m (with "h" (instance
    (export "count" (func $count)) (export "next" (func $next))))))
  (func (export "go") (result u32) (canon lift (core func $i "go")))
  (func (export "through") (result u32) (canon lift (core func $i "through"))))`;

/** Those that stand before a capability each write a digit behind what the one behind them answers. */
const digits = ["1", "2", "3"];
const passers: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    digits.map((one) => [
      one,
      passer(`(i32.add (i32.mul (call $next (local.get 0)) (i32.const 10)) (i32.const ${one}))`),
    ]),
  ),
  end: `(component
    (core module $m (func (export "next") (param i32) (result i32) (i32.const 7)))
    (core instance $i (instantiate $m))
    (func $f (param "n" u32) (result u32) (canon lift (core func $i "next")))
    (instance $api (export "next" (func $f))) (export "t:t/host@0.1.0" (instance $api)))`,
  "passer-traps": passer("(i32.const 9999)", "(func $s unreachable) (start $s)"),
};
const severalSettings = `[component]
name = "several"

[slots.counter]
contract = "t:t/counter@0.1.0"
combination = "first"
default = ["./one.wasm", "./two.wasm"]

[slots."provider:t:t/host"]
use = ["./1.wasm", "./end.wasm"]
`;

const endless = "(loop $for_ever (br $for_ever))";
const [well, traps, lasts] = [0, 1, 2];
const moody = `(if (i32.ne (global.get $mood) (i32.const ${well})) (then
    (global.set $sum (i32.const 7777)) (memory.fill (i32.const 0) (i32.const 9) (i32.const 2000))
    (if (i32.eq (global.get $mood) (i32.const ${lasts})) (then ${endless}))
    unreachable))`;

/** Those that may serve, by what they add at each count. */
const good: Readonly<Record<string, Made>> = {
  one: { step: 1, save: moody },
  two: { step: 10, save: moody },
  three: { step: 100, save: moody, health: "" },
};
/** Those that may not: each adds what would be seen at once. The phase in which each is found out. */
const bad: Readonly<Record<string, readonly [Made | undefined, phase: string]>> = {
  "bad-bytes": [undefined, "fetch"],
  "no-file": [undefined, "fetch"],
  "wrong-world": [{ exported: "tally" }, "compare"],
  "denied-grant": [{ imports: ["loop:storage/key-value@0.1.0"] }, "link"],
  "trap-in-start": [{ start: "unreachable" }, "instantiate"],
  "trap-in-restore": [{ restore: "unreachable" }, "restore"],
  "refused-state": [{ takes: 7 }, "restore"],
  "trap-in-health": [{ health: "unreachable" }, "health"],
  "not-well": [
    {
      health: `(i32.store (i32.const 48) (i32.const 1)) (i32.store (i32.const 52) (i32.const 112))
        (i32.store (i32.const 56) (i32.const 9)) (return (i32.const 48))`,
    },
    "health",
  ],
};
/** Found out at the slot's time, so there are few of them. */
const slow: typeof bad = {
  "endless-start": [{ start: endless }, "instantiate"],
  "endless-restore": [{ restore: endless }, "restore"],
  "endless-health": [{ health: endless }, "health"],
};

const pathOf = (name: string) => join(folder, `${name}.wasm`);
const write = async (name: string, made: Made): Promise<void> => {
  const text = counterText(made).replaceAll("t:t/counter", "t:t/counter@0.1.0");
  writeFileSync(pathOf(name), await (await wasmTools()).parse(text));
};

beforeAll(async () => {
  process.env.XDG_DATA_HOME = join(folder, "data");
  process.env.XDG_CACHE_HOME = join(folder, "cache");
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "loop.toml"), settings);
  writeFileSync(pathOf("app"), await (await wasmTools()).parse(application));
  for (const [name, made] of Object.entries(good)) await write(name, made);
  for (const [name, [made]] of Object.entries({ ...bad, ...slow }))
    if (made) await write(name, { step: 5000, save: moody, ...made });
  const tools = await wasmTools();
  for (const [name, text] of Object.entries({ ...passers, several }))
    writeFileSync(pathOf(name), await tools.parse(text));
  writeFileSync(pathOf("bad-bytes"), "these are no bytes of a component");
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(kept.folder);
  for (const [name, value] of [
    ["XDG_DATA_HOME", kept.data],
    ["XDG_CACHE_HOME", kept.cache],
  ] as const)
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  rmSync(folder, { recursive: true, force: true });
});

/** Calls the application again and again, and holds each answer to the one before. */
class Caller {
  calls = 0;
  #mood: { readonly mood: number; readonly set: () => void } | undefined;
  #done = false;
  readonly ended: Promise<void>;

  constructor(instance: Instance) {
    this.ended = this.#call(instance);
  }

  async #call(instance: Instance): Promise<void> {
    const steps = Object.values(good).map(({ step }) => step!);
    let sum = 0;
    while (!this.#done) {
      const answer = (await instance.call(undefined, "go", [])) as number;
      // One call further, by one that may serve: no state was lost, and nothing half-built has answered.
      expect(steps).toContain(answer - sum);
      sum = answer;
      this.calls++;
      const wanted = this.#mood;
      this.#mood = undefined;
      if (wanted) await instance.call(undefined, "mood", [wanted.mood]);
      wanted?.set();
      // The sum is a u32, and a place that is called without a pause has no moment for a swap.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  mood(mood: number): Promise<void> {
    return new Promise((set) => {
      this.#mood = { mood, set };
    });
  }

  end(): Promise<void> {
    this.#done = true;
    return this.ended;
  }
}

/** The application at a path, running in a program of its own. */
const running = async (name: string) => {
  const program = new Program(splitArguments([]).options, new Map(), stdio);
  const plan = await planRun(pathOf(name), program);
  const instance = await plan.instantiate({
    component: { identifier: name, digest: plan.component.digest },
    args: [],
    grants: noGrants,
    stdio,
    onDrop() {},
  });
  return { places: program.places, instance };
};

/** The phase in which a change failed; undefined where it did not. */
const outcome = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => phaseOf(error),
  );

const phaseOf = (error: unknown): string | undefined => {
  if (!(error instanceof Fault)) return `${error}`;
  const causes = error.causes.map(({ message }) => /^Swapping: (\w+)/.exec(message)?.[1]);
  return causes.find((phase) => phase !== undefined);
};

test("a thousand swaps, a third of them broken in every way, lose no call and end with the right one", async () => {
  const { places, instance } = await running("app");
  const caller = new Caller(instance);
  const swap = (name: string) => places.swap("counter", { identifier: pathOf(name) });
  const standing = () => places.at("counter")[0]!;
  const names = Object.keys(good);
  const ways = Object.entries(bad);
  const memory: { rss: number; objects: number }[] = [];
  const failures: Record<string, number> = {};
  let done = 0;
  let last = "one";
  for (let round = 0; round < 1000; round++) {
    if (round % 100 === 99) {
      Bun.gc(true);
      memory.push({ rss: process.memoryUsage.rss() / 2 ** 20, objects: heapStats().objectCount });
    }
    if (round % 3 < 2) {
      last = names[done % names.length]!;
      await swap(last);
      done++;
      expect(standing()).toMatchObject({ identifier: pathOf(last), generation: done + 1 });
      continue;
    }
    const turn = (round / 3) | 0;
    const [name, [, phase]] = ways[turn % ways.length]!;
    if (turn % 8 === 5) {
      // What stands there fails at handing its state over, and goes on with it.
      await caller.mood(traps);
      failures["trap-in-save"] = (failures["trap-in-save"] ?? 0) + 1;
      expect(await outcome(swap(names[(done + 1) % names.length]!))).toBe("save");
      await caller.mood(well);
    } else if (turn % 8 === 7) {
      // A file that goes while it is fetched: it was there in time, or it was not.
      await write("going", { step: 100, save: moody });
      const going = swap("going");
      rmSync(pathOf("going"));
      const failed = await outcome(going);
      failures.going = (failures.going ?? 0) + 1;
      if (failed === undefined) done++;
      else expect(failed).toBe("fetch");
    } else {
      failures[name] = (failures[name] ?? 0) + 1;
      expect([name, await outcome(swap(name))]).toEqual([name, phase]);
    }
    expect(standing().generation).toBe(done + 1);
  }
  const calls = caller.calls;
  expect(Object.keys(failures).sort()).toEqual([...Object.keys(bad), "going", "trap-in-save"].sort());

  // Those that never end, which are stopped at the slot's time, one way after the other.
  for (const [name, [, phase]] of Object.entries(slow))
    expect([name, await outcome(swap(name))]).toEqual([name, phase]);
  await caller.mood(lasts);
  expect(await outcome(swap("two"))).toBe("save");
  await caller.mood(well);

  // Two that want the place at the same moment have it one after the other.
  const both = await Promise.all([swap("two"), swap("three")]);
  expect(both.map(([one]) => one!.generation)).toEqual([done + 2, done + 3]);
  expect(standing()).toMatchObject({ identifier: pathOf("three"), generation: done + 3 });
  await caller.end();
  expect(calls).toBeGreaterThan(1000);
  instance.drop();
  expect(places.at("counter")).toEqual([]);

  // From when the engine has compiled what it will: nothing of what was dropped, or never served, is left.
  const [early, late] = [memory.slice(2, 5), memory.slice(-3)];
  const least = (of: "rss" | "objects", some: typeof memory) => Math.min(...some.map((one) => one[of]));
  expect(least("rss", late) - least("rss", early)).toBeLessThan(24);
  expect(least("objects", late) - least("objects", early)).toBeLessThan(4000);
}, 240_000);

test("hundreds of changes of several at once, a third of them broken, leave what was wished for or all as it was", async () => {
  writeFileSync(join(folder, "loop.toml"), severalSettings);
  const { places, instance } = await running("several");
  const call = (func: string) => instance.call(undefined, func, []) as Promise<number>;
  const fill = (slot: string, names: readonly string[]) =>
    outcome(
      places.arrange(
        slot,
        names.map((name) => ({ identifier: pathOf(name) })),
      ),
    );
  // What would be there if each change were done by hand: counters with their sums, and digits in their order.
  let counters = [
    { name: "one", sum: 0 },
    { name: "two", sum: 0 },
  ];
  let before = ["1"];
  const standing = (slot: string) => places.at(slot).map(({ identifier }) => identifier);
  const requireAll = async () => {
    const [first] = counters;
    first!.sum += good[first!.name]!.step!;
    expect(await call("go")).toBe(first!.sum);
    expect(standing("counter")).toEqual(counters.map(({ name }) => pathOf(name)));
    expect(`${await call("through")}`).toBe(`7${before.toReversed().join("")}`);
    expect(standing("provider:t:t/host")).toEqual([...before, "end"].map(pathOf));
  };
  const rotated = <T>(some: readonly T[], by: number) => some.map((_, at) => some[(at + by) % some.length]!);
  const ways = Object.entries(bad);
  const memory: number[] = [];
  for (let round = 0; round < 400; round++) {
    if (round % 50 === 49) {
      Bun.gc(true);
      memory.push(heapStats().objectCount);
    }
    if (round % 3 < 2) {
      const wanted = rotated(Object.keys(good), round).slice(0, 1 + (round % 3) + (round % 2));
      const going = counters.filter(({ name }) => !wanted.includes(name));
      const next = wanted.map((name) => {
        const stays = counters.find((one) => one.name === name);
        return stays ?? { name, sum: going.shift()?.sum ?? 0 };
      });
      expect(await fill("counter", wanted)).toBeUndefined();
      counters = next;
      before = rotated(digits, round + 1).slice(0, round % 4);
      expect(await fill("provider:t:t/host", [...before, "end"])).toBeUndefined();
    } else {
      // Others change places, and one gives way to what cannot stand there.
      const [name, [, phase]] = ways[((round / 3) | 0) % ways.length]!;
      const names = rotated(counters, 1).map((one) => one.name);
      const at = round % names.length;
      expect([name, await fill("counter", names.toSpliced(at, 1, name))]).toEqual([name, phase]);
      const passing = rotated(digits, round);
      for (const [name, phase] of [
        ["passer-traps", "instantiate"],
        ["bad-bytes", "fetch"],
        ["one", "compare"],
      ] as const)
        expect(await fill("provider:t:t/host", [...passing, name, "end"])).toBe(phase);
      // Without what ends it nobody would serve the last of them.
      const unended = passing.map((one) => ({ identifier: pathOf(one) }));
      expect((await failure(places.arrange("provider:t:t/host", unended))).code).toBe("LK0428");
    }
    await requireAll();
  }
  instance.drop();
  expect([...places.names]).toEqual([]);
  expect(Math.min(...memory.slice(-3)) - Math.min(...memory.slice(1, 4))).toBeLessThan(4000);
}, 240_000);
