import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import { newestFirst, newestIn, parseRange } from "./range.ts";

const versions = [
  "0.0.3",
  "0.0.4",
  "0.2.0",
  "0.2.9",
  "0.3.0",
  "1.0.0-rc.1",
  "1.0.0",
  "1.2.3",
  "1.2.10",
  "1.10.0",
  "2.0.0-alpha",
  "2.0.0-alpha.2",
  "latest",
  "sha256-abc",
  "v1",
  "01.2.3",
  "1.2",
];

const cases: [string, string | undefined][] = [
  ["*", "1.10.0"],
  ["^1", "1.10.0"],
  ["1", "1.10.0"],
  ["1.2", "1.10.0"],
  ["^1.2.4", "1.10.0"],
  ["~1.2", "1.2.10"],
  ["~1.2.3", "1.2.10"],
  ["~1", "1.10.0"],
  ["1.2.*", "1.2.10"],
  ["1.x", "1.10.0"],
  ["=1.2", "1.2.10"],
  ["=1.2.3", "1.2.3"],
  ["1.2.3", "1.2.3"],
  ["1.2.4", undefined],
  ["^0.2", "0.2.9"],
  ["^0.0.3", "0.0.3"],
  ["^0.0", "0.0.4"],
  ["0", "0.3.0"],
  [">=0.2, <0.3", "0.2.9"],
  [">1.2", "1.10.0"],
  [">1.2.3, <=1.2", "1.2.10"],
  ["<1", "0.3.0"],
  ["^2", undefined],
  [">=1.0.0-rc.1, <1.0.1", "1.0.0"],
  ["1.0.0-rc.1", "1.0.0-rc.1"],
  ["^2.0.0-alpha.1", "2.0.0-alpha.2"],
  ["^2.0.0-alpha", "2.0.0-alpha.2"],
  ["^3", undefined],
];
for (const [range, found] of cases)
  test(`of these versions ${range} takes ${found ?? "none"}`, () => {
    expect(newestIn(parseRange(range), versions)).toBe(found);
  });

test("pre-releases have an order, and what is no version has none", () => {
  const order = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
  ];
  expect(newestFirst([...order, "x", "1.0"])).toEqual(order.toReversed());
});

test("what is no range is refused with how to write one", () => {
  for (const text of [
    "",
    "x.1",
    "1..2",
    "^",
    ">*",
    "1.2.3.4",
    "^1.*.2",
    "1 2",
    "latest",
    "1.2-rc.1",
    ",".repeat(20),
    "^99999999999999999",
  ]) {
    let thrown: unknown;
    try {
      parseRange(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Fault);
    expect((thrown as Fault).code).toBe("LK0102");
    expect((thrown as Fault).hint).toContain("^1.2");
  }
});
