import { expect, test } from "bun:test";
import { commandHelp } from "./help.ts";

const description = {
  command: "deploy",
  name: "deploy",
  summary: "Put what was built where people reach it, and say what is there now",
  details: "Nothing is there until the whole of it is, so that nobody sees half.",
  options: [
    {
      name: "to-environment",
      kind: "text",
      value: "ENVIRONMENT",
      summary: "Where it is put, by the name that its owner gave it",
      repeated: false,
      required: false,
    },
  ],
  positionals: [],
  examples: [],
};

test("help fits the terminal, narrow ones too", () => {
  for (const columns of [40, 60, 80, 120]) {
    const listed = { description, from: undefined } as unknown as Parameters<typeof commandHelp>[0];
    const text = commandHelp(listed, { columns, styled: false } as Parameters<typeof commandHelp>[1]);
    expect(text).toContain("--to-environment ENVIRONMENT");
    expect(text.split("\n").filter((line) => line.length > columns)).toEqual([]);
  }
});
