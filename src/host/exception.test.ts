import { expect, test } from "bun:test";
import { guestException } from "./exception.ts";

test("an uncaught TypeScript exception is found with its place", () => {
  expect(
    guestException(
      "hello\nUncaught TypeError: x is not a function\n    at greet (src/main.ts:3:9)\n    at b (c.ts:1:1)\n",
    ),
  ).toEqual({
    message: "TypeError: x is not a function",
    place: "src/main.ts:3:9",
  });
});

test("a Rust panic is found with its place", () => {
  expect(
    guestException("\nthread 'main' panicked at src/main.rs:2:5:\nboom\nnote: run with RUST_BACKTRACE=1\n"),
  ).toEqual({
    message: "boom",
    place: "src/main.rs:2:5",
  });
});

test("the last of several is the one", () => {
  expect(guestException("Uncaught Error: one\nUncaught Error: two\n")?.message).toBe("Error: two");
});

test("ordinary output is no exception", () => {
  expect(guestException("at the end\nall is well\n")).toBeUndefined();
});

test("a message of several lines keeps its place", () => {
  expect(guestException("Uncaught Error: one\ntwo\n    at greet (src/main.ts:3:9)\n")).toEqual({
    message: "Error: one",
    place: "src/main.ts:3:9",
  });
});

test("an err that was written over several lines is one message", () => {
  const stderr = [
    "Uncaught ComponentError: a:b/c#f: {",
    "  tag: 'too-large',",
    "  val: 'Too large'",
    "}",
    "    at init (src/main.ts:2:38)",
    "",
  ].join("\n");
  expect(guestException(stderr)).toEqual({
    message: "ComponentError: a:b/c#f: { tag: 'too-large', val: 'Too large' }",
    place: "src/main.ts:2:38",
  });
  expect(guestException("Uncaught Error: {\n    at f (m.ts:1:1)\n")?.message).toBe("Error: {");
});
