import type { AsyncCanon, Canon, CanonOptions, StringEncoding } from "./ast.ts";
import { readCoreValueType } from "./coretype.ts";
import type { Reader } from "./reader.ts";
import { readResult } from "./type.ts";

// Canonical definitions (component-model Binary.md, "Canonical Definitions").

export const readCanon = (reader: Reader): Canon => {
  const at = reader.at;
  const opcode = reader.byte();
  switch (opcode) {
    case 0x00: {
      reader.expect(0x00, "the sort `func`");
      const func = reader.u32();
      const options = readOptions(reader);
      return { kind: "lift", func, options, type: reader.u32() };
    }
    case 0x01:
      reader.expect(0x00, "the sort `func`");
      return { kind: "lower", func: reader.u32(), options: readOptions(reader) };
    case 0x02:
      return { kind: "resource.new", type: reader.u32() };
    case 0x03:
      return { kind: "resource.drop", type: reader.u32() };
    case 0x04:
      return { kind: "resource.rep", type: reader.u32() };
    default: {
      const builtin = builtins.get(opcode);
      if (!builtin) return reader.unknown("canonical function", opcode, at);
      const [name, operands] = builtin;
      return { kind: "builtin", name, ...operands(reader) };
    }
  }
};

// 0x08 (core-type) and 0x09 (gc) are in no text yet, but in wasm-tools and wasmtime; both are behind a gate.
const readOptions = (reader: Reader): CanonOptions => {
  let encoding: StringEncoding | undefined;
  let async = false;
  let gc = false;
  const indices: Record<number, number> = {};
  reader.vector(() => {
    const at = reader.at;
    const opcode = reader.byte();
    const twice = (before: unknown) => {
      if (before) reader.malformed("a canonical option is given twice", at);
    };
    if (opcode <= 0x02) {
      twice(encoding);
      encoding = (["utf8", "utf16", "latin1+utf16"] as const)[opcode];
    } else if (opcode === 0x06) {
      twice(async);
      async = true;
    } else if (opcode === 0x09) {
      twice(gc);
      gc = true;
    } else if (opcode <= 0x08) {
      twice(opcode in indices);
      indices[opcode] = reader.u32();
    } else reader.unknown("canonical option", opcode, at);
  });
  return {
    encoding: encoding ?? "utf8",
    memory: indices[0x03],
    realloc: indices[0x04],
    postReturn: indices[0x05],
    async,
    callback: indices[0x07],
    gc,
  };
};

type Operands = (reader: Reader) => Omit<AsyncCanon, "kind" | "name">;

const none: Operands = () => ({});
const type: Operands = (reader) => ({ type: reader.u32() });
const options: Operands = (reader) => ({ options: readOptions(reader) });
const typeAndOptions: Operands = (reader) => ({ type: reader.u32(), options: readOptions(reader) });
const typeAndAsync: Operands = (reader) => ({ type: reader.u32(), async: reader.flag() });
const cancellable: Operands = (reader) => ({ cancellable: reader.flag() });
const cancellableMemory: Operands = (reader) => ({ cancellable: reader.flag(), memory: reader.u32() });
const contextSlot: Operands = (reader) => ({ coreType: readCoreValueType(reader), slot: reader.u32() });
const shared: Operands = (reader) => ({ shared: reader.flag() });

const builtins = new Map<number, readonly [name: string, operands: Operands]>([
  [0x05, ["task.cancel", none]],
  [0x06, ["subtask.cancel", (reader) => ({ async: reader.flag() })]],
  [0x09, ["task.return", (reader) => ({ result: readResult(reader), options: readOptions(reader) })]],
  [0x0a, ["context.get", contextSlot]],
  [0x0b, ["context.set", contextSlot]],
  [0x0c, ["thread.yield", cancellable]],
  [0x0d, ["subtask.drop", none]],
  [0x0e, ["stream.new", type]],
  [0x0f, ["stream.read", typeAndOptions]],
  [0x10, ["stream.write", typeAndOptions]],
  [0x11, ["stream.cancel-read", typeAndAsync]],
  [0x12, ["stream.cancel-write", typeAndAsync]],
  [0x13, ["stream.drop-readable", type]],
  [0x14, ["stream.drop-writable", type]],
  [0x15, ["future.new", type]],
  [0x16, ["future.read", typeAndOptions]],
  [0x17, ["future.write", typeAndOptions]],
  [0x18, ["future.cancel-read", typeAndAsync]],
  [0x19, ["future.cancel-write", typeAndAsync]],
  [0x1a, ["future.drop-readable", type]],
  [0x1b, ["future.drop-writable", type]],
  [0x1c, ["error-context.new", options]],
  [0x1d, ["error-context.debug-message", options]],
  [0x1e, ["error-context.drop", none]],
  [0x1f, ["waitable-set.new", none]],
  [0x20, ["waitable-set.wait", cancellableMemory]],
  [0x21, ["waitable-set.poll", cancellableMemory]],
  [0x22, ["waitable-set.drop", none]],
  [0x23, ["waitable.join", none]],
  [0x24, ["backpressure.inc", none]],
  [0x25, ["backpressure.dec", none]],
  [0x26, ["thread.index", none]],
  [0x27, ["thread.new-indirect", (reader) => ({ type: reader.u32(), table: reader.u32() })]],
  [0x28, ["thread.resume-later", none]],
  [0x29, ["thread.suspend", cancellable]],
  [0x2a, ["thread.suspend-then-resume", cancellable]],
  [0x2b, ["thread.yield-then-resume", cancellable]],
  [0x2c, ["thread.suspend-then-promote", cancellable]],
  [0x2d, ["thread.yield-then-promote", cancellable]],
  [0x40, ["thread.spawn-ref", (reader) => ({ shared: reader.flag(), type: reader.u32() })]],
  [
    0x41,
    [
      "thread.spawn-indirect",
      (reader) => ({ shared: reader.flag(), type: reader.u32(), table: reader.u32() }),
    ],
  ],
  [0x42, ["thread.available-parallelism", shared]],
]);
