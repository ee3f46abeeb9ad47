;; Waits on the clock for some five hundred years, asynchronously.
(module
  (import "wasi:clocks/monotonic-clock@0.3.0" "[async-lower]wait-for" (func $sleep (param i64) (result i32)))
  (import "$root" "[waitable-set-new]" (func $set-new (result i32)))
  (import "$root" "[waitable-join]" (func $join (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "[async-lift]wasi:cli/run@0.3.0#run") (result i32)
    (local $set i32)
    (local.set $set (call $set-new))
    (call $join
      (i32.shr_u (call $sleep (i64.const 0x7fffffffffffffff)) (i32.const 4))
      (local.get $set))
    (i32.or (i32.const 2) (i32.shl (local.get $set) (i32.const 4))))
  (func (export "[callback][async-lift]wasi:cli/run@0.3.0#run") (param i32 i32 i32) (result i32)
    unreachable))
