import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { faultOf } from "../base/fixture.ts";
import { repositoryRoot } from "../base/resources.ts";
import { readWorld } from "../contract/world.ts";
import type { Builder } from "./builder.ts";
import { c } from "./c.ts";
import { probe } from "./probe.ts";
import { buildProject } from "./project.ts";
import { wat } from "./wat.ts";

// The C compiler from npm reads 100 MB of itself at its first use.
setDefaultTimeout(60_000);
const root = mkdtempSync(join(tmpdir(), "loop-languages-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
const build = async (builder: Builder, files: Record<string, string>, more = "") => {
  const folder = join(root, String(count++));
  const all = {
    "loop.toml": `[component]\nname = "probe"\nlanguage = "${builder.language}"\n${more}`,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  if (builder === c) symlinkSync(join(repositoryRoot, "node_modules"), join(folder, "node_modules"));
  const outcome = await buildProject(folder, { builderFor: () => builder });
  return { ...outcome, world: readWorld(readFileSync(outcome.component)) };
};
test("C becomes a WASI command, from every file below the main one", async () => {
  const { world, warnings } = await build(
    c,
    {
      "src/main.c":
        '#include <stdio.h>\n#include "parts/part.h"\nint main(void) { int unused; puts(part()); return 0; }\n',
      "src/parts/part.h": "const char *part(void);\n",
      "src/parts/part.c": '#include "part.h"\nconst char *part(void) { return PART; }\n',
    },
    '[build]\nflags = ["-DPART=\\"a part\\""]\n',
  );
  expect([...world.exports.keys()].map((name) => name.replace(/@.*/, ""))).toEqual(["wasi:cli/run"]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toStartWith("src/main.c:3:22: unused variable 'unused'");
});

test("a C program has room on its stack for an ordinary buffer", async () => {
  const main =
    "int main(void) { volatile char text[1 << 17]; for (int i = 0; i < 1 << 17; i += 64) text[i] = 1; return text[0] - 1; }\n";
  const { component } = await build(c, { "src/main.c": main });
  const { exports } = await probe(new Uint8Array(readFileSync(component)));
  const [run] = Object.entries(exports)
    .find(([name]) => name.startsWith("wasi:cli/run"))!
    .slice(1) as [{ run: () => unknown }];
  expect(run.run()).toBeUndefined();
});

test("a mistake in C is refused with its place, and the others are told too", async () => {
  const fault = await faultOf(
    build(c, { "src/main.c": "int main(void) {\n  return x;\n}\nint f(void) { return y; }\n" }),
  );
  expect(fault.code).toBe("LK0602");
  expect(fault.message).toStartWith("src/main.c:2:10: use of undeclared identifier 'x'\n");
  expect(fault.message).toContain("return x;");
  expect(fault.causes.map(({ message }) => message.split("\n")[0])).toEqual([
    "src/main.c:4:22: use of undeclared identifier 'y'",
  ]);
});

test("a compiler that is not there is refused with the ways to get one", async () => {
  const fault = await faultOf(
    build(c, { "src/main.c": "int main(void) { return 0; }\n" }, '[build]\nclang = "/absent/clang"\n'),
  );
  expect(fault.code).toBe("LK0606");
  expect(fault.hint).toContain("npm install --save-dev @yowasp/clang");
  expect(fault.hint).toContain("WASI_SDK_PATH");
});

test("WAT that is a component is taken as it is", async () => {
  const text =
    ';; a comment (module\n(component (core module $m (func (export "f") (result i32) i32.const 7)) (core instance $i (instantiate $m)) (func (export "seven") (result u32) (canon lift (core func $i "f"))))';
  const { world } = await build(wat, { "src/main.wat": text });
  expect([...world.exports.keys()]).toEqual(["seven"]);
});

const add =
  '(module (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))';

test("WAT that is a core module is fitted to the project's world", async () => {
  const { world } = await build(wat, {
    "src/main.wat": add,
    "wit/world.wit": "package a:b;\nworld w { export add: func(a: u32, b: u32) -> u32; }\n",
  });
  expect([...world.exports.keys()]).toEqual(["add"]);
});

test("a core module that the world does not fit, or that is no WAT, is refused", async () => {
  const wit = { "wit/world.wit": "package a:b;\nworld w { export sub: func(a: u32, b: u32) -> u32; }\n" };
  expect((await faultOf(build(wat, { "src/main.wat": add, ...wit }))).code).toBe("LK0211");
  const unread = await faultOf(build(wat, { "src/main.wat": "(module\n  (func (export 5)))", ...wit }));
  expect([unread.code, unread.message.slice(0, 28)]).toEqual(["LK0212", "Cannot read src/main.wat:2:1"]);
  expect((await faultOf(build(wat, { "src/main.wat": ";; nothing\n", ...wit }))).code).toBe("LK0212");
});
