import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runScript } from "./script.ts";

const folder = join(import.meta.dir, "../../tests/conformance");

for (const file of readdirSync(folder).filter((name) => name.endsWith(".wast")))
  for (const replayed of [false, true])
    test(`${file} passes whole${replayed ? ", its instances made by recipes" : ""}`, async () => {
      const reports = await runScript(readFileSync(join(folder, file), "utf8"), replayed);
      expect(reports.filter(({ outcome }) => outcome !== "passed")).toEqual([]);
      expect(reports.length).toBeGreaterThan(0);
    });

test("a script that expects what is not so fails, line by line", async () => {
  const reports = await runScript(`(component
  (core module $m (func (export "f") (result i32) (i32.const 1)))
  (core instance $i (instantiate $m))
  (func (export "f") (result u32) (canon lift (core func $i "f"))))
(assert_return (invoke "f") (u32.const 2))
(assert_trap (invoke "f") "anything")
(assert_invalid (component) "anything")
(assert_malformed (component quote "(component)") "anything")
(assert_unlinkable (component) "anything")
(invoke "g")`);
  expect(reports.map(({ line, outcome }) => [line, outcome])).toEqual([
    [1, "passed"],
    [5, "failed"],
    [6, "failed"],
    [7, "failed"],
    [8, "failed"],
    [9, "failed"],
    [10, "failed"],
  ]);
});
