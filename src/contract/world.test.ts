import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import { customSections } from "./binary/sections.ts";
import type { Extern, Interface, ResourceType, Type, World } from "./model.ts";
import { wasmTools } from "./tools.ts";
import { readWorld } from "./world.ts";

const wit = `package a:b@1.0.0;
interface types { record point { x: u8, y: option<u8> } type place = point; resource shape { constructor(); at: func() -> point; } }
interface left { use types.{shape, point as spot}; draw: func(s: borrow<shape>, at: spot); }
interface right { use types.{shape}; take: func(s: shape) -> shape; }
world w {
  use c:d/i@0.1.0.{r};
  import log: func(s: string, r: borrow<r>);
  export run: func() -> result<u8, string>;
  export left;
  export right;
  export inline: interface { enum mode { on, off } set: func(m: mode); }
}
package c:d@0.1.0 {
  interface i { variant t { a, b(u8) } resource r { constructor(a: t); m: func(); s: static func() -> option<r>; } }
}`;

const tools = await wasmTools();
const core = await tools.componentEmbed({ wit, world: "a:b/w@1.0.0" });
const encoded = readWorld(customSections(core).get("component-type")![0]!);
const component = readWorld(await tools.componentNew(core));

const interfaceOf = (from: ReadonlyMap<string, Extern>, name: string): Interface => {
  const item = from.get(name);
  if (item?.kind !== "interface") throw new Error(`No interface ${name} in ${[...from.keys()]}`);
  return item.interface;
};
const resourceOf = (type: Type | undefined): ResourceType => {
  if (type?.kind !== "own" && type?.kind !== "borrow") throw new Error(`No handle: ${type?.kind}`);
  return type.resource;
};
const parse = (wat: string) => tools.parse(wat).then(readWorld);
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "no fault",
    (error: unknown) => (error instanceof Fault ? `${error.code} ${error.message}` : `bug: ${error}`),
  );

test("a component has no name, the world it was made from has", () => {
  expect(component.name).toBeUndefined();
  expect(encoded.name).toBe("a:b/w@1.0.0");
});

for (const [from, world] of [
  ["a component", component],
  ["an encoded world", encoded],
] as [string, World][]) {
  test(`${from} names its imports and exports, with versions`, () => {
    expect([...world.imports.keys()].sort()).toEqual(["a:b/types@1.0.0", "c:d/i@0.1.0", "log", "r"]);
    expect([...world.exports.keys()].sort()).toEqual(["a:b/left@1.0.0", "a:b/right@1.0.0", "inline", "run"]);
  });

  test(`in ${from} a resource used by two interfaces is one resource, owned by the third`, () => {
    const drawn = resourceOf(interfaceOf(world.exports, "a:b/left@1.0.0").funcs.get("draw")!.params[0]!.type);
    const taken = resourceOf(interfaceOf(world.exports, "a:b/right@1.0.0").funcs.get("take")!.result);
    expect(drawn).toBe(taken);
    expect(drawn).toEqual({ name: "shape", owner: "a:b/types@1.0.0" });
    const log = world.imports.get("log");
    const handed = resourceOf(log?.kind === "func" ? log.func.params[1]!.type : undefined);
    expect(handed).toEqual({ name: "r", owner: "c:d/i@0.1.0" });
    expect(handed).not.toBe(drawn);
  });

  test(`in ${from} a type keeps the name that it was defined with, under every alias`, () => {
    const left = interfaceOf(world.exports, "a:b/left@1.0.0");
    const spot = left.funcs.get("draw")!.params[1]!.type;
    expect(spot).toEqual({
      kind: "record",
      name: "point",
      fields: [
        { name: "x", type: { kind: "u8" } },
        { name: "y", type: { kind: "option", element: { kind: "u8" } } },
      ],
    });
    expect(left.types.get("spot")).toBe(spot);
    expect(interfaceOf(world.imports, "a:b/types@1.0.0").types.get("point")).toBe(spot);
  });

  test(`in ${from} functions know the resource that they belong to`, () => {
    const { funcs } = interfaceOf(world.imports, "c:d/i@0.1.0");
    expect(funcs.get("[constructor]r")?.role).toEqual({ role: "constructor", resource: "r", member: "r" });
    expect(funcs.get("[method]r.m")?.role).toEqual({ role: "method", resource: "r", member: "m" });
    expect(funcs.get("[static]r.s")?.role).toEqual({ role: "static", resource: "r", member: "s" });
    expect(interfaceOf(world.exports, "inline").funcs.get("set")?.role).toEqual({ role: "free" });
  });
}

test("a component and the world that it was made from say the same", () => {
  const sorted = (externs: World["exports"]) => [...externs].sort(([a], [b]) => (a < b ? -1 : 1));
  expect(sorted(component.exports)).toEqual(sorted(encoded.exports));
});

test("a resource defined by the component belongs to the interface that exports it", async () => {
  const dummy = await tools.componentEmbed({
    wit: "package a:b; interface files { resource file { constructor(); size: func() -> u64; } } world w { export files; }",
    world: "w",
  });
  const { funcs, types } = interfaceOf(readWorld(await tools.componentNew(dummy)).exports, "a:b/files");
  const file = resourceOf(funcs.get("[constructor]file")!.result);
  expect(file).toEqual({ name: "file", owner: "a:b/files" });
  expect(resourceOf(funcs.get("[method]file.size")!.params[0]!.type)).toBe(file);
  expect(types.get("file")).toEqual({ kind: "resource", resource: file });
});

test("aliases into instances of nested components lead to what those export", async () => {
  const world = await parse(`(component
    (import "host" (instance $host (export "log" (func (param "text" string)))))
    (component $inner
      (import "f" (func $f (param "text" string)))
      (export "g" (func $f)))
    (instance $made (instantiate $inner (with "f" (func $host "log"))))
    (alias export $made "g" (func $g))
    (export "say" (func $g)))`);
  const say = world.exports.get("say");
  expect(say?.kind === "func" && say.func.params).toEqual([{ name: "text", type: { kind: "string" } }]);
});

test("two imports of one instance type have resources of their own", async () => {
  const world = await parse(`(component
    (type $t (instance (export "r" (type (sub resource)))))
    (import "a:b/x" (instance (type $t)))
    (import "a:b/y" (instance (type $t))))`);
  const resource = (name: string) => interfaceOf(world.imports, name).types.get("r");
  expect(resource("a:b/x")).not.toEqual(resource("a:b/y"));
});

test("async functions are known by their type and by their name", async () => {
  const world = await parse(`(component
    (import "a" (func async (result u8)))
    (import "b" (func (result u8))))`);
  const isAsync = (name: string) => {
    const item = world.imports.get(name);
    return item?.kind === "func" && item.func.async;
  };
  expect([isAsync("a"), isAsync("b")]).toEqual([true, false]);
});

test("an index that points nowhere is a fault with its byte", async () => {
  expect(await codeOf(parse('(component (export "b" (instance 3)))'))).toMatch(
    /^LK0203 The component is malformed at byte \d+: instance 3 is not there; 0 are$/,
  );
  expect(await codeOf(parse('(component (type (func)) (import "f" (func (type 1))))'))).toMatch(/^LK0203/);
  expect(await codeOf(parse('(component (type u8) (import "f" (func (type 0))))'))).toContain(
    "no function type",
  );
});

test("types that double at every step are refused, not unfolded", async () => {
  const steps = (make: (i: number) => string, n: number) =>
    Array.from({ length: n }, (_, i) => make(i)).join("\n");
  const pairs = `(component (type (tuple u8 u8)) ${steps((i) => `(type (tuple ${i} ${i}))`, 40)})`;
  expect(await codeOf(parse(pairs))).toMatch(/^LK0204/);
  const deep = `(component (type (list u8)) ${steps((i) => `(type (list ${i}))`, 200)})`;
  expect(await codeOf(parse(deep))).toMatch(/^LK0204/);
  const instances = `(component (type (instance))
    ${steps((i) => `(type (instance (alias outer 1 ${i} (type)) (export "a" (instance (type 0))) (export "b" (instance (type 0)))))`, 40)}
    (import "x" (instance (type 40))))`;
  expect(await codeOf(parse(instances))).toMatch(/^LK0204/);
  const calls = `(component (component) ${steps(
    (i) =>
      `(component (alias outer 1 ${i} (component)) (instance (instantiate 0)) (instance (instantiate 0)))`,
    60,
  )} (instance (instantiate 60)))`;
  expect(await codeOf(parse(calls))).toMatch(/^LK0204/);
});

test("a package without a world, or with several, is not a world", async () => {
  const packageOf = (worlds: string) => tools.parse(`(component ${worlds})`).then(readWorld);
  const one = (name: string) =>
    `(type (component (type (component)) (export "a:b/${name}" (component (type 0))))) `;
  expect((await packageOf(`${one("w")} (export "w" (type 0))`)).name).toBe("a:b/w");
  expect(
    await codeOf(packageOf(`${one("w")} (export "w" (type 0)) ${one("v")} (export "v" (type 2))`)),
  ).toMatch(/^LK0210 .*a:b\/w, a:b\/v$/);
  const interfaces =
    '(type (component (type (instance)) (export "a:b/i" (instance (type 0))))) (export "i" (type 0))';
  expect(await codeOf(packageOf(interfaces))).toMatch(/^LK0210/);
});
