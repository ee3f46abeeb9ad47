import { expect, test } from "bun:test";
import { decodeComponent } from "../../contract/binary/decode.ts";
import { wasmTools } from "../../contract/tools.ts";
import { partsOf } from "./inside.ts";

const parts = async (text: string) => {
  const found = partsOf(decodeComponent(await (await wasmTools()).parse(text)));
  return found.map(({ name, imports }) => [
    name,
    ...imports.map(({ name, from }) => `${name} from ${from.name}${from.outer ? ` (${from.outer})` : ""}`),
  ]);
};

const log = '(instance (export "say" (func)))';

test("each part is named with whom its imports come from, through every layer", async () => {
  const text = `(component
    (import "a:a/log@1.0.0" ${'(instance $log (export "say" (func)))'})
    (component $inner (import "a:a/log@1.0.0" ${log}) (export "b:b/out" (instance 0)))
    (component $outer
      (import "c:c/renamed" (instance $given (export "say" (func))))
      (component $deep (import "a:a/log@1.0.0" ${log}))
      (instance $made (instantiate $deep (with "a:a/log@1.0.0" (instance $given)))))
    (instance $first (instantiate $inner (with "a:a/log@1.0.0" (instance $log))))
    (alias export $first "b:b/out" (instance $out))
    (instance $second (instantiate $outer (with "c:c/renamed" (instance $out))))
    (instance $third (instantiate $outer (with "c:c/renamed" (instance $log)))))`;
  expect(await parts(text)).toEqual([
    ["inner", "a:a/log@1.0.0 from host (a:a/log@1.0.0)"],
    ["outer", "c:c/renamed from inner"],
    ["outer / deep", "a:a/log@1.0.0 from inner"],
    ["outer", "c:c/renamed from host (a:a/log@1.0.0)"],
    ["outer / deep", "a:a/log@1.0.0 from host (a:a/log@1.0.0)"],
  ]);
});

test("a component that nobody composed has no parts", async () => {
  expect(await parts(`(component (import "a:a/log@1.0.0" ${log}) (component))`)).toEqual([]);
});

test("components that instantiate each other twice to a great depth end the walk, not loop", async () => {
  let inner = "(component $c)";
  for (let depth = 0; depth < 50; depth++)
    inner = `(component $c ${inner} (instance (instantiate $c)) (instance (instantiate $c)))`;
  expect(await parts(`(component ${inner} (instance (instantiate $c)))`)).toEqual([]);
});
