;; A request goes on as it is, and its answer back; an err of the other is one of 500, without words.
(module
  (import "wasi:http/handler@0.3.0" "handle" (func $handle (param i32 i32)))
  (import "[export]wasi:http/handler@0.3.0" "[task-return]handle"
    (func $return (param i32 i32 i32 i64 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (global $heap (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (local.get $at))
  (func (export "[async-lift]wasi:http/handler@0.3.0#handle") (param $request i32) (result i32)
    (call $handle (local.get $request) (i32.const 16))
    ;; The payload lies eight bytes behind the discriminant: an error-code may hold a u64. 38 is internal-error.
    (if (i32.load8_u (i32.const 16))
      (then (call $return (i32.const 1) (i32.const 38)
        (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
      (else (call $return (i32.const 0) (i32.load (i32.const 24))
        (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))
    (i32.const 0))
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    unreachable))
