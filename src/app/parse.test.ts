import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import type { CommandDescription } from "../contract/description.ts";
import { parseWords } from "./parse.ts";

const command: Pick<CommandDescription, "name" | "options" | "positionals" | "rest"> = {
  name: "run",
  options: [
    { name: "invoke", summary: "Call an export", kind: "text", value: "EXPRESSION" },
    { name: "dir", short: "d", summary: "Show a folder", kind: "text", repeated: true },
    { name: "count", summary: "How often", kind: "integer", default: "1" },
    { name: "lang", summary: "Language", kind: "choice", choices: ["ts", "c", "wat"] },
    { name: "ipv4", summary: "A name with a digit", kind: "text" },
    { name: "force", short: "f", summary: "In any case", kind: "switch" },
    { name: "quiet", short: "q", summary: "Say less", kind: "switch" },
    { name: "audit", summary: "Say what was used", kind: "path", bare: "" },
  ],
  positionals: [
    { name: "identifier", summary: "What to run", kind: "path" },
    { name: "more", summary: "And more", kind: "text", repeated: true },
  ],
  rest: true,
};
const values = (...words: string[]) => Object.fromEntries(parseWords(command, words).values);
const refusal = (words: string[], shape = command): string => {
  try {
    parseWords(shape, words);
  } catch (error) {
    if (error instanceof Fault) return `${error.code} ${error.message} | ${error.hint}`;
    throw error;
  }
  return "accepted";
};

test("options and positionals are found in any order, with defaults", () => {
  expect(values("x.wasm", "--invoke", "f(1)", "-d", "a", "--dir=b", "y")).toEqual({
    invoke: ["f(1)"],
    dir: ["a", "b"],
    count: ["1"],
    identifier: ["x.wasm"],
    more: ["y"],
  });
});

test("switches are true or absent, alone or joined", () => {
  expect(values("-fq", "x")).toEqual({ force: ["true"], quiet: ["true"], count: ["1"], identifier: ["x"] });
  expect(values("--no-force")).toEqual({ count: ["1"] });
});

test("an option that means something bare takes a value after = alone", () => {
  expect(values("x.wasm", "--audit")).toMatchObject({ audit: [""], identifier: ["x.wasm"] });
  expect(values("--audit", "x.wasm")).toMatchObject({ audit: [""], identifier: ["x.wasm"] });
  expect(values("--audit=used.jsonl", "x.wasm")).toMatchObject({ audit: ["used.jsonl"] });
});

test("the last of an option that is not repeated wins", () => {
  expect(values("--lang", "c", "--lang=wat").lang).toEqual(["wat"]);
});

test("an option's name may hold digits", () => {
  expect(values("--ipv4", "a").ipv4).toEqual(["a"]);
  expect(values("--ipv4=b=c").ipv4).toEqual(["b=c"]);
});

test("a value may hold line ends, dashes and equals signs", () => {
  expect(values("--invoke=-a=\n-b").invoke).toEqual(["-a=\n-b"]);
});

test("what follows -- is untouched", () => {
  const parsed = parseWords(command, ["x", "--", "-h", "--nope", "--"]);
  expect(parsed.rest).toEqual(["-h", "--nope", "--"]);
});

test("refusals have codes and name what exists", () => {
  expect(refusal(["--invok", "f()"])).toBe("LK0002 loop run has no option --invok | did you mean --invoke?");
  expect(refusal(["--zzzzzzzz=1"])).toBe("LK0002 loop run has no option --zzzzzzzz | loop run --help");
  expect(refusal(["--invoke"])).toStartWith("LK0003 --invoke needs a value (EXPRESSION)");
  expect(refusal(["--ipv4", "-1"])).toStartWith("LK0003 --ipv4 needs a value");
  expect(refusal(["-fd", "a"])).toStartWith("LK0003 --dir needs a value");
  expect(refusal(["--count", "many"])).toStartWith(
    'LK0004 --count is a whole number, and "many" was written',
  );
  expect(refusal(["--lang", "tss"])).toStartWith('LK0004 --lang is one of ts, c, wat, and "tss" was written');
  expect(refusal(["--force=1"])).toStartWith("LK0004 --force takes no value");
});

test("too many words and missing ones are refused", () => {
  const one = { ...command, positionals: [{ ...command.positionals[0]!, required: true as const }] };
  expect(refusal(["x", "y"], one)).toBe('LK0008 loop run was given one word too many: "y" | loop run x -- y');
  const hint = "LK0008 loop run was given one word too many: \"a b\" | loop run x --force -- 'a b' x";
  expect(refusal(["x", "a b", "x", "--force"], one)).toBe(hint);
  expect(refusal([], one)).toBe("LK0003 loop run needs IDENTIFIER: What to run | loop run --help");
  const required = { ...command, options: [{ ...command.options[0]!, required: true as const }] };
  expect(refusal([], required)).toBe("LK0003 loop run needs --invoke: Call an export | loop run --help");
});
