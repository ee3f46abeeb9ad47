// Random core modules for the differential test: always valid, always ending, of every kind of thing that the
// rewriter touches. Used by tests alone.

/** A small generator with a seed (mulberry32), so that a failure can be had again. */
export const randomOf = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

const funcCount = 6;
const binary = ["add", "sub", "mul", "and", "or", "xor", "shl", "rotl", "div_u", "rem_s", "lt_s", "eq"];

/**
 * A module that exports f0 to f5 (i32, i32) → i32, `memory` and `count`. Functions call those after them, so all
 * calls end; loops count down from a few. Divisions by zero, table indices and memory accesses may trap.
 */
export const randomModule = (seed: number): string => {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!;
  const local = () => `(local.get ${random(4)})`;
  const leaf = () => pick([local(), local(), `(i32.const ${random(200) - 100})`, "(global.get $count)"]);
  const value = (depth: number, self: number): string => {
    if (depth === 0) return leaf();
    const one = () => value(depth - 1, self);
    const later = self + 1 + random(funcCount - self);
    const choices = [
      () => `(i32.${pick(binary)} ${one()} ${one()})`,
      () => `(if (result i32) ${one()} (then ${one()}) (else ${one()}))`,
      () => `(select ${one()} ${one()} ${one()})`,
      () => `(i32.load (i32.and ${one()} (i32.const 0xfffc)))`,
      () => `(call $host ${one()})`,
      () => (later < funcCount ? `(call $f${later} ${one()} ${one()})` : one()),
      () =>
        `(call_indirect (param i32) (result i32) ${one()} (i32.rem_u ${one()} (i32.const ${random(8) === 0 ? 4 : 3})))`,
      () => `(block (result i32) ${work(depth - 1, self)} ${one()})`,
      () => `(call_ref $one ${one()} (ref.func $same))`,
      () => `(memory.grow (i32.and ${one()} (i32.const 1)))`,
      () => `(table.grow $spare (ref.null func) (i32.and ${one()} (i32.const 3)))`,
    ];
    return pick(choices)();
  };
  const work = (depth: number, self: number): string => {
    if (depth === 0) return `(global.set $count (i32.add (global.get $count) (i32.const 1)))`;
    const one = () => value(depth - 1, self);
    const again = () => work(depth - 1, self);
    // Each nesting has a counter of its own.
    const counter = 3 + depth;
    const choices = [
      () => `(local.set ${random(4)} ${one()})`,
      () => `(i32.store (i32.and ${one()} (i32.const 0xfffc)) ${one()})`,
      () => `${again()} ${again()}`,
      () => `(local.set ${counter} (i32.const ${1 + random(20)}))
        (loop $l ${again()} (br_if $l (local.tee ${counter} (i32.sub (local.get ${counter}) (i32.const 1)))))`,
      () => `(local.set ${counter} (i32.const ${1 + random(5)})) ${one()}
        (loop $l (param i32) (result i32) ${one()} (i32.xor)
          (br_if $l (local.tee ${counter} (i32.sub (local.get ${counter}) (i32.const 1))))) (drop)`,
      () =>
        `(memory.fill (i32.and ${one()} (i32.const 0xfff)) ${one()} (i32.and ${one()} (i32.const 0xfff)))`,
      () =>
        `(memory.copy (i32.and ${one()} (i32.const 0xfff)) (i32.const 64) (i32.and ${one()} (i32.const 0xff)))`,
      () => `(block $c (block $b (block $a (br_table $a $b $c ${one()})) ${again()}) ${again()})`,
      () => `(block $h (try_table (catch_all $h) ${again()} (throw $oops)))`,
      () => `(if ${one()} (then ${again()}) (else ${again()}))`,
    ];
    return pick(choices)();
  };
  const locals = "(local i32 i32 i32 i32 i32 i32 i32)";
  const funcs = Array.from({ length: funcCount }, (_, self) => {
    const last = self === funcCount - 1 ? `(call $host ${local()})` : "";
    const tail =
      random(2) === 0 && self < funcCount - 1 ? `(return_call $f${self + 1} ${leaf()} ${leaf()})` : "";
    return `(func $f${self} (export "f${self}") (param i32 i32) (result i32) ${locals}
      ${work(4, self)} ${tail || `${value(3, self)} ${last && `${last} (i32.add)`}`})`;
  });
  return `(module
    (type $one (func (param i32) (result i32)))
    (import "host" "call" (func $host (param i32) (result i32)))
    (import "host" "base" (global $base i32))
    (tag $oops)
    (table $main funcref (elem $same $double $host))
    (table $spare 1 40 funcref)
    (elem declare func $same)
    (memory (export "memory") 1 4)
    (data (i32.const 8) "some bytes to read")
    (global $count (export "count") (mut i32) (i32.const 0))
    (func $same (param i32) (result i32) (local.get 0))
    (func $double (param i32) (result i32) (i32.add (call $host (local.get 0)) (local.get 0)))
    (func $begin (global.set $count (global.get $base)))
    ${funcs.join("\n")}
    (start $begin))`;
};
