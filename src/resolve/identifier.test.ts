import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import { parseIdentifier } from "./identifier.ts";

const cases: [string, string, string][] = [
  ["x.wasm", "file", "x.wasm"],
  ["./a:b", "file", "./a:b"],
  ["../dir/x.wasm", "file", "../dir/x.wasm"],
  ["/abs/x.wasm", "file", "/abs/x.wasm"],
  ["a b.wasm", "file", "a b.wasm"],
  ["file:///abs/x.wasm", "file", "/abs/x.wasm"],
  ["builtin:run", "builtin", "run"],
  ["https://example.com/x.wasm", "https", "example.com/x.wasm"],
  ["oci://ghcr.io/a/b:1.0@sha256:00", "oci", "ghcr.io/a/b:1.0@sha256:00"],
  ["wasi:http", "package", "wasi:http"],
  ["acme:tool@1.2.0", "package", "acme:tool@1.2.0"],
];

for (const [text, scheme, rest] of cases)
  test(`${text} is a ${scheme} identifier`, () => {
    expect(parseIdentifier(text)).toEqual({ text, scheme, rest });
  });

test("an empty text and a NUL byte are refused with LK0102", () => {
  for (const text of ["", "a\0b"]) {
    let thrown: unknown;
    try {
      parseIdentifier(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Fault);
    expect((thrown as Fault).code).toBe("LK0102");
  }
});
