import { expect, test } from "bun:test";
import { describeDifference, differences, importedInterfaces, unservedImports } from "./compare.ts";
import type { World } from "./model.ts";
import { worldFromWit } from "./wit.ts";

const contractWit = (version: string, body: string, world = "export api;") =>
  worldFromWit(
    new Map([["w.wit", `package a:b@${version};\ninterface api {\n${body}\n}\nworld w { ${world} }`]]),
  );

const base =
  "record who { name: string, age: u8 } enum mood { good, bad } f: func(w: who, m: mood) -> result<u8, string>;";

/** What keeps `offered` from `wanted`, both the body of one interface, as text. */
const compared = async (wanted: string, offered: string): Promise<string[]> =>
  differences(await contractWit("1.0.0", wanted), await contractWit("1.0.0", offered)).map(
    describeDifference,
  );

test("a world fits itself, and fits with more exports, functions and another compatible version", async () => {
  expect(await compared(base, base)).toEqual([]);
  expect(await compared(base, `${base} g: func();`)).toEqual([]);
  const wanted = await contractWit("1.2.0", base);
  expect(differences(wanted, await contractWit("1.9.1", base, "export api; export more: func();"))).toEqual(
    [],
  );
});

const where = "export `a:b/api@1.0.0` function `f`";
const cases: readonly [what: string, wanted: string, offered: string, clauses: string[]][] = [
  ["a missing function", "f: func(); g: func();", "g: func();", [`${where} is missing`]],
  [
    "a field of another type",
    "record r { x: list<u8> } f: func(p: option<r>);",
    "record r { x: list<string> } f: func(p: option<r>);",
    [
      `${where}: parameter \`p\`: element: field \`x\`: element is u8 in the contract and string in the component`,
    ],
  ],
  [
    "a missing and an extra field",
    "record r { x: u8, y: u8 } f: func(p: r);",
    "record r { x: u8, z: u8 } f: func(p: r);",
    [
      `${where}: parameter \`p\`: field \`y\` is in the contract and not in the component`,
      `${where}: parameter \`p\`: field \`z\` is in the component and not in the contract`,
    ],
  ],
  [
    "fields in another order",
    "record r { x: u8, y: u8 } f: func(p: r);",
    "record r { y: u8, x: u8 } f: func(p: r);",
    [`${where}: parameter \`p\`: the fields are x, y in the contract and y, x in the component`],
  ],
  [
    "a case with another payload",
    "variant v { a, b(u8) } f: func() -> v;",
    "variant v { a(u8), b(u16) } f: func() -> v;",
    [
      `${where}: result: case \`a\` is nothing in the contract and u8 in the component`,
      `${where}: result: case \`b\` is u8 in the contract and u16 in the component`,
    ],
  ],
  [
    "a missing enum case and flag",
    "enum e { a, b } flags g { x, y } f: func(e: e, g: g);",
    "enum e { a } flags g { x } f: func(e: e, g: g);",
    [
      `${where}: parameter \`e\`: case \`b\` is in the contract and not in the component`,
      `${where}: parameter \`g\`: flag \`y\` is in the contract and not in the component`,
    ],
  ],
  [
    "another number of parameters",
    "f: func(a: u8);",
    "f: func(a: u8, b: string);",
    [`${where} takes (a: u8) in the contract and (a: u8, b: string) in the component`],
  ],
  [
    "another name of a parameter",
    "f: func(a: u8);",
    "f: func(b: u8);",
    [`${where}: a parameter is named \`a\` in the contract and \`b\` in the component`],
  ],
  [
    "another kind of type under one name",
    "record t { x: u8 } f: func(t: t);",
    "variant t { x(u8) } f: func(t: t);",
    [`${where}: parameter \`t\` is record { x: u8 } in the contract and variant { x(u8) } in the component`],
  ],
  [
    "a resource where a value was",
    "resource r; f: func(r: r);",
    "type r = string; f: func(r: r);",
    [`${where}: parameter \`r\` is r in the contract and string in the component`],
  ],
  [
    "a borrow where an own was, and another resource",
    "resource r; resource s; f: func(r: r) -> s;",
    "resource r; resource s; f: func(r: borrow<r>) -> r;",
    [
      `${where}: parameter \`r\` is r in the contract and borrow<r> in the component`,
      `${where}: result is s in the contract and r in the component`,
    ],
  ],
  [
    "a result and its absence",
    "f: func() -> result<_, string>;",
    "f: func() -> result<u8>;",
    [
      `${where}: result: ok is nothing in the contract and u8 in the component`,
      `${where}: result: err is string in the contract and nothing in the component`,
    ],
  ],
  [
    "a lost result",
    "f: func() -> u8;",
    "f: func();",
    [`${where}: result is u8 in the contract and nothing in the component`],
  ],
  [
    "tuples of different lengths",
    "f: func(t: tuple<u8, u8>);",
    "f: func(t: tuple<u8>);",
    [`${where}: parameter \`t\` is tuple<u8, u8> in the contract and tuple<u8> in the component`],
  ],
  [
    "async",
    "f: async func();",
    "f: func();",
    [`${where} is async in the contract and not async in the component`],
  ],
];

for (const [what, wanted, offered, clauses] of cases)
  test(`${what} is told with its place`, async () => {
    expect(await compared(wanted, offered)).toEqual(clauses);
  });

test("a missing export names the other versions that are there, and its kind may differ", async () => {
  const wanted = await contractWit("1.0.0", base, "export api; export run: func();");
  const offered = await contractWit("2.0.0", base, "export api; export run: interface { x: func(); }");
  expect(differences(wanted, offered).map(describeDifference)).toEqual([
    "export `run` is a function in the contract and an interface in the component",
    "export `a:b/api@1.0.0` is missing; the component has a:b/api@2.0.0",
  ]);
  const bare = await contractWit("1.0.0", base, "");
  const [missing] = differences(await contractWit("1.0.0", base), bare);
  expect(missing?.problem).toEqual({ kind: "missing-export", others: [] });
});

test("one resource used in two interfaces is the same across two worlds", async () => {
  const world = (use: string): Promise<World> =>
    worldFromWit(
      new Map([
        [
          "w.wit",
          `package a:b@1.0.0; interface x { resource r; } interface y { resource r; }
           interface api { use ${use}.{r}; f: func(r: borrow<r>); } world w { export api; }`,
        ],
      ]),
    );
  expect(differences(await world("x"), await world("x"))).toEqual([]);
  expect(differences(await world("x"), await world("y")).map(describeDifference)).toEqual([
    `${where}: parameter \`r\` is borrow<r> of \`a:b/x@1.0.0\` in the contract and borrow<r> of \`a:b/y@1.0.0\` in the component`,
  ]);
});

test("imports that nobody serves are told with the versions there are", async () => {
  const world = await worldFromWit(
    new Map([
      [
        "w.wit",
        `package a:b; world w { use c:d/i@1.0.0.{t}; import c:d/j@1.0.0; import log: func(t: t); }
         package c:d@1.0.0 { interface i { type t = u8; } interface j { f: func(); } }`,
      ],
    ]),
  );
  expect(unservedImports(world, ["c:d/i@1.3.0", "c:d/j@2.0.0", "log"])).toEqual([
    { name: "c:d/j@1.0.0", others: ["c:d/j@2.0.0"] },
  ]);
  expect(importedInterfaces(world).sort()).toEqual(["c:d/i", "c:d/j"]);
});
