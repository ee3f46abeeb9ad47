import { expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { GuestExit, type Stdio } from "../../host/provider.ts";
import { bufferStdio } from "./buffer.ts";
import { provide } from "./fixture.ts";
import { TerminalInput, TerminalOutput } from "./p2/cli.ts";

test("a guest sees the arguments and variables that it was given, and none of the host's", () => {
  const { getArguments, getEnvironment, initialCwd } = provide({ args: ["a", "ü"], env: [["A", "b"]] });
  expect(getArguments()).toEqual(["a", "ü"]);
  expect(getEnvironment()).toEqual([["A", "b"]]);
  expect(initialCwd()).toBeUndefined();
  expect(provide().getEnvironment()).toEqual([]);
});

test("arguments and environment have a bound together", () => {
  const half = "x".repeat(limits.argumentsBytesMax / 2);
  expect(provide({ args: [half], env: [["", half]] }).getArguments()).toEqual([half]);
  const beyond = provide({ args: [half], env: [["A", half]] });
  expect(() => beyond.getArguments()).toThrow(Fault);
  expect(() => beyond.getEnvironment()).toThrow(Fault);
});

test("exit unwinds the guest with its code", () => {
  const { exit, exitWithCode } = provide();
  const codeOf = (work: () => never) => {
    try {
      return work();
    } catch (error) {
      if (error instanceof GuestExit) return error.exitCode;
      throw error;
    }
  };
  expect(codeOf(() => exit({ tag: "ok" }))).toBe(0);
  expect(codeOf(() => exit({ tag: "err" }))).toBe(1);
  expect(codeOf(() => exitWithCode(255))).toBe(255);
});

test("a stream has a terminal where it is one", () => {
  const none = provide();
  expect([none.getTerminalStdin(), none.getTerminalStdout(), none.getTerminalStderr()]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  const { stdin, stdout, stderr } = bufferStdio();
  const stdio: Stdio = {
    stdin: { ...stdin, isTerminal: true },
    stdout: { ...stdout, isTerminal: true },
    stderr,
  };
  const some = provide({ stdio });
  expect(some.getTerminalStdin()).toBeInstanceOf(TerminalInput);
  expect(some.getTerminalStdout()).toBeInstanceOf(TerminalOutput);
  expect(some.getTerminalStderr()).toBeUndefined();
});
