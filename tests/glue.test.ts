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

/** Of a component with tasks, streams and futures, of one that reads a stream of the host's, and of one with a resource. */
let glue: string;
let reading: string;
let constructing: string;

const built = async (folder: string, world: string, main: string, text: string): Promise<Uint8Array> => {
  const wit = await completed(new Map([["wit/world.wit", readFileSync(join(folder, text), "utf8")]]));
  return (await wat.build({ folder, name: world, main, world, wit, settings: {} })).component;
};

beforeAll(async () => {
  const both = join(import.meta.dir, "../src/providers/wasi/guest/both");
  const keep = join(import.meta.dir, "cli/wasi3/files/app");
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
    await built(both, "both", "main.wat", "world.wit"),
    ["wasi:io/streams@0.2.12#[method]output-stream.blocking-write-and-flush"],
    ["double"],
  );
  reading = glueOf(await built(keep, "keep", "src/main.wat", "wit/world.wit"), [], ["double"]);
  constructing = glueOf(
    await (await wasmTools()).parse(counters(1)),
    [],
    ["a:b/counters@1.0.0#[constructor]counter", "a:b/counters@1.0.0#[static]counter.both"],
  );
}, 30_000);

test("every change finds what it changes in the glue of the jco that is carried", () => {
  const all = `${glue}${reading}${constructing}`;
  const missing = changes.filter(({ find }) => !all.match(find)).map(({ why }) => why);
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
