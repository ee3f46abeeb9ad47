import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { ownCache } from "../base/fixture.ts";
import { decodeComponent } from "../contract/binary/decode.ts";
import { wasmTools } from "../contract/tools.ts";
import { worldOf } from "../contract/world.ts";
import type { Judge } from "../trust/verify.ts";
import { load } from "./load.ts";

// A module as compilers for preview 1 leave it; the adapter's part is tested by running it (tests/cli/preview1).

const exits = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 7))))`;

const cache = ownCache();

/** Nobody decided anything. */
const judge = {
  trusts: () => false,
  requires: () => undefined,
  keyring: () => {
    throw new Error("nothing is signed here");
  },
  memory: { has: () => false, add: () => {} },
} as unknown as Judge;

const loaded = async (text: string, pinned?: `sha256:${string}`) => {
  const bytes = await (await wasmTools()).parse(text);
  const digest = pinned ?? digestOf(bytes);
  const resolver = {
    fetch: async (identifier: string) => ({
      bytes,
      locator: { identifier, scheme: "file", place: "/x.wasm", digest },
    }),
  };
  return { bytes, ...(await load("./x.wasm", resolver, judge)) };
};

const fails = async (text: string): Promise<Fault> => {
  const error = await loaded(text).catch((caught) => caught);
  expect(error).toBeInstanceOf(Fault);
  return error as Fault;
};

test("a command for preview 1 becomes a component, and keeps the digest of what arrived", async () => {
  const { component, bytes } = await loaded(exits);
  expect(component.adapted).toBe(true);
  expect(component.digest).toBe(digestOf(bytes));
  expect(component.digest).not.toBe(digestOf(component.bytes));
  const world = worldOf(decodeComponent(component.bytes));
  expect([...world.exports.keys()]).toEqual(["wasi:cli/run@0.2.12"]);
  expect([...world.imports.keys()]).toContain("wasi:cli/exit@0.2.12");
});

test("it is made once, and an altered copy of it in the cache is made again", async () => {
  const [kept] = readdirSync(cache.path, { recursive: true, withFileTypes: true }).filter((one) =>
    one.isFile(),
  );
  const path = join(kept!.parentPath, kept!.name);
  const made = await Bun.file(path).bytes();
  await loaded(exits);
  expect(await Bun.file(path).bytes()).toEqual(made);
  await Bun.write(path, made.slice(0, -1));
  const { component } = await loaded(exits);
  expect(worldOf(decodeComponent(component.bytes)).exports.size).toBe(1);
  expect(await Bun.file(path).bytes()).toEqual(made);
});

test("a command that imports nothing runs as well", async () => {
  const { component } = await loaded(`(module (memory (export "memory") 1) (func (export "_start")))`);
  expect([...worldOf(decodeComponent(component.bytes)).exports.keys()]).toEqual(["wasi:cli/run@0.2.12"]);
});

test("other bytes than those that were pinned are not wrapped", async () => {
  const error = await loaded(exits, `sha256:${"0".repeat(64)}`).catch((caught) => caught);
  expect((error as Fault).code).toBe("LK0105");
});

test("a module that is no command is refused, and says what it lacks", async () => {
  const bare = await fails(`(module (memory (export "memory") 1) (func (export "add")))`);
  expect(bare.code).toBe("LK0202");
  expect(bare.message).toContain("it has no _start");
  const old = await fails(`(module (import "wasi_unstable" "proc_exit" (func (param i32)))
    (memory (export "memory") 1) (func (export "_start")))`);
  expect(old.code).toBe("LK0202");
  expect(old.message).toContain("wasi_unstable");
});

test("a command that imports what is no WASI is refused", async () => {
  const error = await fails(`(module (import "env" "f" (func)) (memory (export "memory") 1)
    (func (export "_start")))`);
  expect(error.code).toBe("LK0211");
  expect(error.message).toContain("env");
});

test("a truncated module is a malformed one", async () => {
  const bytes = await (await wasmTools()).parse(exits);
  const { adaptModule } = await import("../contract/preview1.ts");
  const error = await adaptModule("./x.wasm", bytes.slice(0, 60)).catch((caught) => caught);
  expect((error as Fault).code).toBe("LK0203");
});
