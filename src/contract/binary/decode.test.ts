import { beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { componentize } from "componentize-qjs";
import { Fault } from "../../base/fault.ts";
import { faultNow } from "../../base/fixture.ts";
import { wasmTools } from "../tools.ts";
import type { ComponentAst, Definition } from "./ast.ts";
import { decodeComponent } from "./decode.ts";
import { appendCustomSection, componentNames, coreModuleRanges, customSections } from "./sections.ts";

const ofWat = async (wat: string): Promise<ComponentAst> =>
  decodeComponent(await (await wasmTools()).parse(wat));

const without = <T>(definition: T): Omit<T, "offset"> => {
  const { offset: _, ...rest } = definition as T & { offset: number };
  return rest as Omit<T, "offset">;
};

let guest: Uint8Array;

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "decode-"));
  const witPath = join(folder, "world.wit");
  writeFileSync(
    witPath,
    "package a:b; world w { import log: func(text: string); export greet: func() -> string; }",
  );
  const made = await componentize({
    witPath,
    jsSource: "export const greet = () => 'hi';",
    sync: true,
    optSize: true,
    stubWasi: true,
  });
  rmSync(folder, { recursive: true });
  // A Buffer's `slice` shares its memory, and the tests below alter copies.
  guest = new Uint8Array(made.component);
});

/** All definitions of a component and of those nested in it. */
const everything = (ast: ComponentAst): Definition[] =>
  ast.definitions.flatMap((d) => (d.kind === "component" ? [d, ...everything(d.component)] : [d]));
const coreModules = (ast: ComponentAst) =>
  everything(ast).flatMap((d) => (d.kind === "core-module" ? [d.range] : []));

test("a real guest decodes to its core modules, imports and exports", () => {
  const ast = decodeComponent(guest);
  expect(everything(ast).filter((d) => d.kind === "canon").length).toBeGreaterThan(1);
  const names = ast.definitions.flatMap((d) =>
    d.kind === "import" || d.kind === "export" ? d.name.name : [],
  );
  expect(names).toContain("log");
  expect(names).toContain("greet");
  const modules = coreModules(ast);
  expect(modules.length).toBeGreaterThan(0);
  for (const { start, end } of modules) expect(WebAssembly.validate(guest.slice(start, end))).toBe(true);
});

test("every value type decodes to its shape", async () => {
  const ast = await ofWat(`(component
    (type (record (field "a" u8) (field "b" string)))
    (type (variant (case "x") (case "y" f64)))
    (type (list char))
    (type (list s16 4))
    (type (tuple bool u64))
    (type (flags "p" "q"))
    (type (enum "m" "n"))
    (type (option f32))
    (type (result s8 (error 0)))
    (type (result))
    (type $r (resource (rep i32)))
    (type (own $r))
    (type (borrow $r))
    (type (stream u8))
    (type (future))
    (type (map string u32))
    (type error-context))`);
  expect(ast.definitions.map((d) => (d.kind === "type" ? d.type : d))).toEqual([
    {
      kind: "record",
      fields: [
        { name: "a", type: "u8" },
        { name: "b", type: "string" },
      ],
    },
    {
      kind: "variant",
      cases: [
        { name: "x", type: undefined },
        { name: "y", type: "f64" },
      ],
    },
    { kind: "list", element: "char", length: undefined },
    { kind: "list", element: "s16", length: 4 },
    { kind: "tuple", elements: ["bool", "u64"] },
    { kind: "flags", labels: ["p", "q"] },
    { kind: "enum", labels: ["m", "n"] },
    { kind: "option", element: "f32" },
    { kind: "result", ok: "s8", err: 0 },
    { kind: "result", ok: undefined, err: undefined },
    { kind: "resource", representation: "i32", destructor: undefined },
    { kind: "own", resource: 10 },
    { kind: "borrow", resource: 10 },
    { kind: "stream", element: "u8" },
    { kind: "future", element: undefined },
    { kind: "map", key: "string", value: "u32" },
    { kind: "primitive", type: "error-context" },
  ] as never);
});

test("function types keep their labels, asynchrony and result", async () => {
  const ast = await ofWat(`(component
    (type (func (param "a" u8) (param "b" (list u8)) (result string)))
    (type (func async)))`);
  expect(ast.definitions.map(without)).toEqual([
    { kind: "type", type: { kind: "list", element: "u8", length: undefined } },
    {
      kind: "type",
      type: {
        kind: "func",
        async: false,
        params: [
          { name: "a", type: "u8" },
          { name: "b", type: 0 },
        ],
        result: "string",
      },
    },
    { kind: "type", type: { kind: "func", async: true, params: [], result: undefined } },
  ] as never);
});

test("canonical functions keep every option", async () => {
  const ast = await ofWat(`(component
    (import "f" (func $f (param "a" string) (result string)))
    (core module $m
      (memory (export "m") 1)
      (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
      (func (export "p") (param i32))
      (func (export "l") (param i32 i32) (result i32) unreachable))
    (core instance $i (instantiate $m))
    (alias core export $i "m" (core memory $mem))
    (core func $low (canon lower (func $f) string-encoding=latin1+utf16 (memory $mem) (realloc (core func $i "r"))))
    (func (export "l") (param "a" string) (result string)
      (canon lift (core func $i "l") string-encoding=utf16 (memory $mem) (realloc (core func $i "r")) (post-return (core func $i "p"))))
    (canon resource.drop 1 (core func))
    (canon task.return (result string) (memory $mem) (core func))
    (canon waitable-set.new (core func))
    (canon context.get i32 0 (core func)))`);
  const canons = ast.definitions.flatMap((d) => (d.kind === "canon" ? [d.canon] : []));
  expect(canons[0]).toMatchObject({
    kind: "lower",
    func: 0,
    options: { encoding: "latin1+utf16", memory: 0 },
  });
  expect(canons[1]).toMatchObject({
    kind: "lift",
    options: { encoding: "utf16", memory: 0, async: false, callback: undefined },
  });
  const lift = canons[1]!;
  expect(lift.kind === "lift" && lift.options.postReturn).toBeNumber();
  expect(canons.slice(2).map((canon) => (canon.kind === "builtin" ? canon.name : canon.kind))).toEqual([
    "resource.drop",
    "task.return",
    "waitable-set.new",
    "context.get",
  ]);
});

test("nested components, aliases outward and instance types decode in place", async () => {
  const ast = await ofWat(`(component
    (type $t u32)
    (import "a:b/c@1.2.3" (instance $i
      (export "r" (type (sub resource)))
      (export "f" (func (param "x" (own 0))))))
    (alias export $i "f" (func $f))
    (component $inner
      (alias outer 1 $t (type))
      (import "f" (func (param "x" u32))))
    (core type (module (import "a" "b" (func (param i32))) (export "m" (memory 1 2))))
    (export "g" (func $f)))`);
  expect(ast.definitions.map((d) => d.kind)).toEqual([
    "type",
    "type",
    "import",
    "alias",
    "component",
    "core-type",
    "export",
  ]);
  const inner = ast.definitions[4]!;
  expect(inner.kind === "component" && without(inner.component.definitions[0]!)).toEqual({
    kind: "alias",
    alias: { sort: "type", from: "outer", count: 1, index: 0 },
  } as never);
  const type = ast.definitions[1]!;
  expect(
    type.kind === "type" && type.type.kind === "instance" && type.type.declarations.map((d) => d.kind),
  ).toEqual(["export", "type", "type", "export"]);
});

test("the name section names definitions, and a broken one is no fault", async () => {
  const bytes = await (await wasmTools()).parse(`(component $whole (type $text string))`);
  const names = componentNames(decodeComponent(bytes));
  expect(names.component).toBe("whole");
  expect(names.definitions.get("type")?.get(0)).toBe("text");
  const broken = appendCustomSection(componentOf(), "component-name", Uint8Array.of(0, 99, 1));
  expect(componentNames(decodeComponent(broken)).component).toBeUndefined();
});

const componentOf = (...sections: number[]): Uint8Array =>
  Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00, ...sections);

test("custom sections are appended and read back in order, on components and core modules", () => {
  const twice = appendCustomSection(appendCustomSection(guest, "x:y", "one"), "x:y", new Uint8Array(300));
  const found = customSections(twice).get("x:y")!;
  expect(found.map((payload) => payload.length)).toEqual([3, 300]);
  expect(new TextDecoder().decode(found[0])).toBe("one");
  expect(decodeComponent(twice).customs.filter(({ name }) => name === "x:y")).toHaveLength(2);
  const core = Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  expect(customSections(appendCustomSection(core, "n", "")).get("n")![0]).toHaveLength(0);
});

test("malformed bytes are a fault that names the offset", () => {
  const cases: [Uint8Array, string, RegExp][] = [
    [new Uint8Array(), "LK0201", /do not begin/],
    [Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00), "LK0202", /core module/],
    [componentOf(0x63, 0x00), "LK0203", /byte 8: 0x63 is no known section/],
    [componentOf(0x07, 0x05, 0x01), "LK0203", /byte 10: 5 bytes were announced, and 1 are left/],
    [componentOf(0x07, 0x02, 0x00, 0x00), "LK0203", /byte 11: 1 bytes are left over/],
    [componentOf(0x07, 0x80, 0x80, 0x80, 0x80, 0x10), "LK0203", /byte 9: a number exceeds 32 bits/],
    [componentOf(0x07, 0x02, 0x01, 0x00), "LK0203", /byte 11: 0x00 is no known type/],
    [componentOf(0x07, 0x03, 0x01, 0x72, 0x00), "LK0203", /byte 12: an empty sequence/],
    [componentOf(0x07, 0x02, 0x7f, 0x7f), "LK0203", /127 items were announced/],
    [componentOf(0x00, 0x03, 0x02, 0xff, 0xff), "LK0203", /byte 11: a name is not UTF-8/],
    [componentOf(0x01, 0x01, 0x00), "LK0203", /byte 10: a core module does not begin/],
    [componentOf(0x08, 0x07, 0x01, 0x01, 0x00, 0x00, 0x02, 0x00, 0x01), "LK0203", /byte 16: .* twice/],
  ];
  for (const [bytes, code, message] of cases) {
    const fault = faultNow(() => decodeComponent(bytes));
    expect(fault.code).toBe(code as never);
    expect(fault.message).toMatch(message);
  }
});

test("a component nested beyond the limit is refused, not overflowed", () => {
  let bytes = componentOf();
  for (let depth = 0; depth < 200; depth++) {
    const size = bytes.length;
    bytes = componentOf(0x04, (size & 0x7f) | 0x80, (size >> 7) | 0x80, size >> 14, ...bytes);
  }
  expect(faultNow(() => decodeComponent(bytes)).code).toBe("LK0204");
  const types = new Array(5000).fill([0x41, 0x01, 0x01]).flat();
  const section = [0x01, ...types, 0x7f];
  const size = section.length;
  const nested = componentOf(0x07, (size & 0x7f) | 0x80, (size >> 7) | 0x80, size >> 14, ...section);
  expect(faultNow(() => decodeComponent(nested)).code).toBe("LK0204");
});

test("flipped, cut and spliced bytes give a component or a fault, never anything else", () => {
  let seed = 0x2545f491;
  const random = (below: number) => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return (seed >>> 0) % below;
  };
  const ast = decodeComponent(guest);
  // Mostly outside the core modules, which the decoder does not look into.
  const modules = coreModules(ast);
  const offsets = [...guest.keys()].filter(
    (at) => !modules.some(({ start, end }) => at > start + 8 && at < end),
  );
  let decoded = 0;
  for (let round = 0; round < 3000; round++) {
    const bytes = guest.slice(0, round % 3 === 0 ? random(guest.length) : guest.length);
    for (let flips = 1 + random(4); flips > 0; flips--) {
      const at = offsets[random(offsets.length)]!;
      if (at < bytes.length) bytes[at] = random(256);
    }
    try {
      decodeComponent(bytes);
      decoded++;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  }
  expect(decoded).toBeGreaterThan(0);
}, 60_000);

test("walking section heads finds the core modules that decoding finds", async () => {
  const bytes = await (await wasmTools()).parse(`(component
    (core module (func))
    (component (core module (memory 1)) (component (core module)))
    (core module (global i32 (i32.const 0))))`);
  const decodedRanges = (component: ComponentAst): [number, number][] =>
    component.definitions.flatMap((definition): [number, number][] => {
      if (definition.kind === "core-module") return [[definition.range.start, definition.range.end]];
      return definition.kind === "component" ? decodedRanges(definition.component) : [];
    });
  expect(coreModuleRanges(bytes)).toEqual(decodedRanges(decodeComponent(bytes)));
  for (let length = 0; length < bytes.length; length++) coreModuleRanges(bytes.subarray(0, length));
});
