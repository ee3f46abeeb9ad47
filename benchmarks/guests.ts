import { wasmTools } from "../src/contract/tools.ts";

// Guests for measuring calls, in WAT so that nothing but the border between host and guest is in the numbers.

export const interfaceName = "bench:calls/calls";

const wit = `package bench:calls;
interface host { ask: func(text: string) -> string; }
interface calls {
  record ten { a: u8, b: s16, c: u32, d: s64, e: f32, f: f64, g: bool, h: char, i: u64, j: s8 }
  resource counter { constructor(start: u32); get: func() -> u32; }
  add: func(a: u32, b: u32) -> u32;
  text: func(text: string) -> string;
  record-of-ten: func(value: ten) -> ten;
  bytes: func(bytes: list<u8>) -> list<u8>;
}
world bench { import host; export calls; }`;

/** `padding` bytes of code that is never called, so that linking has something to read; `nonce` makes it new. */
const core = (padding: number, nonce: string): string => `(module
  (import "bench:calls/host" "ask" (func $ask (param i32 i32 i32)))
  (import "[export]bench:calls/calls" "[resource-new]counter" (func $new (param i32) (result i32)))
  (memory (export "memory") 64)
  (data (i32.const 8) "${nonce}")
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func $reset (param i32) (global.set $next (i32.const 4096)))
  (func (export "bench:calls/calls#add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "bench:calls/calls#text") (param i32 i32) (result i32)
    (call $ask (local.get 0) (local.get 1) (i32.const 1024)) (i32.const 1024))
  (export "cabi_post_bench:calls/calls#text" (func $reset))
  (func (export "bench:calls/calls#record-of-ten")
    (param i32 i32 i32 i64 f32 f64 i32 i32 i64 i32) (result i32)
    (i32.store8 (i32.const 1024) (local.get 0)) (i32.store16 (i32.const 1026) (local.get 1))
    (i32.store (i32.const 1028) (local.get 2)) (i64.store (i32.const 1032) (local.get 3))
    (f32.store (i32.const 1040) (local.get 4)) (f64.store (i32.const 1048) (local.get 5))
    (i32.store8 (i32.const 1056) (local.get 6)) (i32.store (i32.const 1060) (local.get 7))
    (i64.store (i32.const 1064) (local.get 8)) (i32.store8 (i32.const 1072) (local.get 9))
    (i32.const 1024))
  (func (export "bench:calls/calls#bytes") (param i32 i32) (result i32)
    (i32.store (i32.const 1024) (local.get 0)) (i32.store (i32.const 1028) (local.get 1)) (i32.const 1024))
  (export "cabi_post_bench:calls/calls#bytes" (func $reset))
  (func (export "bench:calls/calls#[constructor]counter") (param i32) (result i32) (call $new (local.get 0)))
  (func (export "bench:calls/calls#[method]counter.get") (param i32) (result i32) (local.get 0))
  ${Array.from(
    { length: Math.ceil(padding / 64) },
    (_, i) =>
      `(func (param i32) (result i32) ${"(i32.add (i32.const 70000) ".repeat(8)} (i32.mul (local.get 0) (i32.const ${1000000 + i})) ${")".repeat(8)})`,
  ).join("\n")})`;

/** A component of about so many bytes that nobody has linked before. */
export const callsComponent = async (size: number, nonce: string): Promise<Uint8Array> => {
  const tools = await wasmTools();
  const module = await tools.parse(core(size, nonce));
  return tools.componentNew(await tools.componentEmbed({ wit, world: "bench", core: module }));
};
