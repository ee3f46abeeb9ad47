import { expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import { parseReference } from "./reference.ts";

const hex = "a".repeat(64);
const good: [string, object][] = [
  ["ghcr.example/a/b:1.0", { host: "ghcr.example", repository: "a/b", tag: "1.0", digest: undefined }],
  ["h:5000/a", { host: "h:5000", repository: "a", tag: "latest", digest: undefined }],
  [`h/a@sha256:${hex}`, { host: "h", repository: "a", tag: undefined, digest: `sha256:${hex}` }],
  [`h/a:1@sha256:${hex}`, { host: "h", repository: "a", tag: "1", digest: `sha256:${hex}` }],
  [
    "[::1]:5000/a__b/c-d.e:V_1.2-x",
    { host: "[::1]:5000", repository: "a__b/c-d.e", tag: "V_1.2-x", digest: undefined },
  ],
];
for (const [rest, parts] of good)
  test(`oci://${rest} is taken apart`, () => {
    expect(parseReference(rest, `oci://${rest}`)).toEqual({ text: `oci://${rest}`, ...parts } as ReturnType<
      typeof parseReference
    >);
  });

test("what could leave its path, or is no reference, is refused", () => {
  for (const rest of [
    "",
    "host",
    "host/",
    "/a",
    "h/A",
    "h/a/../b",
    "h/a//b",
    "h/a:",
    "h/a:1/b?x",
    "h/a#x",
    "h/a:1.0+b",
    "h/a@sha256:12",
    "h/a@md5:aa",
    `h/a@sha256:${hex}@x`,
    "u:p@h/a",
    "h/a b",
    `h/${"a".repeat(256)}`,
    `h/a:${"1".repeat(129)}`,
    "h/a%2f",
    "h\n/a",
  ]) {
    let thrown: unknown;
    try {
      parseReference(rest, `oci://${rest}`);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Fault);
    expect((thrown as Fault).code).toBe("LK0102");
  }
});
