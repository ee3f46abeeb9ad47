import { expect, test } from "bun:test";
import { splitArguments } from "./options.ts";

const split = (...argv: string[]) => splitArguments(argv);

test("loop's own options are found before and after the command's name", () => {
  const { options, words } = split("--timings", "run", "x", "--json", "--slot=a=b", "--slot", "c=d", "-h");
  expect(words).toEqual(["run", "x"]);
  expect(options).toMatchObject({
    timings: true,
    json: true,
    help: true,
    builtin: false,
    slots: ["a=b", "c=d"],
  });
});

test("what follows -- is not loop's", () => {
  expect(split("run", "x", "--", "--json", "-h")).toMatchObject({
    words: ["run", "x", "--", "--json", "-h"],
    options: { json: false, help: false },
  });
});

test("options of others stay where they are", () => {
  expect(split("run", "--invoke", "f()", "-x").words).toEqual(["run", "--invoke", "f()", "-x"]);
  expect(split("--jsonx", "--json=1").words).toEqual(["--jsonx", "--json=1"]);
});

test("--slot needs its value", () => {
  expect(() => split("run", "--slot")).toThrow("--slot needs a value");
  expect(() => split("run", "--slot", "--json")).toThrow("--slot needs a value");
});
