import { expect, test } from "bun:test";
import { plain, plainLine } from "./plain.ts";

test("no text of a guest's moves the cursor, turns the reading or begins a line of ours", () => {
  expect(plain("a\u001b[2Jb\rc\u0085d\u202ee\u2066f\ng")).toBe("a [2Jb c d e f\ng");
  expect(plainLine("a\nb\u2028c", 99)).toBe("a b c");
  expect(plainLine("café \u{1F600}", 99)).toBe("café \u{1F600}");
});

test("a line is cut by characters, not within one", () => {
  expect(plainLine("\u{1F600}".repeat(9), 3)).toBe("\u{1F600}\u{1F600}…");
  expect(plainLine("x".repeat(1e6), 5)).toBe("xxxx…");
});
