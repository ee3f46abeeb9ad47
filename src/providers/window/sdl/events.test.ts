import { ptr } from "bun:ffi";
import { expect, test } from "bun:test";
import type { What } from "../../event.ts";
import type { Sdl } from "./binding.ts";
import { EventReader } from "./events.ts";
import { codes, keyNames } from "./keys.ts";

const texts: string[] = [];
const freed: number[] = [];
const calls: unknown[] = [];

/** What SDL would have made of texts: addresses of C strings that stay where they are. */
const kept: Buffer[] = [];

const reader = () =>
  new EventReader({
    sdl: { SDL_free: (pointer: number) => void freed.push(pointer) } as unknown as Sdl,
    size: () => ({ width: 200, height: 100 }),
    exposed: (id) => void calls.push(["exposed", id]),
    resized: (): What => ({
      tag: "resized",
      val: { width: 3, height: 4, pixelWidth: 6, pixelHeight: 8 },
    }),
    padAdded: (device): What => ({ tag: "pad-connected", val: { pad: 1, name: `device ${device}` } }),
    padRemoved: (): What => ({ tag: "pad-disconnected", val: 1 }),
    pad: (instance) => (instance === 40 ? 1 : undefined),
    fileDropped: (path): What => {
      texts.push(path);
      return { tag: "file-dropped", val: { drop: 1, name: path } };
    },
  });

type Field = readonly [
  offset: number,
  kind: "u8" | "u16" | "u32" | "s16" | "s32" | "f32" | "u64" | "text",
  value: unknown,
];

/** The event of a type with these fields, where SDL_events.h of 2.26 has them. */
const read = (type: number, fields: readonly Field[], by = reader()) => {
  by.bytes.fill(0);
  const view = new DataView(by.bytes.buffer);
  view.setUint32(0, type, true);
  for (const [offset, kind, value] of fields) {
    const number = value as number;
    if (kind === "u8") view.setUint8(offset, number);
    else if (kind === "u16") view.setUint16(offset, number, true);
    else if (kind === "u32") view.setUint32(offset, number, true);
    else if (kind === "s16") view.setInt16(offset, number, true);
    else if (kind === "s32") view.setInt32(offset, number, true);
    else if (kind === "f32") view.setFloat32(offset, number, true);
    else if (kind === "u64") view.setBigUint64(offset, value as bigint, true);
    else Buffer.from(by.bytes.buffer).write(value as string, offset);
  }
  return by.read();
};
const window: Field = [8, "u32", 7];

test("a key has the place's name, the layout's character, modifiers and repetition", () => {
  const none = { shift: false, control: false, alt: false, meta: false, capsLock: false, numLock: false };
  // KeyQ on a French layout: the place of Q, the character a.
  const pressed = read(0x300, [window, [13, "u8", 1], [16, "s32", 20], [20, "s32", 97], [24, "u16", 0x41]]);
  expect(pressed).toEqual({
    windowId: 7,
    what: {
      tag: "key-down",
      val: { code: "KeyQ", key: "a", modifiers: { ...none, shift: true, control: true }, repeat: true },
    },
  });
  const locks = read(0x301, [window, [16, "s32", 80], [20, "s32", 0x40000050], [24, "u16", 0x3100]]);
  expect(locks?.what).toEqual({
    tag: "key-up",
    val: {
      code: "ArrowLeft",
      key: "ArrowLeft",
      modifiers: { ...none, alt: true, capsLock: true, numLock: true },
      repeat: false,
    },
  });
});

test("keys without a name are said to be unidentified, and every place is a code once or a twin", () => {
  expect(keyNames(999, 0)).toEqual({ code: "", key: "Unidentified" });
  expect(keyNames(4, 0x7fffffff)).toEqual({ code: "KeyA", key: "Unidentified" });
  expect(keyNames(44, 32)).toEqual({ code: "Space", key: " " });
  expect(keyNames(33, 0xf6)).toEqual({ code: "Digit4", key: "ö" });
  for (const code of ["KeyZ", "Digit0", "F24", "NumpadEnter", "MetaRight", "IntlBackslash"])
    expect([code, codes.has(code)]).toEqual([code, true]);
});

test("text is whole, and an input method's says where it stands", () => {
  expect(read(0x303, [window, [12, "text", "öä"]])?.what).toEqual({ tag: "text-entered", val: "öä" });
  const editing = read(0x302, [window, [12, "text", "に"], [44, "s32", 1], [48, "s32", -1]]);
  expect(editing?.what).toEqual({ tag: "text-composing", val: { text: "に", start: 1, length: 0 } });
});

test("a text that SDL made is read and freed", () => {
  const own = Buffer.from(`${"x".repeat(70)}\0`);
  kept.push(own);
  const address = ptr(own);
  const long = read(0x305, [window, [16, "u64", BigInt(address)], [24, "s32", 70], [28, "s32", 0]]);
  expect(long?.what).toEqual({ tag: "text-composing", val: { text: "x".repeat(70), start: 70, length: 0 } });
  const dropped = read(0x1000, [
    [8, "u64", BigInt(address)],
    [16, "u32", 7],
  ]);
  expect([dropped?.windowId, texts.length, freed]).toEqual([7, 1, [address, address]]);
  expect(read(0x1000, [[8, "u64", 0n]])?.what.tag).toBe("file-dropped");
  expect(freed.length).toBe(2);
});

test("the pointer's moves, buttons and wheel keep their numbers and signs", () => {
  const moved = read(0x400, [window, [20, "s32", 5], [24, "s32", -6], [28, "s32", -1], [32, "s32", 2]]);
  expect(moved?.what).toEqual({ tag: "pointer-moved", val: { x: 5, y: -6, dx: -1, dy: 2 } });
  for (const [index, button] of ["left", "middle", "right", "back", "forward"].entries()) {
    const fields: Field[] = [window, [16, "u8", index + 1], [18, "u8", 2], [20, "s32", 3], [24, "s32", 4]];
    expect(read(0x401, fields)?.what).toEqual({
      tag: "pointer-down",
      val: { x: 3, y: 4, button, clicks: 2 } as never,
    });
  }
  expect(read(0x402, [window, [16, "u8", 9]])).toBeUndefined();
  const wheel = (...fields: Field[]) => read(0x403, [window, ...fields])?.what;
  expect(wheel([16, "s32", 1], [20, "s32", -2])).toEqual({ tag: "wheel-turned", val: { x: 1, y: -2 } });
  expect(wheel([20, "s32", 1], [32, "f32", 0.5], [24, "u32", 1])).toEqual({
    tag: "wheel-turned",
    val: { x: -0, y: -0.5 },
  });
});

test("fingers have small numbers while they touch, and places in points", () => {
  const by = reader();
  const touch = (type: number, finger: bigint) =>
    read(
      type,
      [
        [16, "u64", finger],
        [24, "f32", 0.5],
        [28, "f32", 0.25],
        [40, "f32", 1],
        [44, "u32", 7],
      ],
      by,
    );
  expect(touch(0x700, 900n)).toEqual({
    windowId: 7,
    what: { tag: "touch-down", val: { finger: 0, x: 100, y: 25, pressure: 1 } },
  });
  const fingerOf = (what: What | undefined) =>
    what && "val" in what ? (what.val as { finger: number }).finger : -1;
  expect(fingerOf(touch(0x700, 901n)?.what)).toBe(1);
  expect(touch(0x701, 900n)?.what.tag).toBe("touch-up");
  expect(fingerOf(touch(0x700, 902n)?.what)).toBe(0);
  expect([fingerOf(touch(0x702, 901n)?.what), touch(0x702, 901n)?.what.tag]).toEqual([1, "touch-moved"]);
});

test("pads are known by our numbers, axes go from -1 to 1, and strangers are not heard", () => {
  expect(read(0x653, [[8, "u32", 3]])?.what).toEqual({
    tag: "pad-connected",
    val: { pad: 1, name: "device 3" },
  });
  const axis = (value: number) =>
    read(0x650, [
      [8, "u32", 40],
      [12, "u8", 1],
      [16, "s16", value],
    ])?.what;
  expect(axis(-32_768)).toEqual({ tag: "pad-axis-moved", val: { pad: 1, axis: "left-y", value: -1 } });
  expect(axis(32_767)).toEqual({ tag: "pad-axis-moved", val: { pad: 1, axis: "left-y", value: 1 } });
  const button = (which: number, at: number) =>
    read(0x651, [
      [8, "u32", which],
      [12, "u8", at],
    ]);
  expect(button(40, 0)).toEqual({ windowId: 0, what: { tag: "pad-down", val: { pad: 1, button: "south" } } });
  expect(button(40, 20)?.what).toEqual({ tag: "pad-down", val: { pad: 1, button: "other" } });
  expect(button(41, 0)).toBeUndefined();
  expect(read(0x654, [[8, "u32", 40]])?.what.tag).toBe("pad-disconnected");
});

test("the window's own events are told, and what concerns its picture is done", () => {
  const told = (event: number) => read(0x200, [window, [12, "u8", event]])?.what.tag;
  expect([1, 2, 7, 9, 10, 11, 12, 13, 14].map(told)).toEqual([
    "shown",
    "hidden",
    "hidden",
    "shown",
    "pointer-entered",
    "pointer-left",
    "focused",
    "unfocused",
    "close-asked",
  ]);
  expect([told(3), told(5), told(200)]).toEqual([undefined, undefined, undefined]);
  expect(calls).toEqual([["exposed", 7]]);
  expect(told(6)).toBe("resized");
  expect(read(0x200, [window, [12, "u8", 4], [16, "s32", -5], [20, "s32", 9]])?.what).toEqual({
    tag: "placed",
    val: { x: -5, y: 9 },
  });
  expect(read(0x100, [])).toBeUndefined();
});
