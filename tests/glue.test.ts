// Holds what src/host/glue.ts looks for to the version of jco that we carry: a change that finds nothing any more
// would bring its fault back without a word. Owns nothing else; run by bun test.
import { beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { wat } from "../src/builders/wat.ts";
import { completed } from "../src/builders/wit.ts";
import { wasmTools } from "../src/contract/tools.ts";
import { counters } from "../src/host/fixture.ts";
import { changed, changes } from "../src/host/glue.ts";

/** Of a component with tasks, streams and futures, and of one with a resource, each where it may wait. */
let glue: string;
let constructing: string;
beforeAll(async () => {
  const folder = join(import.meta.dir, "../src/providers/wasi/guest/both");
  const wit = await completed(new Map([["wit/world.wit", readFileSync(join(folder, "world.wit"), "utf8")]]));
  const request = { folder, name: "both", main: "main.wat", world: "both", wit, settings: {} };
  const { component } = await wat.build(request);
  const { $init, generate } = await import("@bytecodealliance/jco-transpile/component");
  await $init;
  const glueOf = (bytes: Uint8Array, imports: string[], exports: string[]): string => {
    const { files } = generate(bytes, {
      name: "component",
      noTypescript: true,
      instantiation: { tag: "async" },
      noNodejsCompat: true,
      asyncMode: { tag: "jspi", val: { imports, exports } },
    });
    return new TextDecoder().decode(files.find(([name]) => name === "component.js")![1]);
  };
  glue = glueOf(
    component,
    ["wasi:io/streams@0.2.12#[method]output-stream.blocking-write-and-flush"],
    ["double"],
  );
  constructing = glueOf(
    await (await wasmTools()).parse(counters(1)),
    [],
    ["a:b/counters@1.0.0#[constructor]counter", "a:b/counters@1.0.0#[static]counter.both"],
  );
}, 30_000);

test("every change finds what it changes in the glue of the jco that is carried", () => {
  const missing = changes.filter(({ find }) => !`${glue}${constructing}`.match(find)).map(({ why }) => why);
  expect(missing).toEqual([]);
});

test("what is changed does not look whether something has happened as often as it can", () => {
  expect(glue).toContain("waitInterval = setInterval");
  expect(changed(glue)).not.toContain("waitInterval = setInterval");
});

test("constructors and statics that may wait are JavaScript once they are changed", () => {
  const reads = (text: string) => new Bun.Transpiler({ loader: "js" }).transformSync(text);
  expect(() => reads(constructing)).toThrow();
  expect(reads(changed(constructing))).toContain("class Counter");
});
