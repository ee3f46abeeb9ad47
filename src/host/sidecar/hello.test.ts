// What two sides agree on before anything is asked: versions, functions, and what these are about.
import { expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contractOf, failureOf, fixtures, sidecars } from "../../../tests/sidecars.ts";
import type { Fault } from "../../base/fault.ts";
import { readSignature } from "../../contract/wrpc/signature.ts";

const { folder, start } = sidecars();
let programs = 0;

/** A program that offers these functions, of which `find` can be called, in a version of the protocol. */
const offering = (protocol: number, ...functions: string[]): string => {
  const file = join(folder, `offering${++programs}.py`);
  const offers = JSON.stringify([{ name: "demo:side/shop@0.1.0", functions }]);
  writeFileSync(
    file,
    `#!/usr/bin/env python3
import json, struct, sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(fixtures)})
from wire import FROM_LOOP, TEXT, Reader, encoded, send
while True:
    head = sys.stdin.buffer.read(4)
    if len(head) < 4:
        break
    tag, payload = Reader(sys.stdin.buffer.read(struct.unpack("<I", head)[0])).value(FROM_LOOP)
    if tag == "hello":
        send("hello", {"protocol": ${protocol}, "contracts": json.loads(${JSON.stringify(offers)})})
    if tag == "call":
        send("answer", {"id": payload["id"], "result": list(encoded("found", TEXT))})
`,
  );

  chmodSync(file, 0o755);
  return file;
};

const finder = "find: func(name: string, most: u32) -> string";
const asking = (...functions: string[]) => contractOf("demo:side/shop@0.1.0", [], ...functions);
const refusal = async (file: string, contract = asking(finder)): Promise<readonly [string, string]> => {
  const { code, message } = (await failureOf(start(file, 5000, contract))) as Fault;
  return [code, message.replace(/sidecar:\S+/, "X")];
};

test("what tells its types is held to them, and what tells names alone is believed", async () => {
  for (const [protocol, functions] of [
    [1, ["find"]],
    [2, ["find"]],
    [2, [finder]],
    [2, ["find:func( name :string,/* any */most:u32, )->string;", "more: func()"]],
  ] as const) {
    const { call } = await start(offering(protocol, ...functions), 5000, asking(finder));
    expect(await call("find", "x", 1)).toBe("found");
  }
}, 30_000);

test("a program that was written for other types of the same name is refused when it starts, in WIT's words", async () => {
  const other = (text: string) => refusal(offering(2, text));
  const where = "The sidecar X was written for other types: export `demo:side/shop@0.1.0` function `find`";
  expect(await other("find: func(name: string, most: u64) -> string")).toEqual([
    "LK0402",
    `${where}: parameter \`most\` is u32 in the contract and u64 in the sidecar`,
  ]);
  expect(await other("find: func(name: string) -> string")).toEqual([
    "LK0402",
    `${where} takes (name: string, most: u32) in the contract and (name: string) in the sidecar`,
  ]);
  expect(await other("find: func(name: string, most: u32) -> option<string>")).toEqual([
    "LK0402",
    `${where}: result is string in the contract and option<string> in the sidecar`,
  ]);
  const fields = asking("find: func(of: record { a: u8, b: list<variant { none, some(tuple<s8, f32>) }> })");
  expect(
    await refusal(
      offering(2, "find: func(of: record { b: list<variant { none, some(tuple<s8, f64>) }>, a: u8 })"),
      fields,
    ),
  ).toEqual([
    "LK0402",
    `${where}: parameter \`of\`: the fields are a, b in the contract and b, a in the sidecar; ${where.slice(43)}: parameter \`of\`: field \`b\`: element: case \`some\`: element 2 is f32 in the contract and f64 in the sidecar`,
  ]);
}, 30_000);

test("a version that loop does not speak is refused, and so is what is no function", async () => {
  expect(await refusal(offering(3, finder))).toEqual([
    "LK0431",
    "The sidecar X speaks version 3 of the protocol, and version 1 to 2 was looked for",
  ]);
  expect(await refusal(offering(0, finder))).toEqual(["LK0431", expect.stringContaining("speaks version 0")]);
  expect(await refusal(offering(2, "find: fun(name: string)"))).toEqual([
    "LK0402",
    'What the sidecar X offers of demo:side/shop@0.1.0 cannot be read: func was looked for in "find: fun(name: string)", and fun is there',
  ]);
}, 30_000);

test("what a program says of its functions is bounded, however it is written", () => {
  const deep = `f: func() -> ${"list<".repeat(5000)}u8${">".repeat(5000)}`;
  expect(() => readSignature(deep, () => undefined)).toThrow("more than 100 levels deep");
  expect(() => readSignature(`f: func(${" ".repeat(70_000)})`, () => undefined)).toThrow("is the limit");
  for (const text of [
    ":",
    "f:",
    "f: func",
    "f: func(",
    "f: func() ->",
    "f: func() u8",
    "f: func(a: list<u8)",
  ])
    expect(() => readSignature(text, () => undefined), text).toThrow("was looked for");
});
