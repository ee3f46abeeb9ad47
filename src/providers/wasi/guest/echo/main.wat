;; A request's bytes and what follows them become its answer's, without a byte passing through the guest.
(module
  (import "wasi:http/types@0.3.0" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.3.0" "[method]request.get-method" (func $method (param i32 i32)))
  (import "wasi:http/types@0.3.0" "[static]request.consume-body" (func $consume (param i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[future-new-0][static]request.consume-body" (func $handled (result i64)))
  (import "wasi:http/types@0.3.0" "[future-write-0][static]request.consume-body"
    (func $say-handled (param i32 i32) (result i32)))
  (import "wasi:http/types@0.3.0" "[future-drop-writable-0][static]request.consume-body"
    (func $drop-handled (param i32)))
  (import "wasi:http/types@0.3.0" "[static]response.new" (func $response (param i32 i32 i32 i32 i32)))
  (import "wasi:http/types@0.3.0" "[future-drop-readable-2][static]response.new"
    (func $drop-transmitted (param i32)))
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
    (local $ends i64)
    ;; DELETE (4) traps before an answer, as a faulty guest does.
    (call $method (local.get $request) (i32.const 64))
    (if (i32.eq (i32.load8_u (i32.const 64)) (i32.const 4)) (then unreachable))
    (local.set $ends (call $handled))
    (call $consume (local.get $request) (i32.wrap_i64 (local.get $ends)) (i32.const 16))
    ;; What is said is `ok`: the memory at 256 is zero.
    (drop (call $say-handled (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))) (i32.const 256)))
    (call $drop-handled (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
    (call $response (call $fields) (i32.const 1)
      (i32.load (i32.const 16)) (i32.load (i32.const 20)) (i32.const 32))
    ;; How the answer fares on its way is nothing to it.
    (call $drop-transmitted (i32.load (i32.const 36)))
    (call $return (i32.const 0) (i32.load (i32.const 32))
      (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (i32.const 0))
  (func (export "[callback][async-lift]wasi:http/handler@0.3.0#handle") (param i32 i32 i32) (result i32)
    unreachable))
