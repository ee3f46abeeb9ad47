import { expect, test } from "bun:test";
import { digestOf, noteDigest } from "./digest.ts";

test("an array whose digest was noted is not hashed again, and no other is taken for it", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const digest = digestOf(bytes);
  // Nobody notes another's digest; that it is answered shows that nothing was hashed.
  const other = digestOf("other");
  noteDigest(bytes, other);
  expect(digestOf(bytes)).toBe(other);
  expect(digestOf(bytes.slice())).toBe(digest);
  expect(digestOf(bytes.subarray(0))).toBe(digest);
  expect(digestOf("\x01\x02\x03")).toBe(digest);
});
