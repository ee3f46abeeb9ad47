// Resources that a program serves: whose they are, how long, and what nobody is ever given in their place.
import { expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gone } from "../../../tests/processes.ts";
import { contractOf, failureOf, fixtures, type Started, sidecars } from "../../../tests/sidecars.ts";
import { DeclaredError, type Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import type { HandleType } from "../../contract/wrpc/encode.ts";
import { Handles, letGo } from "./handle.ts";

const { folder, start } = sidecars();

const contract = contractOf(
  "demo:side/baskets@0.1.0",
  ["basket"],
  "[constructor]basket: func(first: string) -> basket",
  "[method]basket.add: func(self: borrow<basket>, name: string, count: u32) -> result<u32, variant { gone, full(string) }>",
  "[method]basket.look: func(self: borrow<basket>) -> list<string>",
  "[method]basket.split: func(self: borrow<basket>) -> list<basket>",
  "[static]basket.merge: func(into: borrow<basket>, other: basket) -> u32",
  "kept: func() -> list<u32>",
  "forge: func(how: string) -> basket",
);

interface Basket extends Disposable {
  add(name: string, count: number): Promise<number>;
  look(): Promise<string[]>;
  split(): Promise<Basket[]>;
}

interface Baskets {
  readonly Basket: {
    new (first: string): Promise<Basket>;
    merge(into: Basket, other: Basket): Promise<number>;
  };
  readonly make: (first: string) => Promise<Basket>;
  readonly forge: (how: string) => Promise<Basket>;
  readonly kept: () => Promise<[pid: number, baskets: number]>;
}

const basketsOf = async (program: string): Promise<Baskets & { readonly started: Started }> => {
  const started = await start(join(fixtures, program), 5000, contract);
  const exported = started.instance.exported(contract.name) as unknown as Baskets;
  const kept = async () => [...(await exported.kept())] as [number, number];
  return { ...exported, kept, make: async (first) => new exported.Basket(first), started };
};

/** What a call answers once the end of a process was noticed: until then it may be asked of that one. */
const served = async <T>(work: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if ((error as Fault).code !== "LK0431") throw error;
    }
  }
};

const codeOf = async (work: unknown): Promise<string> => {
  const error = await failureOf(work);
  return error instanceof DeclaredError ? JSON.stringify(error.payload) : (error as Fault).code;
};

for (const program of ["baskets.py", "kiosk"]) {
  test(`resources are made, used, given away and let go of: ${program}`, async () => {
    const { Basket, make, kept } = await basketsOf(program);
    const [one, other] = [await make("tea"), await make("cup")];
    expect(one).toBeInstanceOf(Basket);
    expect(await one.add("tea", 2)).toBe(3);
    expect(await other.look()).toEqual(["cup"]);
    expect(await codeOf(other.add("cup", 101))).toBe('{"tag":"full","val":"there is no room for 101"}');
    expect((await kept())[1]).toBe(2);

    // What was given away is the program's own from then on.
    expect(await Basket.merge(one, other)).toBe(4);
    expect((await kept())[1]).toBe(1);
    expect(await codeOf(other.add("tea", 1))).toBe('{"tag":"gone"}');
    expect(await codeOf(other.look())).toBe("LK0426");
    other[Symbol.dispose]();

    const parts = await one.split();
    expect(await Promise.all(parts.map((part) => part.look()))).toEqual([["tea"], ["tea"], ["tea"], ["cup"]]);
    for (const part of parts) part[Symbol.dispose]();
    for (const part of parts) part[Symbol.dispose]();
    expect((await kept())[1]).toBe(1);
    expect(await codeOf(parts[0]!.look())).toBe("LK0426");
    expect(await one.look()).toEqual([]);
  }, 30_000);

  test(`a resource goes with its process, and no other is ever taken for it: ${program}`, async () => {
    const { Basket, make, kept, started } = await basketsOf(program);
    const [pid] = await kept();
    const old = await make("old");
    process.kill(pid, "SIGKILL");
    await gone(pid);
    // The new process has made one as well, which may well have the same name.
    const next = await served(() => make("new"));
    expect((await kept())[0]).not.toBe(pid);
    expect(await codeOf(old.add("x", 1))).toBe('{"tag":"gone"}');
    expect(await codeOf(old.look())).toBe("LK0426");
    expect(await codeOf(Basket.merge(next, old))).toBe("LK0426");
    expect(await codeOf(Basket.merge(old, next))).toBe("LK0426");
    old[Symbol.dispose]();
    expect(started.instance.restarts?.()).toBe(1);
    // It was refused before anything was given away.
    expect(await next.look()).toEqual(["new"]);
    // Another instance's program serves it no more than any other's.
    const others = await basketsOf(program);
    expect(await codeOf(others.Basket.merge(await others.make("a"), next))).toBe("LK0426");
    expect(await next.look()).toEqual(["new"]);
  }, 30_000);

  test(`a name that is none, or another's, ends the process that says it: ${program}`, async () => {
    const { make, forge, kept } = await basketsOf(program);
    expect(await (await forge("well")).look()).toEqual(["well"]);
    for (const [how, why] of [
      ["twice", /a basket by a name that another resource has/],
      ["nameless", /a basket that is named in 0 bytes/],
      ["long", /a basket that is named in 65 bytes, where 1 to 64/],
    ] as const) {
      const [pid] = await kept();
      const basket = await make("here");
      const error = (await failureOf(forge(how))) as Fault;
      expect([error.code, error.message]).toEqual(["LK0431", expect.stringMatching(why)]);
      expect(await codeOf(basket.look())).toBe("LK0426");
      await gone(pid);
      expect(await served(kept)).toEqual([expect.any(Number), 0]);
    }
  }, 30_000);
}

test("a method of what has gone with its process starts no other", async () => {
  const { make, kept, started } = await basketsOf("baskets.py");
  const [[pid], basket] = [await kept(), await make("tea")];
  process.kill(pid, "SIGKILL");
  await gone(pid);
  // Whichever comes first, its end or this call: it is answered by nobody else.
  while ((await codeOf(basket.look())) !== "LK0426") await Bun.sleep(10);
  expect(await codeOf(basket.add("tea", 1))).toBe('{"tag":"gone"}');
  expect(started.instance.restarts?.()).toBe(0);
}, 30_000);

test("a program of the first version, which has no resources, cannot serve one", async () => {
  const file = join(folder, "first.py");
  const text = readFileSync(join(fixtures, "baskets.py"), "utf8");
  writeFileSync(
    file,
    text
      .replace("os.path.dirname(os.path.abspath(__file__))", JSON.stringify(fixtures))
      .replace("drop=", "protocol=1, drop="),
  );
  chmodSync(file, 0o755);
  const error = (await failureOf(start(file, 5000, contract))) as Fault;
  expect([error.code, error.message]).toEqual([
    "LK0402",
    expect.stringContaining(
      "speaks version 1 of the protocol, which has no resources, and demo:side/baskets@0.1.0 has basket",
    ),
  ]);
}, 30_000);

test("a process has so many resources at a time and no more, and what is refused is told to go", () => {
  const dropped: string[] = [];
  const handles = new Handles((bytes) => dropped.push(new TextDecoder().decode(bytes)));
  const basket: HandleType = { kind: "own", resource: { name: "basket", owner: "a:b/c" } };
  const take = (...names: string[]): object[] => {
    const taking = handles.taking(() => ({}));
    try {
      const objects = names.map((name) => taking.objectOf(new TextEncoder().encode(name), basket) as object);
      taking.done();
      return objects;
    } catch (error) {
      taking.lost();
      throw error;
    }
  };
  const all = take(...Array.from({ length: limits.handlesMax - 1 }, (_, i) => `${i}`));
  expect(() => take("last", "one more")).toThrow("that is the limit");
  expect(dropped).toEqual(["last"]);
  // What was let go of, or given away, makes room, and its name may come again.
  letGo(all[7]!);
  letGo(all[7]!);
  const giving = handles.giving();
  expect(new TextDecoder().decode(giving.handleOf(all[8], basket))).toBe("8");
  expect(() => giving.handleOf(all[8], basket)).toThrow("given away in the same call");
  giving.done();
  expect(dropped).toEqual(["last", "7"]);
  expect(take("7", "8").length).toBe(2);
  expect(() => handles.giving().handleOf(all[8], basket)).toThrow("dropped or given away");
  expect(() => take("9")).toThrow("by a name that another resource has, 0x39");
  handles.end();
  letGo(all[10]!);
  expect(dropped).toEqual(["last", "7"]);
});
