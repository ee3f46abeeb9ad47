import { expect, test } from "bun:test";
import { packContainer, unpackContainer } from "./container.ts";

const files = [
  { name: "component.js", bytes: new TextEncoder().encode("export function instantiate() {}") },
  { name: "component.core.wasm", bytes: new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]) },
  { name: "empty.wasm", bytes: new Uint8Array() },
];

test("a container gives back what was put in", () => {
  const again = unpackContainer(packContainer(files));
  expect(again?.map(({ name }) => name)).toEqual(files.map(({ name }) => name));
  for (const [at, file] of files.entries()) expect([...again![at]!.bytes]).toEqual([...file.bytes]);
});

test("a container altered in any byte is no container", () => {
  const packed = packContainer(files);
  for (let at = 0; at < packed.length; at++) {
    const altered = Uint8Array.from(packed);
    altered[at]! ^= 0x20;
    expect(unpackContainer(altered)).toBeUndefined();
  }
});

test("a truncated container is no container", () => {
  const packed = packContainer(files);
  for (let length = 0; length < packed.length; length++)
    expect(unpackContainer(packed.subarray(0, length))).toBeUndefined();
});
