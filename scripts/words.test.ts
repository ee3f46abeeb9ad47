import { expect, test } from "bun:test";
import { splitWords } from "./words.ts";

test("a case's line splits as a shell splits it", () => {
  expect(splitWords(`loop run ./x.wasm --invoke 'greet("World")' -- a "b \\" c" d\\ e ''`)).toEqual([
    ..."loop run ./x.wasm --invoke".split(" "),
    'greet("World")',
    "--",
    "a",
    'b " c',
    "d e",
    "",
  ]);
});

test("an open quote is refused", () => {
  expect(() => splitWords("loop 'x")).toThrow("not closed");
});
