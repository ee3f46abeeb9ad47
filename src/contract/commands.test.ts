import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { appendCustomSection } from "./binary/sections.ts";
import { readCommands } from "./commands.ts";
import { commandSlot, commandsSection } from "./description.ts";

const component = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00);
const withSection = (data: string | Uint8Array) => appendCustomSection(component, commandsSection, data);
const refusal = (data: string | Uint8Array): string => {
  try {
    readCommands("x.wasm", withSection(data));
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return "accepted";
};

test("a component without the section describes no command", () => {
  expect(readCommands("x.wasm", component)).toEqual([]);
});

test("what a description leaves out is filled in", () => {
  const commands = [{ name: "deploy", summary: "Deploy", options: [{ name: "dry", summary: "Do nothing" }] }];
  const bytes = withSection(JSON.stringify({ format: 1, commands }));
  expect(readCommands("x.wasm", bytes)).toEqual([
    {
      name: "deploy",
      summary: "Deploy",
      options: [{ name: "dry", summary: "Do nothing", kind: "switch" }],
      positionals: [],
      examples: [],
      capabilities: [],
    },
  ]);
});

test("a section that does not read is a fault of the component", () => {
  expect(refusal("{")).toBe("LK0203");
  expect(refusal(Uint8Array.of(0xff, 0xfe))).toBe("LK0203");
  expect(refusal("[]")).toBe("LK0203");
  expect(refusal(JSON.stringify({ format: 2, commands: [] }))).toBe("LK0203");
  expect(refusal(JSON.stringify({ format: 1, commands: [{ name: "--x", summary: "" }] }))).toBe("LK0203");
  expect(refusal(JSON.stringify({ format: 1, commands: [{ name: "x", summary: "s", run: "rm" }] }))).toBe(
    "LK0203",
  );
});

test("a section beyond the limit is not read", () => {
  expect(refusal(" ".repeat(limits.commandsSectionBytesMax + 1))).toBe("LK0204");
});

test("a command's slot has dots where its name has spaces", () => {
  expect(commandSlot("slot list")).toBe("command:slot.list");
});
