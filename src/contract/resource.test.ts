import { expect, test } from "bun:test";
import { streamedResource } from "./resource.ts";
import { worldFromWit } from "./wit.ts";

const streamedIn = async (...interfaces: string[]) => {
  const wit = `package t:t;\n${interfaces.join("\n")}\nworld w { import made; import passing; }\n`;
  const { imports } = await worldFromWit(new Map([["w.wit", wit]]), "t:t/w");
  const own = [...imports.values()].flatMap((one) => (one.kind === "interface" ? [one.interface] : []));
  return streamedResource(own);
};

const made = "interface made { resource document; resource other; }";
const passing = (func: string) => `interface passing {
  use made.{document, other};
  record page { of: document, at: u32 }
  ${func}
}`;

test.each([
  ["every: func() -> stream<document>;", "every", "stream<document>"],
  ["later: func(a: u32) -> result<u32, future<other>>;", "later", "future<other>"],
  ["take: func(all: future<result<list<page>>>);", "take", "future<result<list<page>>>"],
  ["deep: func() -> tuple<u8, stream<option<document>>>;", "deep", "stream<option<document>>"],
])("%s is found, with its function and its type", async (func, name, type) => {
  expect(await streamedIn(made, passing(func))).toBe(
    `${name} of t:t/passing passes ${type}, and objects do not cross a slot in streams and futures`,
  );
});

test.each([
  "all: func() -> list<document>;",
  "bytes: func(of: borrow<document>) -> stream<u8>;",
  "end: func() -> future;",
])("%s is in nobody's way", async (func) => expect(await streamedIn(made, passing(func))).toBeUndefined());
