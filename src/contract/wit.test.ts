import { expect, test } from "bun:test";
import { faultOf } from "../base/fixture.ts";
import { resourceList, resourceText } from "../base/resources.ts";
import { customSections } from "./binary/sections.ts";
import { differences, unservedImports } from "./compare.ts";
import type { Interface, World } from "./model.ts";
import { wasmTools } from "./tools.ts";
import { chooseWorld, encodeWorld, printWorld, worldFromWit } from "./wit.ts";
import { readWorld } from "./world.ts";

const sources = (files: Record<string, string>) => new Map(Object.entries(files));
const carried = new Map(
  await Promise.all(
    resourceList("wit/")
      .filter((path) => path.endsWith(".wit"))
      .map(async (path) => [path, await resourceText(path)] as const),
  ),
);

test("files of one package and packages it depends on become one world", async () => {
  const world = await worldFromWit(
    sources({
      "wit/world.wit":
        "/// The package.\npackage a:b@1.0.0;\nuse c:d/i@0.1.0 as dep;\nworld w { export api; import dep; }",
      "wit/api.wit": "use c:d/i@0.1.0 as dep;\ninterface api { use dep.{t}; f: func(t: t); }",
      "wit/deps/c-d/types.wit": "package c:d@0.1.0;\ninterface i { use basis.{u}; type t = u; }",
      "wit/deps/c-d/more.wit": "package c:d@0.1.0; // again\ninterface basis { type u = u8; }",
    }),
  );
  expect(world.name).toBe("a:b/w@1.0.0");
  expect([...world.exports.keys()]).toEqual(["a:b/api@1.0.0"]);
  expect([...world.imports.keys()]).toContain("c:d/i@0.1.0");
});

test("packages nested in braces are packages like others", async () => {
  const world = await worldFromWit(
    sources({
      "a.wit": "package a:b;\nworld w { import c:d/i; }\npackage c:d { interface i { f: func(); } }",
    }),
  );
  expect([...world.imports.keys()]).toEqual(["c:d/i"]);
});

test("a world is named in full, in short, or not at all where there is only one", async () => {
  const files = sources({
    "wit/a.wit": "package a:b@1.0.0; world one {} world two {}",
    "wit/deps/c.wit": "package c:d@1.0.0; world only {} interface i { f: func(); }",
  });
  const named = (name?: string) => chooseWorld(files, name).world;
  expect(named("two")).toBe("a:b/two@1.0.0");
  expect(named("a:b/one")).toBe("a:b/one@1.0.0");
  expect(named("c:d/only@1.2.0")).toBe("c:d/only@1.0.0");
  expect(() => named()).toThrow("One world was looked for, and the WIT has a:b/one@1.0.0, a:b/two@1.0.0");
  expect(() => named("too")).toThrow("No world too; the WIT has");
  expect(() => named("only")).toThrow("No world only");
  expect(chooseWorld(sources({ "deps/c.wit": "package c:d; world only {}" })).world).toBe("c:d/only");
});

test("an interface's name means the contract of exporting it", async () => {
  const world = await worldFromWit(carried, "loop:cli/command@0.1.0");
  expect([...world.exports.keys()]).toEqual(["loop:cli/command@0.1.0"]);
});

const wrong: readonly [what: string, files: Record<string, string>, message: string][] = [
  [
    "a wrong word",
    { "wit/a.wit": "package a:b;\n\nworld w {\n  imprt x;\n}" },
    "wit/a.wit:4:3: expected `import`, `export`, `include`, `use`, or type definition, found an identifier\n    imprt x;\n    ^",
  ],
  [
    "an unknown type in a second file",
    {
      "wit/a.wit": "package a:b;\nworld w { export i; }",
      "wit/b.wit": "// Café\ninterface i {\n  f: func(a: foo);\n}",
    },
    "wit/b.wit:3:14: name `foo` does not exist\n    f: func(a: foo);\n               ^",
  ],
  [
    "an interface that is not there",
    { "wit/a.wit": "package a:b;\nworld w { import nope; }" },
    "wit/a.wit:2:18: interface or world `nope` does not exist",
  ],
  [
    "a package that is not there",
    { "wit/a.wit": "package a:b;\nworld w {\n  import c:d/e@1.0.0;\n}" },
    "wit/a.wit:3:10: package 'c:d@1.0.0' not found",
  ],
  ["a text that stops", { "wit/a.wit": "package a:b;\nworld w {\n  import" }, "wit/a.wit:3:"],
  ["a file that names no package", { "wit/a.wit": "world w {}" }, "wit/a.wit names no package"],
  ["no file at all", {}, "WIT was looked for, and no package is there"],
];

for (const [what, files, message] of wrong)
  test(`${what} is a fault with file, line and column`, async () => {
    const fault = await faultOf(encodeWorld(sources(files), files["wit/a.wit"] ? "a:b/w" : undefined));
    expect(fault.message).toStartWith(message);
    expect(fault.code).toBe("LK0209");
  });

const interfaces = (world: World): Map<string, Interface> =>
  new Map(
    [...world.imports, ...world.exports].flatMap(([name, item]) =>
      item.kind === "interface" ? [[name, item.interface] as const] : [],
    ),
  );

/** Both ways and imports too: the printed text means the same world. */
const expectSame = async (world: World): Promise<string> => {
  const text = printWorld(world);
  const again = await worldFromWit(sources({ "printed.wit": text }));
  expect(differences(world, again)).toEqual([]);
  expect(differences(again, world)).toEqual([]);
  const asExports = ({ imports }: World): World => ({
    name: undefined,
    imports: new Map(),
    exports: imports,
  });
  expect(differences(asExports(world), asExports(again))).toEqual([]);
  expect([...again.imports.keys()].sort()).toEqual([...world.imports.keys()].sort());
  for (const [name, item] of interfaces(world))
    expect([...interfaces(again).get(name)!.types.keys()].sort()).toEqual([...item.types.keys()].sort());
  return text;
};

const worlds = [
  "loop:cli/command-component",
  "loop:build/builder-component",
  "wasi:cli/command@0.2.12",
  "wasi:http/proxy",
];
for (const name of worlds)
  test(`${name}, printed and parsed again, is the same world`, async () => {
    const world = await worldFromWit(carried, name);
    const text = await expectSame(world);
    expect(text).toContain(`world ${name.replace(/^.*\/|@.*$/g, "")} {`);
  });

test("a component made for a world says that world when printed", async () => {
  const tools = await wasmTools();
  const { composed, world } = chooseWorld(carried, "wasi:cli/command@0.2.12");
  const component = await tools.componentNew(await tools.componentEmbed({ wit: composed.text, world }));
  const read = readWorld(component);
  const text = await expectSame(read);
  expect(text).toStartWith("package root:component;\n\nworld root {\n");
  expect(text).toContain("  export wasi:cli/run@0.2.12;\n");
  expect(differences(await worldFromWit(carried, "wasi:cli/command@0.2.12"), read)).toEqual([]);
  expect(unservedImports(read, ["wasi:io/poll@0.2.0"]).map(({ name }) => name)).not.toContain(
    "wasi:io/poll@0.2.12",
  );
});

test("keywords, aliases, inline interfaces, resources and handles print as WIT", async () => {
  const text = await expectSame(
    await worldFromWit(
      sources({
        "a.wit": `package %use:%type@0.1.0;
interface %interface {
  enum %enum { %u8, off }
  type %list = list<%enum>;
  resource %resource { constructor(a: %list); %static: static func(r: borrow<%resource>) -> %resource; m: func() -> result<_, %enum>; }
  %func: func(%string: tuple<u8, string>) -> option<option<%list>>;
}
world %world {
  use %interface.{%resource as handle, %list};
  resource mine { constructor(); go: func(); }
  flags rights { %import, read }
  import free: func(m: borrow<mine>, r: rights, l: %list) -> handle;
  export inner: interface { use %interface.{%enum as state}; f: func(s: state) -> result<u8>; }
  export run: func(m: rights);
}`,
      }),
    ),
  );
  expect(text).toContain("use %interface.{%enum as state};");
  expect(text).toContain("    constructor(a: %list);\n");
  expect(text).toContain("    %static: static func(r: borrow<%resource>) -> %resource;\n");
});

test("what WIT cannot say is a comment in what is printed", async () => {
  const tools = await wasmTools();
  const bytes = await tools.parse('(component (import "m" (core module)) (import "c" (component)))');
  const text = printWorld(readWorld(bytes));
  expect(text).toContain("// import m: module");
  expect(text).toContain("// import c: component");
  expect(customSections(bytes).size).toBe(0);
});
