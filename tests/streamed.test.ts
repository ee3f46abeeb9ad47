// A contract by which objects would lie in streams or futures: it is refused by name, when a slot is filled and when what
// uses it is linked.
import { beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { wasmTools } from "../src/contract/tools.ts";
import { homeFor } from "./home.ts";

const home = homeFor("streamed", { PATH: "/nowhere" });
const work = join(home.folder, "work");
const loop = (...words: string[]) => home.loop(work, ...words);

const objects = "stream<document>";
const bytes = "stream<u8>";

const settings = (use = "") => `[component]
name = "app"

[slots.documents]
contract = "s:s/documents@0.1.0"
policy = "plugin"
${use}`;
const wit = (carried: string) => `package s:s@0.1.0;
interface documents {
  resource document;
  every: func() -> ${carried};
}
`;

/** A stream of documents, or of bytes, where a resource has a name in the text. */
const streamOf = (carried: string, name: string, document: string) =>
  `(type ${name} (stream ${carried === objects ? `(own ${document})` : "u8"}))`;

/** What answers with such a stream. */
const filling = (carried: string) => `(component
  (type $document' (resource (rep i32)))
  (core module $m (func (export "every") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  ${streamOf(carried, "$carried", "$document'")}
  (func $every (result $carried) (canon lift (core func $i "every")))
  (component $shim
    (import "t" (type $t (sub resource)))
    ${streamOf(carried, "$c", "$t")}
    (import "e" (func $e (result $c)))
    (export $document "document" (type $t))
    ${streamOf(carried, "$d", "$document")}
    (export "every" (func $e) (func (result $d))))
  (instance $s (instantiate $shim (with "t" (type $document')) (with "e" (func $every))))
  (export "s:s/documents@0.1.0" (instance $s)))`;
const application = (carried: string) => `(component
  (import "s:s/documents@0.1.0" (instance $s
    (export "document" (type $document (sub resource)))
    ${streamOf(carried, "$c", "$document")}
    (export "every" (func (result $c)))))
  (core module $m (func (export "go") (result i32) (i32.const 7)))
  (core instance $i (instantiate $m))
  (func (export "go") (result u32) (canon lift (core func $i "go"))))`;

const contract = (carried: string, use?: string) => {
  writeFileSync(join(work, "wit/deps/s/package.wit"), wit(carried));
  writeFileSync(join(work, "loop.toml"), settings(use));
};

beforeAll(async () => {
  mkdirSync(join(work, "wit/deps/s"), { recursive: true });
  writeFileSync(
    join(work, "wit/world.wit"),
    "package demo:app;\nworld app { import s:s/documents@0.1.0; }\n",
  );
  const tools = await wasmTools();
  for (const [name, carried] of [
    ["objects", objects],
    ["bytes", bytes],
  ] as const) {
    writeFileSync(join(work, `${name}.wasm`), await tools.parse(filling(carried)));
    writeFileSync(join(work, `${name}-app.wasm`), await tools.parse(application(carried)));
  }
});

const why =
  "every of s:s/documents@0.1.0 passes stream<document>, and objects do not cross a slot in streams and futures";

test("a slot is not filled by what would pass objects in a stream, and the sentence names function and type", async () => {
  contract(objects);
  const refused = await loop("slot", "set", "documents", "objects.wasm");
  expect([refused.code, refused.said]).toEqual([1, expect.stringContaining("error[LK0402]")]);
  expect(refused.said).toContain(why);
  expect((await loop("slot", "show", "documents")).out).not.toContain("objects.wasm");
});

test("what is named in loop.toml is refused before what uses it starts", async () => {
  contract(objects, 'use = "./objects.wasm"\n');
  const { said, code } = await loop("run", "objects-app.wasm", "--invoke", "go()");
  expect([code, said]).toEqual([
    1,
    expect.stringContaining("error[LK0402]: The contract of the slot documents"),
  ]);
  expect(said).toContain(why);
});

test("bytes pass in a stream beside objects, as ever", async () => {
  contract(bytes);
  const set = await loop("slot", "set", "documents", "bytes.wasm");
  expect([set.said, set.code]).toEqual(["", 0]);
  expect((await loop("run", "bytes-app.wasm", "--invoke", "go()")).out).toBe("7\n");
});
