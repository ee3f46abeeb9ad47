import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "../../base/fault.ts";
import { faultOf } from "../../base/fixture.ts";
import { wasmTools } from "../tools.ts";
import { printWorld } from "../wit.ts";
import { worldOf } from "../world.ts";
import { componentPreamble, decodeComponent } from "./decode.ts";
import { leb } from "./sections.ts";
import { skeletonOf } from "./skeleton.ts";

const component = readFileSync(join(import.meta.dir, "../../../build/stage/commands/shell.wasm"));

const sectionOf = (id: number, ...content: readonly Uint8Array[]): Uint8Array => {
  const all = Buffer.concat(content);
  return Buffer.concat([Uint8Array.of(id), leb(all.length), all]);
};
const faultIn = async (bytes: Uint8Array) => faultOf((await wasmTools()).validate(bytes));

test("a skeleton is a small part of a component, valid as it is, with the same world", async () => {
  const { bytes } = skeletonOf(component);
  expect(bytes.length).toBeLessThan(component.length / 10);
  const worldText = (of: Uint8Array) => printWorld(worldOf(decodeComponent(of)));
  expect(worldText(bytes)).toBe(worldText(component));
  await (await wasmTools()).validate(component);
});

test("core modules of a skeleton are valid for the engine too, and import and export what they did", () => {
  const [whole, small] = [decodeComponent(component), decodeComponent(skeletonOf(component).bytes)];
  const modules = ({ bytes, definitions }: typeof whole): WebAssembly.Module[] =>
    definitions.flatMap((definition) => {
      if (definition.kind === "component") return modules(definition.component);
      if (definition.kind !== "core-module") return [];
      return [new WebAssembly.Module(bytes.slice(definition.range.start, definition.range.end))];
    });
  const shapes = (ast: typeof whole) =>
    modules(ast).map((module) => [WebAssembly.Module.imports(module), WebAssembly.Module.exports(module)]);
  expect(shapes(small).length).toBeGreaterThan(1);
  expect(shapes(small)).toEqual(shapes(whole));
});

test("each definition of a skeleton is told at its place in the whole", () => {
  const { bytes, placeOf } = skeletonOf(component);
  const places = (of: Uint8Array) => decodeComponent(of).definitions.map(({ offset }) => offset);
  expect(places(bytes).map(placeOf)).toEqual(places(component));
});

test("a type that does not hold is told at its byte, whatever large came before it", async () => {
  const lying = await (await wasmTools()).parse(`(component
    (component $inner (import "f" (func (param "x" u32))))
    (import "g" (func $g))
    (instance (instantiate $inner (with "f" (func $g)))))`);
  const noise = sectionOf(0, Uint8Array.of(1, 0x78), new Uint8Array(100_000).fill(7));
  const after = (at: number, more: Uint8Array) =>
    Buffer.concat([lying.subarray(0, at), more, lying.subarray(at)]);
  const byteIn = ({ message }: Fault) => Number(/\(at byte (\d+)\)/.exec(message)![1]);
  const place = byteIn(await faultIn(lying));
  expect(byteIn(await faultIn(after(8, noise)))).toBe(place + noise.length);
});

test("a core module whose code does not read is given to the validator as it is", async () => {
  const code = (...content: number[]) =>
    Buffer.concat([
      Uint8Array.from(componentPreamble),
      sectionOf(
        1,
        Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0),
        sectionOf(10, Uint8Array.from(content)),
      ),
    ]);
  await (await wasmTools()).validate(code(1, 2, 0, 0x0b));
  for (const content of [[1, 9, 0, 0x0b], [2, 2, 0, 0x0b], [0], [1, 2, 0, 0x0b, 0]])
    expect((await faultIn(code(...content))).code).toBe("LK0211");
});
