import { expect, test } from "bun:test";
import type { Interface, Type } from "../contract/model.ts";
import { slotContracts } from "./contracts.ts";

/** An interface that defines a resource `thing`, with a function of each of these types. */
const about = (name: string, ...types: Type[]): Interface => ({
  name,
  types: new Map([["thing", { kind: "resource", resource: thing(name) }]]),
  funcs: new Map(
    types.map((result, at) => [
      `f${at}`,
      { name: `f${at}`, role: { role: "free" }, params: [], result, async: false },
    ]),
  ),
});
const things = new Map<string, { readonly name: string; readonly owner: string }>();
const thing = (owner: string) => {
  const found = things.get(owner) ?? { name: "thing", owner };
  things.set(owner, found);
  return found;
};
const own = (owner: string): Type => ({ kind: "own", resource: thing(owner) });
const inside = (owner: string): Type => ({
  kind: "option",
  element: { kind: "record", fields: [{ name: "it", type: { kind: "list", element: own(owner) } }] },
});

const served = (imported: readonly Interface[], slots: Readonly<Record<string, string>>) =>
  slotContracts(imported, (name) => slots[name]).map(([slot, contracts]) => [
    slot,
    contracts.map(({ name }) => name),
  ]);

test("a contract brings the interfaces whose resources it is about, and what those are about", () => {
  const imported = [
    about("a:a/base"),
    about("a:a/types", own("a:a/base")),
    about("a:a/other"),
    about("a:a/parser", inside("a:a/types")),
    about("a:a/style"),
  ];
  expect(served(imported, { "a:a/parser": "parser", "a:a/style": "style" })).toEqual([
    ["parser", ["a:a/parser", "a:a/types", "a:a/base"]],
    ["style", ["a:a/style"]],
  ]);
});

test("resources that the contracts of two slots are about are refused, since one filling alone makes them", () => {
  const sharing = [
    about("a:a/types"),
    about("a:a/parser", own("a:a/types")),
    about("a:a/view", own("a:a/types")),
  ];
  for (const slots of [
    { "a:a/parser": "one", "a:a/view": "other" },
    { "a:a/types": "one", "a:a/view": "other" },
  ])
    expect(() => served(sharing, slots)).toThrow(
      "The contracts of the slots one and other are both about resources of a:a/types",
    );
});
