import { expect, test } from "bun:test";
import { fault as faultWith } from "../base/fault.ts";
import { faultOf } from "../base/fixture.ts";
import { trapGuard, wasmTools } from "./tools.ts";

test("WAT becomes a binary and WAT again", async () => {
  const tools = await wasmTools();
  const bytes = await tools.parse('(component (import "f" (func)))');
  expect([...bytes.subarray(0, 8)]).toEqual([0, 97, 115, 109, 13, 0, 1, 0]);
  expect(await tools.print(bytes)).toContain('(import "f"');
});

test("wrong WAT is a fault with the file, line and column", async () => {
  const tools = await wasmTools();
  const wat = '(component\n  (import "a" (func $f))\n  (export "b" (func $g)))';
  const fault = await faultOf(tools.parse(wat, "x.wat"));
  expect(fault.code).toBe("LK0212");
  expect(fault.message).toBe("Cannot read x.wat:3:21: unknown func: failed to find name `$g`");
  expect((await faultOf(tools.parse('(component "a', "x.wat"))).message).toBe(
    "Cannot read x.wat:1:14: unexpected eof",
  );
});

test("an invalid core module makes no component, and the fault says why", async () => {
  const tools = await wasmTools();
  const core = await tools.parse("(module (func (result i32)))");
  const fault = await faultOf(tools.componentNew(core));
  expect(fault.code).toBe("LK0211");
  expect(fault.message).toContain("expected i32 but nothing on stack (at byte");
});

test("a world that is not there is a fault of its own", async () => {
  const tools = await wasmTools();
  const wit = "package a:b; world w {}";
  expect((await faultOf(tools.componentEmbed({ wit, world: "v" }))).code).toBe("LK0210");
  expect((await faultOf(tools.componentEmbed({ wit: "package a:b; wrld", world: "v" }))).code).toBe("LK0209");
});

test("producers are added and read back", async () => {
  const tools = await wasmTools();
  const bytes = await tools.metadataAdd(await tools.parse("(component)"), [
    ["processed-by", [["loop", "1"]]],
  ]);
  const [shown] = await tools.metadataShow(bytes);
  expect(shown?.producers).toEqual([["processed-by", [["loop", "1"]]]]);
});

test("a component is validated beyond what decoding sees, and WIT packages do not stop the tools", async () => {
  const tools = await wasmTools();
  const validate = async (wat: string) => tools.validate(await tools.parse(wat));
  await validate('(component (import "f" (func $f)) (export "g" (func $f)))');
  await validate('(component (core module $m) (export "m" (core module $m)))');
  await validate(
    '(component (type (component (type (component)) (export "a:b/w" (component (type 0))))) (export "w" (type 0)))',
  );
  const unnamed = '(component (type $t (record (field "a" u8))) (import "x" (func (param "a" $t))))';
  const fault = await faultOf(validate(unnamed));
  expect(fault.code).toBe("LK0211");
  expect(fault.message).toMatch(
    /^The component is not valid: func not valid to be used as import \(at byte \d+\)$/,
  );
  expect((await faultOf(validate("(module)"))).code).toBe("LK0202");
  await validate("(component)");
});

test("after a trap every call says that the tools stopped, and runs nothing", async () => {
  const guard = trapGuard();
  const toFault = (message: string) => faultWith("LK0211", message);
  const trap = new WebAssembly.RuntimeError("unreachable");
  expect((await faultOf(guard(Promise.reject(trap), toFault))).code).toBe("LK0213");
  expect((await faultOf(guard(Promise.resolve(1), toFault))).code).toBe("LK0213");
});
